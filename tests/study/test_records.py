"""Order of trials by their objective."""

from __future__ import annotations

import pytest
from fakes import completed_trial, failed_trial

from mnistsweep.study.ranking import best_of, ranked
from mnistsweep.study.records import Result, State, TrialRecord


@pytest.mark.parametrize(("direction", "numbers"), [("max", [1, 3, 0, 2, 4]), ("min", [2, 4, 0, 1, 3])])
def test_trials_are_ranked_by_objective_then_by_number(direction: str, numbers: list[int]) -> None:
    records = [completed_trial(index, value) for index, value in enumerate((0.5, 0.9, 0.1, 0.9, 0.1))]
    assert [record.number for record in ranked(reversed(records), direction)] == numbers


def test_only_completed_trials_with_an_objective_are_ranked() -> None:
    pruned = TrialRecord(0, State.PRUNED, {}, 0, Result(0.99, 1, 1))
    running = TrialRecord(1, State.RUNNING, {}, 0, Result(0.99, 1, 1))
    without = TrialRecord(2, State.COMPLETED, {}, 0, Result(None))
    assert ranked([pruned, running, without, failed_trial(3, "x"), completed_trial(4, 0.1)], "max") == [
        completed_trial(4, 0.1)
    ]


@pytest.mark.parametrize(("direction", "number"), [("max", 1), ("min", 2)])
def test_the_best_of_equal_trials_has_the_lowest_number(direction: str, number: int) -> None:
    records = [completed_trial(index, value) for index, value in enumerate((0.5, 0.9, 0.1, 0.9, 0.1))]
    best = best_of(list(reversed(records)), direction)
    assert best is not None
    assert best.number == number


def test_only_a_completed_trial_can_be_the_best() -> None:
    pruned = TrialRecord(0, State.PRUNED, {}, 0, Result(0.99, 1, 1))
    running = TrialRecord(1, State.RUNNING, {}, 0, Result(0.99, 1, 1))
    assert best_of([pruned, running, failed_trial(2, "x")], "max") is None
    assert best_of([pruned, running, completed_trial(3, 0.1)], "max") == completed_trial(3, 0.1)
    assert best_of([], "min") is None
