"""Observation of other workers: on the same machine by their locks, on other machines by their heartbeats."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import PROCESSES, ManualClock, hold_lease, new_event, start

from mnistsweep.paths import SweepPaths
from mnistsweep.study.coordination import FolderCoordinator
from mnistsweep.study.heartbeat_monitor import HeartbeatMonitor
from mnistsweep.study.worker_names import boot_id

# Name of a worker on another machine.
REMOTE = "elsewhere-0badcafe-1234-abcdef"


@pytest.fixture
def paths(tmp_path: Path) -> SweepPaths:
    paths = SweepPaths(tmp_path / "Räume & co")
    paths.workers.mkdir(parents=True)
    return paths


@pytest.fixture
def coordinator(paths: SweepPaths) -> FolderCoordinator:
    return FolderCoordinator(paths)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def monitor(paths: SweepPaths, coordinator: FolderCoordinator, clock: ManualClock) -> HeartbeatMonitor:
    return HeartbeatMonitor(paths, coordinator, seconds=15, monotonic=clock)


def test_the_empty_name_is_no_worker(monitor: HeartbeatMonitor, paths: SweepPaths) -> None:
    assert not monitor.is_alive("")
    assert not monitor.has_crashed("")
    monitor.clean_up_after("")
    assert list(paths.workers.iterdir()) == []


class TestWorkerOnAnotherMachine:
    """The observer's clock counts, and whether the heartbeat changes."""

    def test_a_heartbeat_counts_for_a_lease_period_from_its_first_observation(
        self, monitor: HeartbeatMonitor, coordinator: FolderCoordinator, clock: ManualClock
    ) -> None:
        coordinator.write_heartbeat(REMOTE, 7)
        assert monitor.is_alive(REMOTE)
        clock.now += 15
        assert monitor.is_alive(REMOTE)
        coordinator.write_heartbeat(REMOTE, 3)  # any other number: it is not a time
        clock.now += 10
        assert monitor.is_alive(REMOTE)
        clock.now += 15
        assert monitor.is_alive(REMOTE)
        clock.now += 0.1
        assert not monitor.is_alive(REMOTE)
        assert monitor.has_crashed(REMOTE)

    def test_a_new_heartbeat_makes_a_worker_alive_again(
        self, monitor: HeartbeatMonitor, coordinator: FolderCoordinator, clock: ManualClock
    ) -> None:
        coordinator.write_heartbeat(REMOTE, 1)
        assert monitor.is_alive(REMOTE)
        clock.now += 16
        assert not monitor.is_alive(REMOTE)
        coordinator.write_heartbeat(REMOTE, 2)
        assert monitor.is_alive(REMOTE)

    def test_a_worker_without_a_heartbeat_is_alive_for_a_lease_period(
        self, monitor: HeartbeatMonitor, clock: ManualClock
    ) -> None:
        assert monitor.is_alive(REMOTE)  # a network file system may show the heartbeat a moment later
        clock.now += 16
        assert not monitor.is_alive(REMOTE)
        assert not monitor.has_crashed(REMOTE)

    def test_a_worker_that_was_asked_to_stop_has_not_crashed(
        self, monitor: HeartbeatMonitor, coordinator: FolderCoordinator, clock: ManualClock
    ) -> None:
        coordinator.write_heartbeat(REMOTE, -3)
        assert coordinator.read_heartbeat(REMOTE) == -3
        assert monitor.is_alive(REMOTE)
        clock.now += 16
        assert not monitor.is_alive(REMOTE)
        assert not monitor.has_crashed(REMOTE)

    def test_cleaning_up_leaves_no_files(
        self, monitor: HeartbeatMonitor, coordinator: FolderCoordinator, clock: ManualClock, paths: SweepPaths
    ) -> None:
        coordinator.write_heartbeat(REMOTE, 1)
        monitor.is_alive(REMOTE)
        clock.now += 16
        assert not monitor.is_alive(REMOTE)
        monitor.clean_up_after(REMOTE)
        assert list(paths.workers.iterdir()) == []


def test_observing_a_dead_worker_of_this_machine_changes_no_file(monitor: HeartbeatMonitor, paths: SweepPaths) -> None:
    dead = f"here-{boot_id()}-1-abcdef"
    paths.worker_lock(dead).touch(mode=0o444)
    assert not monitor.is_alive(dead)
    assert paths.worker_lock(dead).exists()


def kill(process: object) -> None:
    process.kill()  # type: ignore[attr-defined]
    process.join()  # type: ignore[attr-defined]


def suspend(process: object) -> None:
    os.kill(process.pid, signal.SIGSTOP)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("end", "waits", "crashed"), [(kill, False, True), (suspend, True, False)])
def test_a_killed_process_loses_its_lease_at_once_and_a_suspended_one_after_a_lease_period(
    paths: SweepPaths,
    coordinator: FolderCoordinator,
    monitor: HeartbeatMonitor,
    clock: ManualClock,
    end: Callable[[object], None],
    waits: bool,
    crashed: bool,
) -> None:
    names, never = PROCESSES.SimpleQueue(), new_event()
    process = start(hold_lease, paths.folder, names, never)
    owner = names.get()
    assert monitor.is_alive(owner)
    end(process)
    assert monitor.is_alive(owner) == waits
    coordinator.write_heartbeat(owner, 99)  # so that the last heartbeat of the process is not observed a second time
    monitor.is_alive(owner)
    clock.now += 15.1
    assert not monitor.is_alive(owner)
    assert monitor.has_crashed(owner) == crashed
    process.kill()
    process.join()


class TestObservation:
    """A worker of another host runs if its heartbeat changes, also where it counts as alive at the first look."""

    def test_a_worker_counts_once_its_heartbeat_has_changed(
        self, monitor: HeartbeatMonitor, coordinator: FolderCoordinator, clock: ManualClock
    ) -> None:
        coordinator.write_heartbeat(REMOTE, 1)
        waited: list[float] = []

        def wait(seconds: float) -> None:
            waited.append(seconds)
            clock.now += seconds
            if len(waited) == 3:
                coordinator.write_heartbeat(REMOTE, 2)

        assert monitor.observed_workers([REMOTE], wait=wait) == [REMOTE]
        assert len(waited) == 3

    def test_a_worker_of_a_dead_host_is_not_running(
        self, monitor: HeartbeatMonitor, coordinator: FolderCoordinator, clock: ManualClock
    ) -> None:
        coordinator.write_heartbeat(REMOTE, 1)
        assert monitor.alive_workers([REMOTE]) == [REMOTE]

        def wait(seconds: float) -> None:
            clock.now += seconds

        start = clock.now
        assert monitor.observed_workers([REMOTE], wait=wait) == []
        assert 14 < clock.now - start < 16
        coordinator.write_heartbeat(REMOTE, 2)
        start = clock.now
        assert monitor.observed_workers([REMOTE], max_seconds=2, wait=wait) == []
        assert 1 < clock.now - start < 3

    def test_a_worker_that_exits_meanwhile_is_not_running(
        self, monitor: HeartbeatMonitor, coordinator: FolderCoordinator
    ) -> None:
        coordinator.write_heartbeat(REMOTE, 1)
        assert monitor.observed_workers([REMOTE], wait=lambda seconds: coordinator.remove_heartbeat(REMOTE)) == []
