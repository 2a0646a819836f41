"""The running time of a sweep: summed over processes and sessions by monotonic clocks, on every storage."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes import LINE, ManualClock, claim, make_search, open_study, train, wait_until
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mnistsweep.paths import SweepPaths
from mnistsweep.study import running_time
from mnistsweep.study.coordination import FolderCoordinator
from mnistsweep.study.ending import Limit
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.opened_ledger import create_ledger
from mnistsweep.study.running_time import MAX_GAP_SECONDS, RESOLUTION_SECONDS, TICK_SECONDS, RunningTime, Stopwatch
from mnistsweep.study.sessions import Sessions

DAYS = 3 * 24 * 3600.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class TestEveryStore:
    """Contract of all storages."""

    @pytest.mark.parametrize("jump", [DAYS, -DAYS])
    def test_a_jump_of_the_wall_clock_changes_nothing(
        self, paths: SweepPaths, storage: str | None, clock: ManualClock, jump: float
    ) -> None:
        wall = ManualClock(1.8e9)
        with open_study(paths, make_search(LINE, hours=0.1), storage, clock=wall, monotonic=clock) as study:
            for _ in range(5):
                trial = claim(study)
                wall.now += jump
                clock.pass_time(60, study.running_time)
                train(study, trial, 0.5)
            assert study.running_seconds() == pytest.approx(300)
            last = claim(study)
            clock.pass_time(66, study.running_time)
            train(study, last, 0.5)
            assert study.claim() is None
            ending = study.ending(study.search.budget)
        assert ending is not None
        assert ending.limit is Limit.HOURS
        assert "spent after 6 min 6 s, with 6 trials" in ending.reason

    def test_sessions_add_up_on_hosts_with_other_clocks(self, paths: SweepPaths, storage: str | None) -> None:
        for number, (boot, wall) in enumerate([(5.0, 1.8e9), (9e6, 0.0), (100.0, 4e9)]):
            clock = ManualClock(boot)
            with open_study(
                paths, make_search(LINE, hours=1.0), storage, str(number), lambda now=wall: now, monotonic=clock
            ) as study:
                trial = claim(study)
                clock.pass_time(90, study.running_time)
                train(study, trial, 0.5)
                assert study.running_seconds() == pytest.approx(90 * (number + 1))

    def test_the_sessions_of_version_0_1_count_as_before(self, paths: SweepPaths, storage: str | None) -> None:
        create_ledger(paths, storage, "max", "val_accuracy", {})
        ledger = Ledger(paths, storage)
        for name, begun, last in [("a", 1000.0, 2800.0), ("b", 2200.0, 3400.0), ("c", 9e5, 9e5 + 600)]:
            stored = {"begun": begun, "last": last, "failures_before": 0, "stops": 0}
            ledger._storage.set_study_user_attr(ledger._study_id, f"session:{name}", stored)
        assert ledger.running_seconds() == 2400 + 600
        clock = ManualClock()
        with open_study(paths, make_search(LINE, hours=1.0), storage, "d", monotonic=clock) as study:
            trial = claim(study)
            clock.pass_time(590, study.running_time)
            train(study, trial, 0.5)
            trial = claim(study)
            assert study.running_seconds() == pytest.approx(3590)
            clock.pass_time(10, study.running_time)
            train(study, trial, 0.5)
            assert study.claim() is None


def test_two_workers_of_one_session_share_its_hours(paths: SweepPaths, clock: ManualClock) -> None:
    search = make_search(LINE, hours=1.0)
    with open_study(paths, search, monotonic=clock) as a, open_study(paths, search, monotonic=clock) as b:
        first, second = claim(a), claim(b)
        clock.pass_time(1800, a.running_time, b.running_time)
        train(a, first, 0.5)
        train(b, second, 0.5)
        assert [claim(a).number, claim(b).number] == [2, 3]  # half an hour, not twice half an hour
        clock.pass_time(1800, a.running_time, b.running_time)
        assert a.claim() is None


def test_two_sessions_at_once_count_once(paths: SweepPaths, clock: ManualClock) -> None:
    search = make_search(LINE, hours=1.0)
    with open_study(paths, search, session="a", monotonic=clock) as a:
        clock.pass_time(600, a.running_time)
        train(a, claim(a), 0.5)
        with open_study(paths, search, session="b", monotonic=clock) as b:
            for _ in range(2):
                clock.pass_time(600, a.running_time, b.running_time)
                train(a, claim(a), 0.5)
                train(b, claim(b), 0.5)
            assert a.running_seconds() == pytest.approx(1800)


def test_a_worker_that_waits_or_trains_for_long_writes_once_per_resolution(
    paths: SweepPaths, clock: ManualClock
) -> None:
    search = make_search(LINE, hours=1.0, trials=1)
    with open_study(paths, search, monotonic=clock) as a, open_study(paths, search, monotonic=clock) as b:
        claim(a)
        before = paths.journal.stat().st_size
        for _ in range(20):
            clock.now += RESOLUTION_SECONDS / 40
            assert b.claim() is None
            assert b.others_are_running
        assert paths.journal.stat().st_size == before
        for _ in range(20):
            clock.now += RESOLUTION_SECONDS / 4
            b.claim()
            a.running_time.record()
        assert paths.journal.read_text().count("running_seconds") == 5
        assert a.running_seconds() == pytest.approx(50)


def test_the_end_of_the_hours_is_in_the_ledger_as_soon_as_a_claim_finds_it(
    paths: SweepPaths, clock: ManualClock
) -> None:
    search = make_search(LINE, hours=0.001)
    with open_study(paths, search, monotonic=clock) as study:
        clock.pass_time(4, study.running_time)
        assert study.claim() is None
        size = paths.journal.stat().st_size
        clock.pass_time(4, study.running_time)
        assert study.claim() is None
        assert paths.journal.stat().st_size == size
    ending = Ledger(paths).ending(search.budget)
    assert ending is not None
    assert "the budget of 3.6 s (hours=0.001) was spent after 4.0 s, before the first trial" in ending.reason


def test_a_stopped_process_does_not_run(clock: ManualClock) -> None:
    stopwatch = Stopwatch(clock)
    for seconds in (2.0, 1.5, DAYS, 2.0):
        clock.now += seconds
        stopwatch.read()
    assert stopwatch.read() == 2.0 + 1.5 + MAX_GAP_SECONDS + 2.0


class TestThread:
    """The thread that records the time while the process does other things."""

    @pytest.fixture
    def measure(self, paths: SweepPaths, monkeypatch: pytest.MonkeyPatch) -> Callable[[ManualClock], RunningTime]:
        monkeypatch.setattr(running_time, "TICK_SECONDS", 0.001)
        create_ledger(paths, None, "max", "val_accuracy", {})
        ledger = Ledger(paths)
        sessions = Sessions(ledger._storage, ledger._study_id)
        return lambda clock: RunningTime(sessions, FolderCoordinator(paths), clock)

    def test_it_records_a_training_that_never_touches_the_ledger(
        self, paths: SweepPaths, clock: ManualClock, measure: Callable[[ManualClock], RunningTime]
    ) -> None:
        with measure(clock):
            clock.now += RESOLUTION_SECONDS
            wait_until(lambda: Ledger(paths).running_seconds() == RESOLUTION_SECONDS)
            clock.now += 3
        assert Ledger(paths).running_seconds() == RESOLUTION_SECONDS + 3  # exactly, at the end

    def test_an_outage_of_the_ledger_loses_nothing(
        self, paths: SweepPaths, clock: ManualClock, measure: Callable[[ManualClock], RunningTime]
    ) -> None:
        away = paths.journal.with_name("away")
        with measure(clock) as measured:
            paths.journal.rename(away)
            for _ in range(10):
                clock.now += 5
                assert measured._is_due() == (clock.now >= 1000 + RESOLUTION_SECONDS)
            away.rename(paths.journal)
        assert Ledger(paths).running_seconds() == 50


@dataclass(eq=False)
class Process:
    """A worker or a command, on a host with a clock of its own."""

    clock: ManualClock
    measured: RunningTime


class RunningTimes(RuleBasedStateMachine):
    """Processes of one sweep on several hosts that start, exit, are killed and are stopped, against the true time."""

    def __init__(self) -> None:
        super().__init__()
        self._temporary = tempfile.TemporaryDirectory()
        self.paths = SweepPaths(Path(self._temporary.name) / "sweep")
        create_ledger(self.paths, None, "max", "val_accuracy", {})
        self.processes: list[Process] = []
        self.true = 0.0
        self.lost = 0.0

    def teardown(self) -> None:
        self._temporary.cleanup()

    @precondition(lambda self: len(self.processes) < 4)
    @rule(boot=st.floats(0, 1e7))
    def start(self, boot: float) -> None:
        clock, ledger = ManualClock(boot), Ledger(self.paths)
        sessions = Sessions(ledger._storage, ledger._study_id)
        self.processes.append(Process(clock, RunningTime(sessions, FolderCoordinator(self.paths), clock)))

    @rule(ticks=st.integers(1, 12), part=st.floats(0.1, 1))
    def pass_time(self, ticks: int, part: float) -> None:
        """All processes tick, as their threads do; nothing counts while none runs."""
        for _ in range(ticks):
            self.true += part * TICK_SECONDS if self.processes else 0.0
            for process in self.processes:
                process.clock.now += part * TICK_SECONDS
            for process in self.processes:
                process.measured._record_if_due()

    @precondition(lambda self: self.processes)
    @rule(which=st.integers(0, 3), killed=st.booleans())
    def end(self, which: int, killed: bool) -> None:
        process = self.processes.pop(which % len(self.processes))
        if not killed:
            process.measured.record(exactly=True)
        self.lost += RESOLUTION_SECONDS + TICK_SECONDS

    @precondition(lambda self: self.processes)
    @rule(seconds=st.floats(0, 1e6))
    def stop_all_for_a_while(self, seconds: float) -> None:
        """The machine, or the container, is paused: at most a gap counts."""
        for process in self.processes:
            process.clock.now += seconds
        self.true += min(seconds, MAX_GAP_SECONDS)
        for process in self.processes:
            process.measured._record_if_due()

    @invariant()
    def it_is_never_too_large_and_falls_short_by_a_resolution_per_end(self) -> None:
        recorded = Ledger(self.paths).running_seconds()
        unrecorded = RESOLUTION_SECONDS + TICK_SECONDS if self.processes else 0.0
        assert self.true - self.lost - unrecorded - 1e-6 <= recorded <= self.true + 1e-6
        if self.processes:
            measured = max(process.measured.seconds() for process in self.processes)
            assert self.true - self.lost - 1e-6 <= measured <= self.true + 1e-6


class TestRunningTimes(RunningTimes.TestCase):
    settings = settings(max_examples=30, stateful_step_count=30)


@pytest.mark.slow
class TestRunningTimesAtLength(RunningTimes.TestCase):
    settings = settings(max_examples=500, stateful_step_count=50)
