"""The study: claims, budgets, deaths and views, on the journal file and on a database alike."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import optuna
import pytest
from fakes import (
    LINE,
    MIXED,
    SMALL,
    claim_and_hang,
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

from mnistsweep.algorithms import distribution, encode
from mnistsweep.errors import StudyError, SweepStopped
from mnistsweep.leases import Lease
from mnistsweep.paths import SweepPaths
from mnistsweep.results import Result, State, Sweep, write_yaml
from mnistsweep.space import Point
from mnistsweep.study import Budget, Claim, Ledger, Study, create_ledger, is_spent


@pytest.fixture
def paths(tmp_path: Path) -> SweepPaths:
    return SweepPaths(tmp_path / "Räume & co" / "search")


@pytest.fixture(params=["journal", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    return None if request.param == "journal" else f"sqlite:///{tmp_path}/ledger.db"


def claim(study: Study) -> Claim:
    found = study.claim()
    assert found is not None
    return found


def fail(study: Study, reason: str = "no luck") -> Claim:
    found = claim(study)
    study.finish(found, State.FAILED, Result(reason=reason))
    return found


class TestEveryStore:
    """What holds wherever the ledger is."""

    def test_a_trial_goes_from_claim_to_record(self, paths: SweepPaths, storage: str | None) -> None:
        with open_study(paths, make_search(MIXED, trials=2), storage) as study:
            first = claim(study)
            (running,) = study.records()
            assert (running.number, running.state, running.point, running.seed) == (0, State.RUNNING, first.point, 1000)
            assert Lease.is_held(paths, running.owner)
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
        create_ledger(paths, storage, "max", "val_accuracy")
        ready, go = get_context("spawn").Semaphore(0), new_event()
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

    def test_a_configuration_that_kills_its_process_twice_is_failed(
        self, paths: SweepPaths, storage: str | None
    ) -> None:
        search = make_search(LINE, trials=2)
        for _ in range(2):
            with open_study(paths, search, storage) as doomed:
                assert claim(doomed).number == 0
        with open_study(paths, search, storage) as study:
            assert claim(study).number == 1
            first, _ = study.records()
            assert first.state is State.FAILED
            assert "process died 2 times while it ran this trial" in first.result.reason
            assert Sweep(paths).trials["state"].tolist() == ["failed"]

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
            assert trial.params == {k: encode(MIXED[k], distribution(MIXED[k]), value) for k, value in point.items()}
            assert trial.user_attrs["point"] == point

    def test_a_sweep_that_was_never_begun_is_not_there(self, paths: SweepPaths, storage: str | None) -> None:
        create_ledger(paths, storage, "max", "val_accuracy")
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
        create_ledger(paths, storage, "max", "val_accuracy")
        assert len(Ledger(paths, storage).records()) == 1


def test_epochs_are_a_budget_over_all_trials(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE, total_epochs=7)) as study:
        claims = run(study, epochs=3)
    assert len(claims) == 3
    with open_study(paths, make_search(LINE, total_epochs=12)) as study:
        assert len(run(study, epochs=3)) == 1


def test_epochs_of_a_running_trial_count(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE, total_epochs=4)) as study:
        first = claim(study)
        for epoch in (1, 2, 3, 4):
            study.report(first, epoch, 0.5)
        assert study.claim() is None


def test_hours_are_summed_over_sessions_and_the_time_between_does_not_count(paths: SweepPaths) -> None:
    search, now = make_search(LINE, hours=1.0), [0.0]

    def session(name: str, begin: float, minutes_a_trial: float) -> int:
        now[0] = begin
        with open_study(paths, search, session=name, clock=lambda: now[0]) as study:
            count = 0
            while (trial := study.claim()) is not None and count < 3:
                now[0] += 60 * minutes_a_trial
                train(study, trial, 0.5)
                count += 1
            if trial is not None:
                study.release(trial)
            return count

    assert session("monday", 0, 10) == 3  # 30 minutes
    assert session("tuesday", 1e6, 9) == 3  # 57 minutes
    assert session("wednesday", 2e6, 10) == 1  # the trial that was given back is begun at 57 and ends at 67
    assert session("thursday", 3e6, 10) == 0


def test_two_workers_of_one_session_share_its_hours(paths: SweepPaths) -> None:
    search, now = make_search(LINE, hours=1.0), [0.0]
    with open_study(paths, search, clock=lambda: now[0]) as a, open_study(paths, search, clock=lambda: now[0]) as b:
        first, second = claim(a), claim(b)
        now[0] = 1800
        train(a, first, 0.5)
        train(b, second, 0.5)
        assert [claim(a).number, claim(b).number] == [2, 3]  # half an hour, not twice half an hour
        now[0] = 3600
        assert a.claim() is None


@pytest.mark.parametrize(
    ("budget", "spent"),
    [
        (Budget(), False),
        (Budget(trials=3), False),
        (Budget(trials=2), True),
        (Budget(trials=0), True),
        (Budget(total_epochs=7), False),
        (Budget(total_epochs=6), True),
        (Budget(trials=3, total_epochs=6), True),
    ],
)
def test_whichever_limit_comes_first_ends_a_sweep(paths: SweepPaths, budget: Budget, spent: bool) -> None:
    with open_study(paths, make_search(LINE, trials=2)) as study:
        run(study, epochs=3)
        assert is_spent(study.records(), budget, study.hours()) == spent


class TestFailuresInARow:
    """Too many stop the sweep; a sweep that is continued gets a fresh allowance."""

    def test_the_first_of_them_is_quoted(self, paths: SweepPaths) -> None:
        with open_study(paths, make_search(LINE, trials=20, failed_in_a_row=3)) as study:
            fail(study, "an early one")
            train(study, claim(study), 0.5)
            for reason in ("the first", "the second", "the third"):
                fail(study, reason)
            with pytest.raises(
                SweepStopped, match=r"3 trials in a row have failed .*trial 2: the first See .*0002"
            ) as stop:
                study.claim()
        assert "max_consecutive_failed_trials=3" in str(stop.value)
        assert len(study.records()) == 5

    def test_a_success_between_them_starts_the_count_anew(self, paths: SweepPaths) -> None:
        with open_study(paths, make_search(LINE, trials=6, failed_in_a_row=3)) as study:
            for number in range(6):
                if number % 3 == 2:
                    train(study, claim(study), 0.5)
                else:
                    fail(study)
            assert study.claim() is None

    def test_a_continued_sweep_may_fail_as_often_again(self, paths: SweepPaths) -> None:
        search = make_search(LINE, trials=20, failed_in_a_row=2)
        for session in ("first", "second"):
            with open_study(paths, search, session=session) as study:
                fail(study)
                fail(study)
                with pytest.raises(SweepStopped):
                    study.claim()

    def test_a_worker_that_is_started_again_gets_no_allowance_of_its_own(self, paths: SweepPaths) -> None:
        search = make_search(LINE, trials=20, failed_in_a_row=3)
        for _ in range(3):
            with open_study(paths, search, session="one start") as study:
                fail(study)
        with open_study(paths, search, session="one start") as study, pytest.raises(SweepStopped):
            study.claim()

    def test_trials_that_kill_their_process_count(self, paths: SweepPaths) -> None:
        search = make_search(LINE, trials=20, failed_in_a_row=2)
        for _ in range(4):
            with open_study(paths, search) as doomed:
                claim(doomed)
        with (
            open_study(paths, search) as study,
            pytest.raises(SweepStopped, match="trial 0: the worker's process died 2 times"),
        ):
            study.claim()


@pytest.mark.parametrize("objective", [math.nan, math.inf, -math.inf])
def test_an_objective_that_is_no_number_is_a_failure(paths: SweepPaths, objective: float) -> None:
    with open_study(paths, make_search(LINE, trials=2, direction="min")) as study:
        study.finish(claim(study), State.COMPLETED, Result(objective, 1, 3))
        study.finish(claim(study), State.COMPLETED, Result(None))
        records = study.records()
    assert [record.state for record in records] == [State.FAILED, State.FAILED]
    assert records[0].result == Result(None, 1, 3, reason=f"val_accuracy is {objective}")
    assert records[1].result.reason == "no val_accuracy was measured"


def test_the_smallest_is_the_best_where_less_is_better(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE, trials=3, direction="min")) as study:
        for value in (0.5, 0.25, 0.75):
            trial = claim(study)
            write_yaml(paths.trial(trial.number).config, {"number": trial.number})
            train(study, trial, value)
    assert Sweep(paths).best == {"number": 1}


def test_giving_back_a_trial_that_has_ended_is_no_error(paths: SweepPaths) -> None:
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


def test_a_finished_trial_is_on_the_disk_and_a_report_is_not_waited_for(
    paths: SweepPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(paths.journal.read_bytes()))
    with open_study(paths, make_search(LINE, trials=1)) as study:
        trial = claim(study)
        for epoch in (1, 2, 3):
            study.report(trial, epoch, 0.5)
        assert synced == []
        study.finish(trial, State.COMPLETED, Result(0.5, 3, 3))
    (journal,) = synced
    assert journal == paths.journal.read_bytes()


def test_half_an_entry_is_taken_back_when_the_disk_is_full(paths: SweepPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    from mnistsweep.stores import JournalFile

    with open_study(paths, make_search(LINE, trials=3)) as study:
        train(study, claim(study), 0.5)
        before = paths.journal.read_bytes()

        class FullDisk:
            def __init__(self, file: object) -> None:
                self._file = file

            def write(self, data: bytes) -> int:
                return self._file.write(data[: len(data) // 2])  # type: ignore[attr-defined,no-any-return]

            def __getattr__(self, name: str) -> object:
                return getattr(self._file, name)

        whole = JournalFile._write
        monkeypatch.setattr(JournalFile, "_write", lambda journal, file, data: whole(journal, FullDisk(file), data))  # type: ignore[arg-type]
        with pytest.raises(OSError, match="No space left on device"):
            study.claim()
        monkeypatch.undo()
        assert paths.journal.read_bytes() == before
        assert claim(study).number == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "no database URL, received 'nonsense'.*for example sqlite:////data/sweep.db"),
        ("oracle9://host/db", "no database URL, received 'oracle9://host/db'"),
        (
            "postgresql+psycopg://me:secret@host:port/db",
            r"no database URL, received 'postgresql\+psycopg://me:\*\*\*@host",
        ),
        (
            "mysql+cymysql://me:secret@localhost/db",
            r"mysql\+cymysql://me:\*\*\*@localhost/db needs a driver .*\(cymysql\)",
        ),
        ("sqlite:////no/such/folder/x.db", "the ledger sqlite:////no/such/folder/x.db cannot be used: unable to open"),
        ("sqlite://", "a database in memory ends with its process"),
        ("sqlite:///:memory:", "a database in memory ends with its process"),
    ],
)
def test_a_database_that_cannot_be_used_is_explained(paths: SweepPaths, url: str, message: str) -> None:
    with pytest.raises(StudyError, match=f"^storage: .*{message}") as refused:
        create_ledger(paths, url, "max", "val_accuracy")
    assert "secret" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(StudyError, match=message):
        Ledger(paths, url)


def test_a_server_that_does_not_answer_is_an_error_at_once(paths: SweepPaths) -> None:
    pytest.importorskip("psycopg", reason="needs a driver for PostgreSQL")
    with pytest.raises(StudyError, match=r"cannot be used: .*refused"):
        create_ledger(paths, "postgresql+psycopg://me:secret@127.0.0.1:1/db", "max", "val_accuracy")


@pytest.mark.parametrize("damage", [b"not json\n{}\n", b"\xff\xfe\n\n"])
def test_a_damaged_journal_is_explained_and_left_alone(paths: SweepPaths, damage: bytes) -> None:
    create_ledger(paths, None, "max", "val_accuracy")
    broken = damage + paths.journal.read_bytes()
    paths.journal.write_bytes(broken)
    with pytest.raises(StudyError, match=r"study\.journal cannot be used"):
        Ledger(paths)
    with pytest.raises(StudyError, match=r"study\.journal cannot be used"):
        create_ledger(paths, None, "max", "val_accuracy")
    assert paths.journal.read_bytes() == broken


def test_a_file_that_is_no_database_is_explained(paths: SweepPaths, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database at all, but a text that is long enough to be read as one" * 20)
    with pytest.raises(StudyError, match=r"x\.db cannot be used: file is not a database"):
        create_ledger(paths, f"sqlite:///{tmp_path}/x.db", "max", "val_accuracy")


def points_of(study: Study) -> Iterator[Point]:
    return (record.point for record in study.records())


def test_a_continued_sweep_goes_on_where_it_was(paths: SweepPaths, tmp_path: Path) -> None:
    for trials in (3, 5, 8):
        with open_study(paths, make_search(MIXED, trials=trials), session=str(trials)) as study:
            run(study)
            found = list(points_of(study))
    with open_study(SweepPaths(tmp_path / "at once"), make_search(MIXED, trials=8)) as study:
        run(study, score)
        assert list(points_of(study)) == found


def test_a_trial_of_another_program_is_named(paths: SweepPaths) -> None:
    create_ledger(paths, None, "max", "val_accuracy")
    with_optuna = optuna.load_study(study_name="search", storage=JournalStorage(JournalFileBackend(str(paths.journal))))
    with_optuna.add_trial(optuna.trial.create_trial(value=0.5))
    with pytest.raises(StudyError, match="trial 0 of the ledger was not written by this program"):
        Ledger(paths).records()
