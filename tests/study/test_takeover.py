"""Workers that crash, are suspended or return late: nothing is lost or written twice, and the budget is met exactly."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import (
    LINE,
    PROCESSES,
    claim,
    doomed_study,
    make_search,
    new_event,
    open_study,
    run,
    score,
    start,
    train,
    wait_until,
    work_through,
)

from mnistsweep.errors import LeaseLost
from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.opened_ledger import create_ledger
from mnistsweep.study.records import Result, State
from mnistsweep.study.study import Study
from mnistsweep.study.sweep import Sweep

# SQLite and PostgreSQL are written to by the same code.
SLOW_SQLITE = pytest.mark.parametrize(
    "storage", ["journal", pytest.param("sqlite", marks=pytest.mark.slow), "postgresql"], indirect=True
)


@SLOW_SQLITE
class TestCrashes:
    """A configuration that crashes its worker repeatedly is recorded as failed."""

    def test_two_crashes_without_an_epoch_between_them_fail_a_trial(
        self, paths: SweepPaths, storage: str | None
    ) -> None:
        search = make_search(LINE, trials=2)
        for _ in range(2):
            with doomed_study(paths, search, storage) as doomed:
                assert claim(doomed).number == 0
        with open_study(paths, search, storage) as study:
            assert claim(study).number == 1
            first, _ = study.records()
        assert first.state is State.FAILED
        died = "the worker's process died 2 times while it ran this trial"
        assert first.result.reason == f"{died}, before it had finished an epoch (out of memory?)"
        assert Sweep(paths).trials["state"].tolist() == ["failed"]

    def test_a_trial_that_gets_further_each_time_is_continued(self, paths: SweepPaths, storage: str | None) -> None:
        search = make_search(LINE, trials=1)
        for epoch in (1, 2, 3, 4):
            with doomed_study(paths, search, storage) as doomed:
                doomed.report(claim(doomed), epoch, 0.5)
        with doomed_study(paths, search, storage) as doomed:
            claim(doomed)  # the fourth death was counted as the first since epoch 4: this is the second
        with open_study(paths, search, storage) as study:
            assert study.claim() is None
            (record,) = study.records()
        assert record.state is State.FAILED
        assert "died 2 times while it ran this trial, after epoch 4" in record.result.reason
        assert record.result.epochs == 4

    def test_a_newer_resume_file_is_progress_too(self, paths: SweepPaths, storage: str | None) -> None:
        search = make_search(LINE, trials=1)
        for repeat in range(3):  # which report nothing after the first
            with doomed_study(paths, search, storage) as doomed:
                trial = claim(doomed)
                paths.trial(trial.number).folder.mkdir(parents=True, exist_ok=True)
                paths.trial(trial.number).resume.write_text(f"of repeat {repeat}")
                os.utime(paths.trial(trial.number).resume, (repeat, repeat))
        with open_study(paths, search, storage) as study:
            assert len(run(study)) == 1

    def test_a_worker_that_exits_normally_has_not_crashed(self, paths: SweepPaths, storage: str | None) -> None:
        search = make_search(LINE, trials=1)
        for _ in range(3):
            with open_study(paths, search, storage) as study:
                assert claim(study).number == 0  # not given back: the disk was full, say
        with open_study(paths, search, storage) as study:
            assert len(run(study)) == 1


def go_away(folder: Path, storage: str | None, told: Any, back: Any) -> None:
    """Worker process that is suspended in its trial and resumed too late."""
    with open_study(SweepPaths(folder), make_search(LINE, trials=2), storage, lease_seconds=1.0) as study:
        trial = claim(study)
        study.report(trial, 1, 0.25)
        told.put(trial.number)
        back.wait()
        heard = []
        for attempt in (
            lambda: study.verify(trial),
            lambda: study.finish(trial, State.COMPLETED, Result(0.125, 1, 1)),
            lambda: study.release(trial),
        ):
            try:
                attempt()
            except LeaseLost as error:
                heard.append(str(error))
        told.put(heard)


@SLOW_SQLITE
def test_a_worker_that_was_suspended_for_too_long_discards_its_work(paths: SweepPaths, storage: str | None) -> None:
    told, back = PROCESSES.SimpleQueue(), new_event()
    away = start(go_away, paths.folder, storage, told, back)
    assert told.get() == 0
    with open_study(paths, make_search(LINE, trials=2), storage, lease_seconds=1.0) as study:
        os.kill(away.pid, signal.SIGSTOP)
        other = claim(study)
        assert other.number == 1  # a lease lasts a while after the last heartbeat
        train(study, other, 0.75)
        taken: list[Any] = []

        def take() -> bool:
            taken.extend(filter(None, [study.claim()]))
            assert taken or study.others_are_running
            return bool(taken)

        wait_until(take)
        assert taken[0].number == 0
        study.verify(taken[0])
        os.kill(away.pid, signal.SIGCONT)
        back.set()
        heard = told.get()
        away.join()
        assert len(heard) == 2
        assert all("trial 0 belongs to worker" in message for message in heard)
        assert study.records()[0].state is State.RUNNING
        study.verify(taken[0])  # giving back what is another's changes nothing
        train(study, taken[0], 0.5)
        assert [record.result.objective for record in study.records()] == [0.5, 0.75]
        assert study.claim() is None
        assert not study.others_are_running


def test_a_pause_shorter_than_a_lease_period_has_no_effect(paths: SweepPaths, storage: str | None) -> None:
    with open_study(paths, make_search(LINE, trials=1), storage) as study:
        trial = claim(study)
        with open_study(paths, make_search(LINE, trials=1), storage) as other:
            assert other.claim() is None
            assert other.others_are_running
        study.verify(trial)
        train(study, trial, 0.5)
        assert study.records()[0].result.objective == 0.5


def test_a_result_is_written_once(paths: SweepPaths, storage: str | None) -> None:
    with open_study(paths, make_search(LINE, trials=1), storage) as study:
        trial = claim(study)
        train(study, trial, 0.5)
        with pytest.raises(LeaseLost, match="trial 0 has ended already"):
            study.finish(trial, State.COMPLETED, Result(0.75, 1, 1))
        assert study.records()[0].result.objective == 0.5


# In SQLite each write takes long, and on PostgreSQL hundreds of them do.
JOURNAL_AND_SLOW_POSTGRESQL = pytest.mark.parametrize(
    "storage", ["journal", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)


class Death(BaseException):
    """The process ends here."""


# What changes a ledger; a worker can die before and after each.
WRITES = ("create_new_trial", "set_trial_user_attr", "set_trial_intermediate_value", "set_trial_state_values")


@contextlib.contextmanager
def dies_at(study: Study, moment: int) -> Iterator[list[int]]:
    """Crash a worker before (even) or after (odd) its n-th write; yields a list with the number of writes."""
    writes = [0]

    def deadly(write: Any) -> Any:
        def run_or_die(*args: Any, **kwargs: Any) -> Any:
            writes[0] += 1
            if moment == 2 * writes[0]:
                raise Death
            result = write(*args, **kwargs)
            if moment == 2 * writes[0] + 1:
                raise Death
            return result

        return run_or_die

    for name in WRITES:
        setattr(study._storage, name, deadly(getattr(study._storage, name)))
    yield writes


@JOURNAL_AND_SLOW_POSTGRESQL
def test_a_worker_may_crash_at_any_write(paths: SweepPaths, storage: str | None) -> None:
    search = make_search(LINE, trials=2)
    moment, died = 1, True
    while died:
        moment += 1
        here = SweepPaths(paths.folder.with_name(f"dies at {moment}"))
        died = False
        with doomed_study(here, search, storage) as doomed, dies_at(doomed, moment):
            try:
                run(doomed, epochs=1)
            except Death:
                died = True
        with open_study(here, search, storage, session="next") as study:
            run(study, epochs=1)
            records = study.records()
        assert [(r.number, r.state, r.result.objective, r.seed) for r in records] == [
            (n, State.COMPLETED, score(r.point), 1000 + n) for n, r in enumerate(records)
        ]
        assert len(records) == 2
        assert Sweep(here).trials["trial"].tolist() == [0, 1]
    assert moment == 2 + 2 * 2 * 4  # of each trial: it is created, its report, its result, its state


@JOURNAL_AND_SLOW_POSTGRESQL
def test_four_workers_that_are_killed_repeatedly_finish_exactly_the_budget(
    paths: SweepPaths, storage: str | None
) -> None:
    trials = 40
    create_ledger(paths, storage, "max", "val_accuracy", {})
    ready, go = PROCESSES.Semaphore(0), new_event()
    go.set()

    def worker() -> Any:
        return start(work_through, paths.folder, storage, "random", trials, ready, go)

    workers = [worker() for _ in range(4)]
    ledger = Ledger(paths, storage)
    for victim, count in enumerate((3, 9, 17)):  # at some moment after this number of trials
        wait_until(lambda count=count: len(ledger.records()) >= count)
        workers[victim].kill()
        workers[victim].join()
        workers.append(worker())
    for process in workers[3:]:
        process.join()
        assert process.exitcode == 0
    records = ledger.records()
    assert [(r.number, r.state, r.result.objective) for r in records] == [
        (n, State.COMPLETED, score(r.point)) for n, r in enumerate(records)
    ]
    assert len(records) == trials
    assert Sweep(paths).trials["trial"].tolist() == list(range(trials))
