"""What a training says about those of fewer epochs that it contains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from fakes import LINE, claim, make_search, open_study

from mnistsweep.paths import SweepPaths
from mnistsweep.study.confirmation import Confirmation
from mnistsweep.study.nested_epochs import best_content, contained_results, result_before_failure
from mnistsweep.study.records import CheckpointRecord, Result, State, TrialRecord

NESTED = (2, 4, 8)
CURVE = {1: 0.5, 2: 0.25, 3: 0.75, 4: 0.75, 5: 0.875}


def record(state: State, values: Mapping[int, float], epochs: int, paused: Result | None = None) -> TrialRecord:
    best = max(values, key=lambda epoch: values[epoch])
    result = Result(values[best], best, epochs)
    return TrialRecord(0, state, {}, 7, result, paused=paused, values=values)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.COMPLETED, [(2, 0.5, 1), (4, 0.75, 3), (8, 0.875, 5)]),  # it has stopped early by itself
        (State.PAUSED, [(2, 0.5, 1), (4, 0.75, 3)]),
        (State.PRUNED, [(2, 0.5, 1), (4, 0.75, 3)]),
        (State.FAILED, []),
    ],
)
def test_only_what_is_certain_has_a_result(state: State, expected: list[tuple[int, float, int]]) -> None:
    found = contained_results(record(state, CURVE, 5), NESTED, "max")
    assert [(one.epochs, one.objective, one.best_epoch) for one in found] == expected


def test_a_trial_that_continues_has_the_results_of_its_pause() -> None:
    running = record(State.RUNNING, CURVE, 5, paused=Result(0.5, 1, 2)).at_pause
    assert running is not None
    assert [one.epochs for one in contained_results(running, NESTED, "max")] == [2]
    assert [(one.objective, one.best_epoch) for one in contained_results(running, NESTED, "min")] == [(0.25, 2)]


def test_values_that_are_not_finite_are_no_results() -> None:
    found = list(contained_results(record(State.COMPLETED, {1: math.nan, 2: 0.5}, 2), NESTED, "max"))
    assert [(one.epochs, one.objective) for one in found] == [(2, 0.5), (4, 0.5), (8, 0.5)]
    assert not list(contained_results(record(State.COMPLETED, {1: math.nan}, 1), NESTED, "max"))


@pytest.mark.parametrize(
    ("state", "best", "last", "trainer"),
    [
        (State.COMPLETED, 3, 8, {"epochs": 4, "stop_after": None}),
        (State.COMPLETED, 8, 8, {"epochs": 8, "stop_after": None}),
        (State.PAUSED, 3, 5, {"epochs": 4, "stop_after": None}),
        (State.PAUSED, 5, 5, {"epochs": 8, "stop_after": 5}),
        (State.PRUNED, 1, 1, {"epochs": 2, "stop_after": 1}),
    ],
)
def test_the_best_configuration_trains_as_long_as_its_score_needs(
    state: State, best: int, last: int, trainer: dict[str, object]
) -> None:
    values = {epoch: float(epoch == best) for epoch in range(1, last + 1)}
    content = {"trainer": {"epochs": 8, "stop_after": None}, "seed": 7}
    assert best_content(content, record(state, values, last), NESTED) == {"trainer": trainer, "seed": 7}
    whole = {"epochs": 8, "stop_after": None if state is State.COMPLETED else last}
    assert best_content(content, record(state, values, last), ())["trainer"] == whole


def test_a_failure_leaves_the_result_of_the_epochs_before_it() -> None:
    failed, saved = Result(reason="loss became nan", seconds=3.0), CheckpointRecord("abc", 0.875)
    found = result_before_failure(failed, CURVE, NESTED, "max", Result(0.875, 5, 5, checkpoint=saved))
    assert found == Result(
        0.875, 5, 5, 3.0, reason="failed after epoch 5: loss became nan", comparable=True, checkpoint=saved
    )
    other = result_before_failure(failed, CURVE, NESTED, "max", Result(0.5, 1, 2, checkpoint=saved))
    assert other is not None
    assert other.checkpoint is None  # that file is the model of another epoch
    assert result_before_failure(failed, {1: 0.5}, NESTED, "max") is None
    assert result_before_failure(failed, CURVE, (), "max") is None


def test_a_repetition_that_fails_has_no_result_because_it_is_shorter_than_the_trial_that_it_confirms(
    paths: SweepPaths,
) -> None:
    search = replace(make_search(LINE, trials=2, confirmation=Confirmation(2, 1, "max")), nested_epochs=NESTED)
    failed = Result(reason="loss became nan")
    with open_study(paths, search) as study:
        for _ in range(2):
            found = claim(study)
            for epoch in (1, 2):
                study.report(found, epoch, 0.5)
            before = study.result_before_failure(found, failed)
            assert before is not None
            study.finish(found, State.COMPLETED, replace(before, epochs=8))
        repetition = claim(study)
        for epoch in (1, 2):
            study.report(repetition, epoch, 0.75)
        assert repetition.confirms is not None
        assert study.result_before_failure(repetition, failed) is None
