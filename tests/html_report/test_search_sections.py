"""What the page shows of the search: history, importance, landscape, one hyperparameter against time."""

import dataclasses
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from evidence import make_evidence, make_search

from mnistsweep.errors import DataError
from mnistsweep.html_report.bounds import bound_advice
from mnistsweep.html_report.evidence import Search
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.axes import axis
from mnistsweep.html_report.figures.scatter import num_outside, view
from mnistsweep.html_report.records import Facts, Figure, Interactive, Table, Text
from mnistsweep.html_report.sections import against, history, importance, landscape
from mnistsweep.html_report.trials import points_of, trials_of
from mnistsweep.search.importance import Importance, Importances
from mnistsweep.space import Choice, Condition, Float, Int, SearchSpace

SECTIONS = [history, importance, landscape, against]
COLUMNS = ("trial", "state", "objective", "best_epoch", "seconds", "seed", "reason")


def search_of(space, points, objective, seconds=None, **changes):
    """A search through a CSV file, as a sweep leaves it."""
    seconds = np.full(len(points), 10.0) if seconds is None else seconds
    rows = [
        [number, "completed", value, 3, time, number, "", *(_cell(point.get(key)) for key in space.keys)]
        for number, (point, value, time) in enumerate(zip(points, objective, seconds, strict=True))
    ]
    text = pd.DataFrame(rows, columns=[*COLUMNS, *space.keys]).to_csv(index=False)
    kinds = {"best_epoch": "Int64", "reason": str}
    table = pd.read_csv(io.StringIO(text), dtype=kinds, keep_default_na=False, na_values=[""]).fillna({"reason": ""})
    curves = pd.DataFrame({"trial": [0], "epoch": [1], "accuracy": [0.9], "val_accuracy": [0.9]})
    return dataclasses.replace(Search(space, "val_accuracy", "max", table, curves), **changes)


def _cell(value):
    return "" if value is None else str(value)


def draw(space, trials, seed=0):
    rng = np.random.default_rng(seed)
    return [space.point(rng.uniform(size=len(space.dimensions)).tolist()) for _ in range(trials)]


def drawings(section):
    for block in section.blocks:
        if isinstance(block, Interactive):
            yield block.figure
        elif isinstance(block, Figure):
            yield block


def figure_of(section, name):
    return next(figure for figure in drawings(section) if figure.name == name)


def shown(search, module, **changes):
    return module.section(make_evidence(search=search, **changes))


AWKWARD = SearchSpace(
    (
        Choice("a.kind", (None, "relu", True, [1, 2], 0.5)),
        Int("a.units", 8, 512, log=True, conditions=(Condition("a.kind", ("relu", None)),)),
        Choice("size", (64, 128, 256), conditions=(Condition("a.kind", ("relu",)),)),
        Float("rate", 1e-4, 1e-1, log=True),
        Choice("one", (7,)),
        Choice("many", tuple(f"a_long_name_{number}" for number in range(20))),
    )
)


@pytest.mark.parametrize("module", SECTIONS)
@pytest.mark.parametrize(
    "search",
    [None, dataclasses.replace(make_search(), trials=make_search().trials.query("state != 'completed'"))],
    ids=["no search", "none completed"],
)
def test_nothing_to_show(module, search):
    assert shown(search, module) is None


@pytest.mark.parametrize("module", SECTIONS)
@pytest.mark.parametrize("trials", [1, 2, 24])
@pytest.mark.parametrize("direction", ["max", "min"])
def test_every_figure_can_be_drawn(module, trials, direction):
    search = dataclasses.replace(make_search(trials), direction=direction)

    section = shown(search, module)

    for figure in drawings(section):
        assert style.svg(figure.drawing, figure.name).startswith("<svg")
        assert len(figure.alt) > 20
        assert figure.caption.endswith(".")


@pytest.mark.parametrize("module", SECTIONS)
def test_awkward_values(module):
    points = draw(AWKWARD, 40)
    section = shown(search_of(AWKWARD, points, [0.9 + np.log10(point["rate"]) / 50 for point in points]), module)

    for figure in drawings(section):
        assert style.png(figure.drawing).startswith(b"\x89PNG")


def test_points_are_read_back_as_they_were():
    points = draw(AWKWARD, 60)
    search = search_of(AWKWARD, points, np.arange(60.0))

    read = points_of(AWKWARD, search.trials)

    assert read == points
    assert [type(point["a.kind"]) for point in read] == [type(point["a.kind"]) for point in points]


def test_a_value_that_the_space_does_not_know():
    search = search_of(AWKWARD, draw(AWKWARD, 5), np.arange(5.0))
    search.trials["many"] = "another"

    with pytest.raises(DataError, match=r"trial 0: many must be one of choice\(a_long_name_0, .*received 'another'"):
        trials_of(search)


def test_history_counts_and_names_the_best():
    search = make_search()
    best = search.trials[search.trials.state == "completed"].sort_values("objective").iloc[-1]

    section = shown(search, history)

    facts = next(block for block in section.blocks if isinstance(block, Facts)).facts
    assert (facts[0].value, facts[0].note) == ("24", "22 completed, 1 pruned, 1 failed")
    assert (facts[1].value, facts[1].note) == (f"{100 * best.objective:.2f} %", f"trial {best.trial}")
    caption = figure_of(section, "search-history").caption
    assert f"The best of 24 trials was found at trial {best.trial}" in caption
    assert "1 trial is drawn as a cross" in caption


def test_pareto_file_holds_the_front_of_the_completed():
    space = SearchSpace((Choice("size", (1, 2, 3)),))
    search = search_of(space, [{"size": 1}, {"size": 2}, {"size": 3}], [0.90, 0.85, 0.95], [10.0, 20.0, 30.0])
    search.trials.loc[0, "state"] = "pruned"

    table = shown(search, history).files["pareto.csv"]

    assert table.to_dict("list") == {
        "trial": [1, 2], "seconds": [20.0, 30.0], "val_accuracy": [0.85, 0.95], "size": [2, 3],
    }  # fmt: skip


def test_a_late_best_failures_and_a_cheaper_trial_are_worth_advice():
    space = SearchSpace((Float("x", 0.0, 1.0),))
    points = draw(space, 20)
    objective, seconds = np.linspace(0.5, 0.6, 20), np.full(20, 100.0)
    objective[3], seconds[3] = objective[19] - 0.0005, 20.0
    search = search_of(space, points, objective, seconds)
    search.trials.loc[[5, 6], "state"] = "failed"
    search.trials.loc[[5, 6], "reason"] = "out of memory\nat line 3"

    late, cheaper, failed = shown(search, history).advice

    assert late.startswith("The best trial came late, as number 19 of 20")
    assert cheaper.startswith("Trial 3 reaches 59.95 % in 20.0 s, the best trial 60.00 % in 1 min 40 s")
    assert failed == "2 of 20 trials failed, most often with “out of memory” (2): see results.csv."


def test_nothing_is_late_where_all_points_were_tried():
    space = SearchSpace((Int("x", 1, 12),))
    points = [{"x": number} for number in range(1, 13)]

    assert list(shown(search_of(space, points, np.linspace(0.5, 0.6, 12)), history).advice) == []
    (late,) = shown(search_of(space, points[:10], np.linspace(0.5, 0.6, 10)), history).advice
    assert "may still have been finding better ones. Raise `trials`, to 12 say" in late


def test_pruned_trials_are_told_apart_in_the_captions():
    space = SearchSpace((Float("x", 0.0, 1.0), Float("y", 0.0, 10.0)))
    search = search_of(space, draw(space, 20), np.linspace(0.5, 0.6, 20))
    whole = figure_of(shown(search, landscape), "search-contour").caption
    pruned = search.trials.assign(state=np.where(search.trials.trial < 14, "pruned", "completed"))
    search = dataclasses.replace(search, trials=pruned)

    caption = figure_of(shown(search, landscape), "search-contour").caption
    assert "where nothing is drawn no completed trial was near. Points are completed trials" in caption
    assert caption.endswith("14 pruned trials are left out.")
    assert "pruned" not in whole
    lines = figure_of(shown(search, history), "parallel-coordinates").caption
    assert "14 pruned trials are coloured by what was reached by then, at an earlier epoch." in lines


def test_no_advice_without_reason():
    space = SearchSpace((Float("x", 0.0, 1.0),))
    search = search_of(space, draw(space, 20), np.linspace(0.6, 0.5, 20))

    assert list(shown(search, history).advice) == []


def test_interactive_parallel_coordinates_hold_all_trials():
    search = make_search()

    block = next(b for b in shown(search, history).blocks if isinstance(b, Interactive))

    assert 'id="parallel-coordinates"' in block.html
    assert "<html" not in block.html
    assert "cdn.plot.ly" not in block.html
    dimensions = json.loads(re.search(r'"dimensions":(\[.*?\]),"(?:labelangle|line)"', block.html)[1])
    assert [one["label"] for one in dimensions] == [
        "optimizer", "momentum", "dropout", "learning_rate", "batch_size", "val_accuracy",
    ]  # fmt: skip
    assert {len(one["values"]) for one in dimensions} == {23}  # the failed one is out
    optimizer, momentum = dimensions[:2]
    assert (optimizer["tickvals"], optimizer["ticktext"]) == ([0.0, 1.0], ["adam", "sgd"])
    assert momentum["ticktext"][0] == "–"
    below = [value < 0 for value in momentum["values"]]
    assert below == [value == 0 for value in optimizer["values"]]  # adam has none


def test_a_dimension_of_one_value_is_no_line():
    search = search_of(AWKWARD, draw(AWKWARD, 10), np.arange(10.0))

    block = next(b for b in shown(search, history).blocks if isinstance(b, Interactive))

    assert '"label":"one"' not in block.html
    assert '"label":"many"' in block.html


def test_importance_finds_what_matters():
    section = shown(make_search(500), importance)

    table = section.files["importance.csv"]
    assert table.hyperparameter[0] == "model.dropout"
    assert table.importance.sum() == pytest.approx(1)
    assert set(table.columns) == {"hyperparameter", "importance", "std", "active_trials"}
    assert figure_of(section, "importance").caption.startswith("model.dropout made the most difference: 80 ± ")
    assert section.advice[0].startswith("Most of the difference was made by model.dropout")


@pytest.mark.parametrize(
    ("first", "second", "caption"),
    [
        ((0.27, 0.21), (0.25, 0.16), "No hyperparameter stands out; a comes first with 27 ± 21 % of the importance"),
        ((0.60, 0.03), (0.54, 0.04), "a made the most difference: 60 ± 3 % of the importance"),
        ((0.60, 0.03), (0.56, 0.04), "No hyperparameter stands out; a comes first with 60 ± 3 % of the importance"),
        ((1.0, 0.0), None, "a made the most difference: 100 ± 0 % of the importance"),
    ],
)
def test_importance_names_a_first_only_where_it_leads(monkeypatch, first, second, caption):
    shares = [share for share in (first, second) if share is not None]
    found = Importances([Importance(key, *share, 20) for key, share in zip("ab", shares, strict=False)], 20, 2)
    monkeypatch.setattr(importance, "importances_of", lambda search: found)

    assert figure_of(shown(make_search(), importance), "importance").caption.startswith(caption)


def test_importance_says_why_it_says_nothing():
    section = shown(make_search(3), importance)

    assert isinstance(section.blocks[0], Text)
    assert "3 completed trials are too few" in section.blocks[0].text
    assert not section.advice


def test_slices_are_ordered_by_importance():
    section = shown(make_search(200), landscape)

    assert figure_of(section, "search-slices").alt.startswith(
        "val_accuracy of each trial against model.dropout, optimizer"
    )


def test_the_surface_follows_the_objective():
    space = SearchSpace((Float("x", 0.0, 1.0), Float("y", 0.0, 10.0)))
    points = draw(space, 300)
    trials = trials_of(search_of(space, points, [p["x"] - 0.05 * p["y"] for p in points]))

    columns, rows, values = landscape.surface(axis(space, "x"), axis(space, "y"), trials)

    wanted = columns - 0.05 * rows[:, np.newaxis]
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(values - wanted)[inner].max() < 0.08
    assert not np.isnan(values).any()


def test_the_surface_of_choices_is_the_mean_of_each_cell():
    space = SearchSpace((Choice("x", ("a", "b")), Choice("y", (1, 2))))
    points = [{"x": "a", "y": 1}, {"x": "a", "y": 1}, {"x": "b", "y": 2}]
    trials = trials_of(search_of(space, points, [0.5, 0.7, 0.9]))

    _, _, values = landscape.surface(axis(space, "x"), axis(space, "y"), trials)

    np.testing.assert_allclose(values, [[0.6, np.nan], [np.nan, 0.9]])


def test_against_a_hyperparameter_that_was_asked_for():
    space = SearchSpace((Choice("trainer.batch_size", (32, 64, 128)), Float("x", 0.0, 1.0)))
    points = [{"trainer.batch_size": size, "x": 0.5} for size in (32, 32, 64, 64, 128)]
    search = search_of(space, points, [0.98, 0.99, 0.97, 0.97, 0.90], [20.0, 22.0, 10.0, 10.0, 5.0])

    section = shown(search, against, against="trainer.batch_size")

    table = next(block for block in section.blocks if isinstance(block, Table))
    assert list(table.rows) == [
        ["32", "2", "21.0 ± 1.4", "98.50 % ± 0.71 %"],
        ["64", "2", "10.0 ± 0.0", "97.00 % ± 0.00 %"],
        ["128", "1", "5.0", "90.00 %"],
    ]
    caption = figure_of(section, "search-against").caption
    assert "On the mean 128 is fastest (5.0 s) and 32 scores best (98.50 %)." in caption


def test_against_what_was_not_swept():
    with pytest.raises(DataError, match=r"report.against: 'model.droput' was not swept; .*model.dropout"):
        shown(make_search(), against, against="model.droput")


def test_against_the_most_important_by_default():
    assert "against model.dropout, on" in figure_of(shown(make_search(200), against), "search-against").caption


@pytest.mark.parametrize(
    ("dimension", "sign", "wanted"),
    [
        (Float("x", 1e-4, 1e-1, log=True), 1, "upper tenth of its range, 0.0001 to 0.1: widen it to 1."),
        (Float("x", 1e-4, 1e-1, log=True), -1, "lower tenth of its range, 0.0001 to 0.1: widen it to 1e-05."),
        (Float("x", 0.0, 0.6), 1, "upper tenth of its range, 0 to 0.6: widen it to 0.8."),
        (Float("x", 0.0, 0.6), -1, None),
        (Int("x", 10, 40), 1, "upper tenth of its range, 10 to 40: widen it to 50."),
        (Choice("x", (16, 32, 64, 128)), 1, "=128, the largest of its values: add 256."),
        (Choice("x", (16, 32, 64, 128)), -1, "=16, the smallest of its values: add 8."),
        (Choice("x", (1, 2, 3)), 1, "=3, the largest of its values: add 4."),
        (Choice("x", (1, 2, 3)), -1, None),
        (Choice("x", (0.0, 0.1, 0.2, 0.3)), 1, "=0.3, the largest of its values: add 0.4."),
        (Choice("x", ("a", "b", "c")), 1, None),
        (Choice("x", (1, 2)), 1, None),
    ],
)  # fmt: skip
def test_advice_at_the_end_of_a_range(dimension, sign, wanted):
    space = SearchSpace((dimension,))
    points = [space.point([unit]) for unit in np.linspace(0, 0.999, 30)]
    scale = axis(space, "x")

    advice = bound_advice(trials_of(search_of(space, points, sign * scale.positions(points))))

    assert [sentence.removeprefix("All 3 best trials have x").removeprefix(" in the ") for sentence in advice] == (
        [] if wanted is None else [wanted]
    )


def test_no_advice_from_the_middle_of_a_range_or_from_few_trials():
    space = SearchSpace((Float("x", 0.1, 1.0),))
    points = [space.point([unit]) for unit in np.linspace(0, 0.999, 30)]

    assert bound_advice(trials_of(search_of(space, points, [-abs(p["x"] - 0.5) for p in points]))) == []
    assert bound_advice(trials_of(search_of(space, points[:9], [p["x"] for p in points[:9]]))) == []


def test_a_failure_at_chance_level_does_not_flatten_the_view():
    space = SearchSpace((Float("x", 0.0, 1.0),))
    trials = trials_of(search_of(space, draw(space, 11), [0.1, *np.linspace(0.95, 0.99, 10)]))

    low, high = view(trials)

    assert 0.8 < low < 0.95
    assert high > 0.99
    assert num_outside(trials) == 1


def test_names_are_whole_where_two_end_alike():
    space = SearchSpace((Float("a.rate", 0.0, 1.0), Float("b.rate", 0.0, 1.0), Float("a.size", 0.0, 1.0)))

    assert [axis(space, key).name for key in space.keys] == ["a.rate", "b.rate", "size"]
