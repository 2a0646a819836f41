"""The section on the importance of hyperparameters."""

import pytest
from evidence import make_search
from sections import figure_of, section_of

from mnistsweep.html_report.records import Text
from mnistsweep.html_report.sections import importance
from mnistsweep.search.importance import Importance, Importances
from mnistsweep.study.scored_trials import ScoredTrials


def test_importance_finds_what_matters():
    section = section_of(make_search(500), importance)

    table = section.files["importance.csv"]
    assert table.hyperparameter[0] == "model.dropout"
    assert table.importance.sum() == pytest.approx(1)
    assert set(table.columns) == {"hyperparameter", "importance", "std", "active_trials"}
    assert figure_of(section, "importance").caption.startswith(
        "model.dropout is the most important hyperparameter: 80 ± "
    )
    assert not section.advice


@pytest.mark.parametrize(
    ("first", "second", "caption"),
    [
        (
            (0.27, 0.21),
            (0.25, 0.16),
            "No hyperparameter is clearly the most important one; a is first with 27 ± 21 % of the total importance",
        ),
        ((0.60, 0.03), (0.54, 0.04), "a is the most important hyperparameter: 60 ± 3 % of the total importance"),
        (
            (0.60, 0.03),
            (0.56, 0.04),
            "No hyperparameter is clearly the most important one; a is first with 60 ± 3 % of the total importance",
        ),
        ((1.0, 0.0), None, "a is the most important hyperparameter: 100 ± 0 % of the total importance"),
    ],
)
def test_importance_names_a_first_only_where_it_leads(monkeypatch, first, second, caption):
    shares = [share for share in (first, second) if share is not None]
    found = Importances([Importance(key, *share, 20) for key, share in zip("ab", shares, strict=False)], 20, 2)
    monkeypatch.setattr(ScoredTrials, "importances", found)

    assert figure_of(section_of(make_search(), importance), "importance").caption.startswith(caption)


def test_importance_says_why_it_says_nothing():
    section = section_of(make_search(3), importance)

    assert isinstance(section.blocks[0], Text)
    assert "3 completed trials are too few" in section.blocks[0].text
    assert not section.advice
