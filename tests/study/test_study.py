"""The study: claims, budget, crashes and exported views, with a journal file and with databases."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from fakes import (
    LINE,
    MIXED,
    PROCESSES,
    SMALL,
    claim,
    claim_and_hang,
    fail,
    make_search,
    new_event,
    open_study,
    run,
    score,
    start,
    train,
    work_through,
)
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from mnistsweep.atomic import write_yaml
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.search.distributions import stored
from mnistsweep.space import Point
from mnistsweep.study.heartbeat_monitor import HeartbeatMonitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.opened_ledger import create_ledger
from mnistsweep.study.records import Result, State
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.study.sweep import Sweep


class TestEveryStore:
    """Contract of all storages."""

    def test_a_trial_goes_from_claim_to_record(self, paths: SweepPaths, storage: str | None) -> None:
        with open_study(paths, make_search(MIXED, trials=2), storage) as study:
            first = claim(study)
            (running,) = study.records()
            assert (running.number, running.state, running.point, running.seed) == (0, State.RUNNING, first.point, 1000)
            assert HeartbeatMonitor(paths, open_coordinator(paths, storage)).is_alive(running.owner)
            assert not study.report(first, 1, 0.25)
            assert study.records()[0].result.epochs == 1
            result = Result(0.1 + 0.2, 3, 4, 1.5, std=0.01)
            study.finish(first, State.COMPLETED, result)
            second = claim(study)
            assert study.claim() is None
            study.finish(second, State.FAILED, Result(reason="out of memory, or so"))
            records = Ledger(paths, storage).records()
        assert [record.state for record in records] == [State.COMPLETED, State.FAILED]
        assert records[0].result == result
        assert records[1].result.reason == "out of memory, or so"
        assert [record.point for record in records] == [first.point, second.point]

    def test_the_views_are_current_after_every_trial(self, paths: SweepPaths, storage: str | None) -> None:
        with open_study(paths, make_search(LINE, trials=4), storage) as study:
            best = []
            for value in (0.5, 0.25, 0.75, 0.75):
                trial = claim(study)
                write_yaml(paths.trial(trial.number).config, {"number": trial.number, **trial.point})
                train(study, trial, value)
                assert Sweep(paths).trials["trial"].tolist() == list(range(trial.number + 1))
                best.append((Sweep(paths).best or {})["number"])
        assert best == [0, 0, 2, 2]
        assert Sweep(paths).trials["objective"].tolist() == [0.5, 0.25, 0.75, 0.75]

    def test_four_processes_finish_exactly_the_budget(self, paths: SweepPaths, storage: str | None) -> None:
        trials = 40 if storage is None else 12
        create_ledger(paths, storage, "max", "val_accuracy", {})
        ready, go = PROCESSES.Semaphore(0), new_event()
        workers = [start(work_through, paths.folder, storage, "random", trials, ready, go) for _ in range(4)]
        for _ in workers:
            ready.acquire()
        go.set()
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0
        records = Ledger(paths, storage).records()
        assert [(r.number, r.state, r.seed) for r in records] == [
            (number, State.COMPLETED, 1000 + number) for number in range(trials)
        ]
        with open_study(SweepPaths(paths.folder.parent / "alone"), make_search(MIXED, trials=trials)) as alone:
            assert [record.point for record in records] == [trial.point for trial in run(alone)]
        assert Sweep(paths).trials["trial"].tolist() == list(range(trials))
        assert list(paths.workers.glob("*-*.lock")) == []

    def test_a_released_trial_is_the_next_to_be_claimed_under_its_number(
        self, paths: SweepPaths, storage: str | None
    ) -> None:
        with open_study(paths, make_search(LINE, trials=3), storage) as study:
            first, second = claim(study), claim(study)
            study.release(first)
            assert [record.owner == "" for record in study.records()] == [True, False]
            with open_study(paths, make_search(LINE, trials=3), storage) as other:
                assert claim(other) == first
                assert claim(other).number == 2
                assert other.claim() is None
            study.finish(second, State.COMPLETED, Result(0.5))

    def test_a_killed_workers_trial_is_taken_over_with_what_it_reported(
        self, paths: SweepPaths, storage: str | None
    ) -> None:
        reported, never = new_event(), new_event()
        worker = start(claim_and_hang, paths.folder, storage, reported, never)
        reported.wait()
        with open_study(paths, make_search(LINE, trials=3), storage) as study:
            dead = study.records()[0]
            assert claim(study).number == 1  # it lives: its trial is its own
            worker.kill()
            worker.join()
            taken = claim(study)
            assert (taken.number, taken.point, taken.seed) == (0, dead.point, dead.seed)
            assert study.records()[0].result.epochs == 2
            train(study, taken, 0.5)
            assert study.records()[0].state is State.COMPLETED
            assert not paths.worker_lock(dead.owner).exists()
            assert claim(study).number == 2
            assert study.claim() is None

    def test_a_ledger_is_plain_optuna(self, paths: SweepPaths, storage: str | None) -> None:
        with open_study(paths, make_search(MIXED, trials=3, pruner="successive_halving"), storage) as study:
            train(study, claim(study), 0.5, epochs=2)
            train(study, claim(study), 0.25, epochs=2)
            fail(study)
            points = [record.point for record in study.records()]
        where = storage or JournalStorage(JournalFileBackend(str(paths.journal)))
        loaded = optuna.load_study(study_name="search", storage=where)
        assert [trial.state for trial in loaded.trials] == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]
        assert loaded.direction is optuna.study.StudyDirection.MAXIMIZE
        assert loaded.metric_names == ["val_accuracy"]
        assert loaded.best_trial.number == 0
        assert loaded.best_value == 0.5
        assert loaded.trials[0].intermediate_values == {1: 0.0, 2: 0.5}
        for trial, point in zip(loaded.trials, points, strict=True):
            assert trial.params == {k: stored(MIXED[k]).encode(value) for k, value in point.items()}
            assert trial.user_attrs["point"] == point

    def test_a_sweep_that_was_never_started_is_missing(self, paths: SweepPaths, storage: str | None) -> None:
        create_ledger(paths, storage, "max", "val_accuracy", {})
        other = SweepPaths(paths.folder.parent / "serch")
        if storage is None:
            with pytest.raises(StudyError, match=r"serch/study\.journal: the ledger is missing"):
                Ledger(other)
        else:
            with pytest.raises(StudyError, match="holds no sweep called 'serch'; did you mean 'search'"):
                Ledger(other, storage)

    def test_creating_a_ledger_again_changes_nothing(self, paths: SweepPaths, storage: str | None) -> None:
        with open_study(paths, make_search(LINE, trials=1), storage) as study:
            run(study)
        create_ledger(paths, storage, "max", "val_accuracy", {})
        assert len(Ledger(paths, storage).records()) == 1


@pytest.mark.parametrize("objective", [math.nan, math.inf, -math.inf])
def test_an_objective_that_is_not_finite_is_a_failure(paths: SweepPaths, objective: float) -> None:
    with open_study(paths, make_search(LINE, trials=2, direction="min")) as study:
        study.finish(claim(study), State.COMPLETED, Result(objective, 1, 3))
        study.finish(claim(study), State.COMPLETED, Result(None))
        records = study.records()
    assert [record.state for record in records] == [State.FAILED, State.FAILED]
    assert records[0].result == Result(None, 1, 3, reason=f"val_accuracy is {objective}")
    assert records[1].result.reason == "no val_accuracy was measured"


def test_the_smallest_objective_is_the_best_with_direction_min(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE, trials=3, direction="min")) as study:
        for value in (0.5, 0.25, 0.75):
            trial = claim(study)
            write_yaml(paths.trial(trial.number).config, {"number": trial.number})
            train(study, trial, value)
    assert Sweep(paths).best == {"number": 1}


def test_releasing_a_trial_that_has_ended_is_no_error(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE, trials=1)) as study:
        trial = claim(study)
        train(study, trial, 0.5)
        study.release(trial)
        assert study.records()[0].state is State.COMPLETED


def test_a_reader_sees_what_a_worker_does(paths: SweepPaths) -> None:
    with open_study(paths, make_search(SMALL, trials=7)) as study:
        reader = Ledger(paths)
        seen: list[list[State]] = []
        waiting = claim(study)
        for _ in range(2):
            train(study, claim(study), 0.5)
            seen.append([record.state for record in reader.records()])
        train(study, waiting, 0.5)
        seen.append([record.state for record in reader.records()])
        assert reader.records() == study.records()
    running, done = State.RUNNING, State.COMPLETED
    assert seen == [[running, done], [running, done, done], [done, done, done]]


def points_of(study: Study) -> Iterator[Point]:
    return (record.point for record in study.records())


def test_a_continued_sweep_runs_the_next_points(paths: SweepPaths, tmp_path: Path) -> None:
    for trials in (3, 5, 8):
        with open_study(paths, make_search(MIXED, trials=trials), session=str(trials)) as study:
            run(study)
            found = list(points_of(study))
    with open_study(SweepPaths(tmp_path / "at once"), make_search(MIXED, trials=8)) as study:
        run(study, score)
        assert list(points_of(study)) == found


def test_a_trial_of_another_program_is_named(paths: SweepPaths) -> None:
    create_ledger(paths, None, "max", "val_accuracy", {})
    with_optuna = optuna.load_study(study_name="search", storage=JournalStorage(JournalFileBackend(str(paths.journal))))
    with_optuna.add_trial(optuna.trial.create_trial(value=0.5))
    with pytest.raises(StudyError, match="trial 0 of the ledger was not written by this program"):
        Ledger(paths).records()
