from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from evidence import make_evidence

from mnistsweep.analysis.comparison import compare_models
from mnistsweep.html_report.records import Figure, Section, Table, Text
from mnistsweep.html_report.sections import comparison

EVIDENCE = make_evidence()


def shown(section: Section | None) -> Section:
    assert section is not None
    return section


def test_what_is_compared() -> None:
    table, winner = shown(comparison.section(EVIDENCE)).files["comparison.csv"], EVIDENCE.winner.number
    assert list(zip(table.a, table.b, strict=True)) == [
        *(("the committee", f"seed {number}") for number in range(3)),
        ("the retrained seed 0", f"trial {winner}"),
        (f"trial {winner}", "trial 8"),
    ]
    assert EVIDENCE.checkpoint is not None
    expected = compare_models(EVIDENCE.checkpoint.test, EVIDENCE.others[8], EVIDENCE.labels)
    last = table.iloc[-1]
    assert (last.only_a_right, last.only_b_right) == (expected.only_first, expected.only_second)
    assert last.p_value == pytest.approx(expected.p_value, abs=1e-12)
    assert (last.low, last.high) == (expected.interval.low, expected.interval.high)


def test_nothing_to_compare() -> None:
    assert comparison.section(make_evidence(seeds=1, checkpoint=None)) is None


def test_a_checkpoint_is_not_compared_with_itself() -> None:
    winner = dataclasses.replace(EVIDENCE.winner, retrained=False)
    assert comparison.section(make_evidence(seeds=1, winner=winner, others={})) is None


def test_blocks() -> None:
    section = shown(comparison.section(EVIDENCE))
    reading, verdicts = (block.text for block in section.blocks if isinstance(block, Text))
    assert "p is below 0.01, which is 0.05 divided by the 5 comparisons (Bonferroni)" in reading
    assert verdicts.count("(p ") == 3
    assert verdicts.startswith(
        "The committee is significantly better than 0 of the 3 seeds compared, and significantly worse than"
    )
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert len(table.rows) == 5
    assert all(len(row) == len(table.columns) for row in table.rows)
    (figure,) = (block for block in section.blocks if isinstance(block, Figure))
    assert figure.name == "comparison"
    assert len(figure.drawing.axes[0].get_yticks()) == 5
    counting = sum(row[table.columns.index("significant")] == "yes" for row in table.rows)
    assert (
        f"The table accounts for all 5 comparisons, which is stricter; significant there: {counting}." in figure.caption
    )


def test_another_trial_that_is_better_does_not_win() -> None:
    """Planted: trial 4 is always right; the advice is not to choose it by the test set."""
    others = {4: np.eye(10)[EVIDENCE.labels]}
    section = shown(comparison.section(make_evidence(others=others)))
    assert any(
        "Do not select trial 4 for its test accuracy" in one and "must not be used for selection" in one
        for one in section.advice
    )


def wrong_on_other_images(seeds: int, worse: int) -> Section:
    """Evidence of several seeds; each of the first ones is wrong on one image in twenty, on different images."""
    labels = EVIDENCE.labels
    p = np.tile(np.eye(10)[labels], (seeds, 1, 1))
    for seed in range(worse):
        p[seed, seed::20] = 0.4 * p[seed, seed::20] + 0.6 * np.eye(10)[(labels[seed::20] + 1) % 10]
    return shown(comparison.section(make_evidence(probabilities=p, losses=np.zeros(seeds), checkpoint=None)))


def test_a_committee_that_is_better() -> None:
    section = wrong_on_other_images(3, 3)
    (advice,) = section.advice
    assert (
        "accuracy is 5.00 percentage points higher than that of one seed on average, significantly so for 3 of the "
        "3 seeds" in advice
    )


def test_a_committee_of_more_seeds_than_are_compared() -> None:
    (advice,) = wrong_on_other_images(15, 15).advice
    assert advice.startswith("Use the committee if 15 predictions for each image are affordable")
    assert "significantly so for 10 of the 10 seeds compared" in advice


def test_a_committee_that_is_better_than_one_seed_alone() -> None:
    section = wrong_on_other_images(3, 1)
    assert list(section.advice) == []
    verdict = (
        "The committee is significantly better than 1 of the 3 seeds compared, and significantly worse than 0 (p below "
        "0.0167)."
    )
    assert [block.text for block in section.blocks if isinstance(block, Text)][1] == verdict
