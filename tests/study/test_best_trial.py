"""Which trial is the best: by its best epoch, in whatever state it can be compared."""

from __future__ import annotations

from typing import Any

import pytest

from mnistsweep.atomic import read_yaml, write_yaml
from mnistsweep.paths import SweepPaths
from mnistsweep.study.ranking import best_of, ranked
from mnistsweep.study.records import Result, State, TrialRecord, from_stored, to_stored
from mnistsweep.study.views import write_best


def trial(number: int, state: State, objective: float, **more: Any) -> TrialRecord:
    record = TrialRecord(number, state, {}, 0, Result(objective, 2, 3, comparable=more.pop("comparable", False)))
    return TrialRecord(number, state, {}, 0, record.result, **more)


def test_trials_are_ranked_by_their_best_epoch() -> None:
    before = Result(0.95, 1, 2)
    records = [
        trial(0, State.COMPLETED, 0.5),
        trial(1, State.PRUNED, 0.7, comparable=True),
        trial(2, State.PRUNED, 0.99),  # of one fold, or of the first of several repeats
        trial(3, State.FAILED, 0.99),
        trial(4, State.RUNNING, 0.99, owner="w"),
        trial(5, State.RUNNING, 0.1, owner="w", paused=before),
        trial(6, State.PAUSED, 0.6, paused=Result(0.6, 2, 3)),
    ]
    assert [record.number for record in ranked(records, "max")] == [5, 1, 6, 0]
    assert [record.number for record in ranked(records, "min")] == [0, 6, 1, 5]
    best = best_of(records, "max")
    assert best is not None
    assert best.result == before


@pytest.mark.parametrize(("state", "stop_after"), [(State.COMPLETED, None), (State.PRUNED, 3), (State.PAUSED, 3)])
def test_best_yaml_stops_after_the_last_epoch_of_a_trial_that_has_not_completed(
    paths: SweepPaths, state: State, stop_after: int | None
) -> None:
    content = {"seed": 1, "trainer": {"epochs": 16, "stop_after": None, "threads": 2}, "name": "1e-3"}
    write_yaml(paths.trial(0).config, content)
    write_best(paths, trial(0, state, 0.5, comparable=True), "val_accuracy")
    expected = {**content, "trainer": {"epochs": 16, "stop_after": stop_after, "threads": 2}}
    assert read_yaml(paths.best) == expected
    assert paths.best.read_text().startswith("# Trial 0 of the sweep 'search': val_accuracy 0.5 at epoch 2.\n")


@pytest.mark.parametrize("result", [Result(), Result(0.5, 1, 2, 3.5, std=0.1), Result(0.5, 1, 2, comparable=True)])
def test_a_result_is_read_as_it_was_stored(result: Result) -> None:
    assert from_stored(to_stored(result)) == result
    assert ("comparable" in to_stored(result)) == result.comparable  # earlier versions do not know it
