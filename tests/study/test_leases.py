"""The lease of a worker: its heartbeats and its lock file."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import ManualClock, wait_until

from mnistsweep.paths import SweepPaths
from mnistsweep.study.coordination import FolderCoordinator
from mnistsweep.study.heartbeat_monitor import HeartbeatMonitor
from mnistsweep.study.leases import Lease
from mnistsweep.study.worker_names import local_process_exists


@pytest.fixture
def paths(tmp_path: Path) -> SweepPaths:
    paths = SweepPaths(tmp_path / "Räume & co")
    paths.workers.mkdir(parents=True)
    return paths


@pytest.fixture
def coordinator(paths: SweepPaths) -> FolderCoordinator:
    return FolderCoordinator(paths)


def test_a_lease_is_held_inside_its_context_and_leaves_no_files(
    paths: SweepPaths, coordinator: FolderCoordinator
) -> None:
    lease, monitor = Lease(paths, coordinator), HeartbeatMonitor(paths, coordinator)
    assert not monitor.is_alive(lease.owner)
    with lease:
        assert monitor.is_alive(lease.owner)
        assert local_process_exists(paths, lease.owner, coordinator.read_heartbeat(lease.owner)) is True
        assert not lease.has_expired
    assert not monitor.is_alive(lease.owner)
    assert not monitor.has_crashed(lease.owner)
    assert list(paths.workers.iterdir()) == []


def test_heartbeats_are_written_on_a_thread_of_their_own(paths: SweepPaths, coordinator: FolderCoordinator) -> None:
    heartbeats: list[int | None] = []
    with Lease(paths, coordinator, seconds=0.05) as lease:
        lease.on_heartbeat = lambda: heartbeats.append(coordinator.read_heartbeat(lease.owner))
        wait_until(lambda: len(heartbeats) >= 3)
    assert heartbeats[:3] == sorted(set(heartbeats[:3]), key=lambda heartbeat: heartbeat or 0)


def test_an_error_does_not_end_the_heartbeats(paths: SweepPaths, coordinator: FolderCoordinator) -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(len(calls))
        raise OSError("the disk does not respond")

    with Lease(paths, coordinator, seconds=0.05) as lease:
        lease.on_heartbeat = fail
        wait_until(lambda: len(calls) >= 3)
        before = coordinator.read_heartbeat(lease.owner)
        wait_until(lambda: coordinator.read_heartbeat(lease.owner) != before)


def test_a_lease_without_a_heartbeat_expires(paths: SweepPaths, coordinator: FolderCoordinator) -> None:
    clock = ManualClock()
    lease = Lease(paths, coordinator, seconds=15, monotonic=clock)
    lease.write_heartbeat()
    clock.now += 15
    assert not lease.has_expired
    clock.now += 0.1
    assert lease.has_expired
    lease.write_heartbeat()
    assert lease.has_expired  # the heartbeat was late: the owner must be read from the ledger
    lease.had_late_heartbeat = False
    assert not lease.has_expired


def test_no_heartbeat_follows_a_removed_one(paths: SweepPaths, coordinator: FolderCoordinator) -> None:
    with Lease(paths, coordinator) as lease:
        lease.remove_traces()
        lease.write_heartbeat()
        assert coordinator.read_heartbeat(lease.owner) is None
        assert list(paths.workers.iterdir()) == []
