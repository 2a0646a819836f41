"""A lease lives as long as its process shows signs of life; who watches judges by a clock of its own."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import PROCESSES, hold_lease, hold_lock, new_event, start, wait_until

from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.study.coordination import FolderCoordinator
from mnistsweep.study.heartbeat_monitor import HeartbeatMonitor
from mnistsweep.study.leases import Lease
from mnistsweep.study.worker_names import boot_id, local_process_exists


@pytest.fixture
def paths(tmp_path: Path) -> SweepPaths:
    made = SweepPaths(tmp_path / "Räume & co")
    made.workers.mkdir(parents=True)
    return made


@pytest.fixture
def coordinator(paths: SweepPaths) -> FolderCoordinator:
    return FolderCoordinator(paths)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# A worker on another machine, of which this one's kernel knows nothing.
FAR = "elsewhere-0badcafe-1234-abcdef"


def test_a_lease_is_held_inside_its_context_and_leaves_nothing(
    paths: SweepPaths, coordinator: FolderCoordinator
) -> None:
    lease, watch = Lease(paths, coordinator), HeartbeatMonitor(paths, coordinator)
    assert not watch.is_alive(lease.owner)
    with lease:
        assert watch.is_alive(lease.owner)
        assert local_process_exists(paths, lease.owner, coordinator.read_heartbeat(lease.owner)) is True
        assert not lease.has_expired
    assert not watch.is_alive(lease.owner)
    assert not watch.has_crashed(lease.owner)
    assert list(paths.workers.iterdir()) == []


def test_each_worker_has_a_name_of_its_own_that_says_where_it_runs(
    paths: SweepPaths, coordinator: FolderCoordinator
) -> None:
    owners = {Lease(paths, coordinator).owner for _ in range(50)}
    assert len(owners) == 50
    assert all(f"-{boot_id()}-{os.getpid()}-" in owner for owner in owners)


def test_nobody_holds_a_lease_without_a_name(paths: SweepPaths, coordinator: FolderCoordinator) -> None:
    watch = HeartbeatMonitor(paths, coordinator)
    assert not watch.is_alive("")
    assert not watch.has_crashed("")
    watch.clean_up_after("")
    assert list(paths.workers.iterdir()) == []


def test_signs_of_life_are_given_on_a_thread_of_their_own(paths: SweepPaths, coordinator: FolderCoordinator) -> None:
    heard: list[int | None] = []
    with Lease(paths, coordinator, seconds=0.05) as lease:
        lease.on_heartbeat = lambda: heard.append(coordinator.read_heartbeat(lease.owner))
        wait_until(lambda: len(heard) >= 3)
    assert heard[:3] == sorted(set(heard[:3]), key=lambda beat: beat or 0)


def test_errors_while_giving_a_sign_do_not_end_the_giving(paths: SweepPaths, coordinator: FolderCoordinator) -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(len(calls))
        raise OSError("the disk is away")

    with Lease(paths, coordinator, seconds=0.05) as lease:
        lease.on_heartbeat = fail
        wait_until(lambda: len(calls) >= 3)
        before = coordinator.read_heartbeat(lease.owner)
        wait_until(lambda: coordinator.read_heartbeat(lease.owner) != before)


class TestAnObserverOfAnotherMachine:
    """Its own clock counts, and only whether the number changes."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def watch(self, paths: SweepPaths, coordinator: FolderCoordinator, clock: Clock) -> HeartbeatMonitor:
        return HeartbeatMonitor(paths, coordinator, seconds=15, monotonic=clock)

    def test_a_sign_counts_for_a_lease_from_when_it_was_seen(
        self, watch: HeartbeatMonitor, coordinator: FolderCoordinator, clock: Clock
    ) -> None:
        coordinator.write_heartbeat(FAR, 7)
        assert watch.is_alive(FAR)
        clock.now += 15
        assert watch.is_alive(FAR)
        coordinator.write_heartbeat(FAR, 3)  # any other number: it is no time
        clock.now += 10
        assert watch.is_alive(FAR)
        clock.now += 15
        assert watch.is_alive(FAR)
        clock.now += 0.1
        assert not watch.is_alive(FAR)
        assert watch.has_crashed(FAR)

    def test_a_sign_after_death_is_life(
        self, watch: HeartbeatMonitor, coordinator: FolderCoordinator, clock: Clock
    ) -> None:
        coordinator.write_heartbeat(FAR, 1)
        assert watch.is_alive(FAR)
        clock.now += 16
        assert not watch.is_alive(FAR)
        coordinator.write_heartbeat(FAR, 2)
        assert watch.is_alive(FAR)

    def test_one_that_left_no_sign_is_waited_for_too(self, watch: HeartbeatMonitor, clock: Clock) -> None:
        assert watch.is_alive(FAR)  # a network file system may show it a moment later
        clock.now += 16
        assert not watch.is_alive(FAR)
        assert not watch.has_crashed(FAR)

    def test_burying_leaves_nothing(
        self, watch: HeartbeatMonitor, coordinator: FolderCoordinator, clock: Clock, paths: SweepPaths
    ) -> None:
        coordinator.write_heartbeat(FAR, 1)
        watch.is_alive(FAR)
        clock.now += 16
        assert not watch.is_alive(FAR)
        watch.clean_up_after(FAR)
        assert list(paths.workers.iterdir()) == []


def test_a_lease_without_a_sign_is_late(paths: SweepPaths, coordinator: FolderCoordinator) -> None:
    clock = Clock()
    lease = Lease(paths, coordinator, seconds=15, monotonic=clock)
    lease.write_heartbeat()
    clock.now += 15
    assert not lease.has_expired
    clock.now += 0.1
    assert lease.has_expired
    lease.write_heartbeat()
    assert lease.has_expired  # it came too late: somebody has to look whose the trial is now
    lease.had_late_heartbeat = False
    assert not lease.has_expired


def test_asking_changes_nothing_and_those_who_ask_do_not_take_each_other_for_the_owner(
    paths: SweepPaths, coordinator: FolderCoordinator
) -> None:
    dead = f"here-{boot_id()}-1-abcdef"
    left_behind = paths.worker_lock(dead)
    left_behind.touch(mode=0o444)
    watch = HeartbeatMonitor(paths, coordinator)
    with left_behind.open("rb") as another_who_asks:
        fcntl.flock(another_who_asks, fcntl.LOCK_SH)
        assert not watch.is_alive(dead)
    assert left_behind.exists()


def killed(process: object) -> None:
    process.kill()  # type: ignore[attr-defined]
    process.join()  # type: ignore[attr-defined]


def stopped(process: object) -> None:
    os.kill(process.pid, signal.SIGSTOP)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("end", "waits", "died"), [(killed, False, True), (stopped, True, False)])
def test_a_process_that_is_killed_loses_its_lease_at_once_and_one_that_is_stopped_after_a_while(
    paths: SweepPaths, coordinator: FolderCoordinator, end: Callable[[object], None], waits: bool, died: bool
) -> None:
    names, never = PROCESSES.SimpleQueue(), new_event()
    process = start(hold_lease, paths.folder, names, never)
    owner = names.get()
    clock = Clock()
    watch = HeartbeatMonitor(paths, coordinator, seconds=15, monotonic=clock)
    assert watch.is_alive(owner)
    end(process)
    assert watch.is_alive(owner) == waits
    coordinator.write_heartbeat(owner, 99)  # the last one that it could give is not seen twice
    watch.is_alive(owner)
    clock.now += 15.1
    assert not watch.is_alive(owner)
    assert watch.has_crashed(owner) == died
    process.kill()
    process.join()


def test_a_lock_is_held_by_one_process_at_a_time_and_given_back_by_a_dead_one(paths: SweepPaths) -> None:
    holding, never = new_event(), new_event()
    process = start(hold_lock, paths.ledger_lock, holding, never)
    holding.wait()
    with paths.ledger_lock.open("ab") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    process.kill()
    with exclusive_lock(paths.ledger_lock):
        pass
    process.join()
