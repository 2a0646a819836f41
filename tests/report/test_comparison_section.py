from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from evidence import make_evidence

from mnistsweep.analysis.comparison import compare
from mnistsweep.reporter.records import Figure, Section, Table, Text
from mnistsweep.reporter.sections import comparison

EVIDENCE = make_evidence()


def shown(section: Section | None) -> Section:
    assert section is not None
    return section


def test_what_is_compared() -> None:
    table, winner = shown(comparison.section(EVIDENCE)).files["comparison.csv"], EVIDENCE.winner.number
    assert list(zip(table.a, table.b, strict=True)) == [
        *(("the committee", f"seed {number}") for number in range(3)),
        ("the refit (seed 0)", f"trial {winner}"),
        (f"trial {winner}", "trial 8"),
    ]
    assert EVIDENCE.checkpoint is not None
    expected = compare(EVIDENCE.checkpoint.test, EVIDENCE.others[8], EVIDENCE.labels)
    last = table.iloc[-1]
    assert (last.only_a_right, last.only_b_right) == (expected.only_first, expected.only_second)
    assert last.p_value == pytest.approx(expected.p_value, abs=1e-12)
    assert (last.low, last.high) == (expected.interval.low, expected.interval.high)


def test_nothing_to_compare() -> None:
    assert comparison.section(make_evidence(seeds=1, checkpoint=None)) is None


def test_a_checkpoint_is_not_compared_with_itself() -> None:
    winner = dataclasses.replace(EVIDENCE.winner, refitted=False)
    assert comparison.section(make_evidence(seeds=1, winner=winner, others={})) is None


def test_blocks() -> None:
    section = shown(comparison.section(EVIDENCE))
    reading, verdicts = (block.text for block in section.blocks if isinstance(block, Text))
    assert "p is below 0.01, which is 0.05 divided by the 5 comparisons (Bonferroni)" in reading
    assert verdicts.count("(p ") == 3
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert len(table.rows) == 5
    assert all(len(row) == len(table.columns) for row in table.rows)
    (figure,) = (block for block in section.blocks if isinstance(block, Figure))
    assert figure.name == "comparison"
    assert len(figure.drawing.axes[0].get_yticks()) == 5


def test_another_trial_that_is_better_does_not_win() -> None:
    """Planted: trial 4 is always right; the advice is not to choose it by the test set."""
    others = {4: np.eye(10)[EVIDENCE.labels]}
    section = shown(comparison.section(make_evidence(others=others)))
    assert any("Trial 4 is better than the winner" in one and "must not choose" in one for one in section.advice)


def test_a_committee_that_is_better() -> None:
    """Planted: three seeds, each wrong on other images; together always right."""
    labels = EVIDENCE.labels
    p = np.tile(np.eye(10)[labels], (3, 1, 1))
    for seed in range(3):
        p[seed, seed::10] = 0.4 * p[seed, seed::10] + 0.6 * np.eye(10)[(labels[seed::10] + 1) % 10]
    section = shown(comparison.section(make_evidence(probabilities=p, checkpoint=None)))
    (advice,) = section.advice
    assert "right 10.00 percentage points more often than one seed, clearly so against 3 of 3 seeds" in advice
