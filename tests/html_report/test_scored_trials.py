"""Trials with an objective, from the records of a sweep."""

import math

from evidence import search_of
from sections import AWKWARD, random_points

from mnistsweep.dimensions import Choice
from mnistsweep.space import SearchSpace
from mnistsweep.study.records import Result, State, TrialRecord
from mnistsweep.study.scored_trials import ScoredTrials

SPACE = SearchSpace((Choice("size", (1, 2, 3)), Choice("one", (7,))))


def record(number: int, state: State, objective: float | None) -> TrialRecord:
    return TrialRecord(number, state, {"size": 1, "one": 7}, number, Result(objective, seconds=2.0 * number))


def test_finished_trials_with_an_objective_in_the_order_of_their_numbers() -> None:
    records = [
        record(6, State.COMPLETED, 0.9),
        record(5, State.COMPLETED, math.nan),
        record(4, State.RUNNING, 0.8),
        record(3, State.COMPLETED, None),
        record(2, State.FAILED, 0.99),
        record(1, State.PRUNED, 0.95),
        record(0, State.COMPLETED, 0.9),
    ]

    trials = ScoredTrials.from_records(SPACE, "val_accuracy", "max", records)

    assert trials is not None
    assert trials.numbers.tolist() == [0, 1, 6]
    assert trials.values.tolist() == [0.9, 0.95, 0.9]
    assert trials.seconds.tolist() == [0.0, 2.0, 12.0]
    assert trials.completed.tolist() == [True, False, True]
    assert (trials.order.tolist(), trials.best, trials.num_pruned) == ([0, 2], 0, 1)
    assert trials.keys_by_importance == ["size"]  # too few trials; a dimension of one value is left out


def test_none_where_no_trial_has_completed() -> None:
    records = [record(0, State.PRUNED, 0.9), record(1, State.FAILED, None)]

    assert ScoredTrials.from_records(SPACE, "val_accuracy", "max", records) is None
    assert ScoredTrials.from_records(SPACE, "val_accuracy", "max", []) is None


def test_the_best_of_losses_is_the_smallest() -> None:
    records = [record(number, State.COMPLETED, value) for number, value in enumerate((0.3, 0.1, 0.2))]

    trials = ScoredTrials.from_records(SPACE, "val_loss", "min", records)

    assert trials is not None
    assert trials.order.tolist() == [1, 2, 0]
    assert trials.gains.tolist() == [-0.3, -0.1, -0.2]
    assert trials.format(trials.values[1]) == "0.1"


def test_points_keep_the_types_of_their_values() -> None:
    points = random_points(AWKWARD, 60)

    trials = search_of(AWKWARD, points, range(60)).scored

    assert trials is not None
    assert trials.points == points
    assert [type(point["a.kind"]) for point in trials.points] == [type(point["a.kind"]) for point in points]
