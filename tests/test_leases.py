"""A lease lives exactly as long as its process."""

from __future__ import annotations

import fcntl
from multiprocessing import get_context
from pathlib import Path

import pytest
from fakes import hold_lease, hold_lock, new_event, start

from mnistsweep.leases import Lease, locked
from mnistsweep.paths import SweepPaths


@pytest.fixture
def paths(tmp_path: Path) -> SweepPaths:
    return SweepPaths(tmp_path / "Räume & co")


def test_a_lease_is_held_inside_its_context_and_leaves_nothing(paths: SweepPaths) -> None:
    lease = Lease(paths)
    assert not Lease.is_held(paths, lease.owner)
    with lease:
        assert Lease.is_held(paths, lease.owner)
    assert not Lease.is_held(paths, lease.owner)
    assert list(paths.workers.iterdir()) == []


def test_each_worker_has_a_name_of_its_own(paths: SweepPaths) -> None:
    owners = {Lease(paths).owner for _ in range(50)}
    assert len(owners) == 50
    assert all(paths.worker_lock(owner).parent == paths.workers for owner in owners)


def test_nobody_holds_a_lease_without_a_name(paths: SweepPaths) -> None:
    assert not Lease.is_held(paths, "")
    Lease.forget(paths, "")
    assert not paths.workers.exists()


def test_asking_changes_nothing_and_those_who_ask_do_not_take_each_other_for_the_owner(paths: SweepPaths) -> None:
    paths.workers.mkdir(parents=True)
    left_behind = paths.worker_lock("dead-1-abc")
    left_behind.touch(mode=0o444)
    with left_behind.open("rb") as another_who_asks:
        fcntl.flock(another_who_asks, fcntl.LOCK_SH)
        assert not Lease.is_held(paths, "dead-1-abc")
    assert left_behind.exists()
    Lease.forget(paths, "dead-1-abc")
    assert not left_behind.exists()


def test_a_killed_process_loses_its_lease(paths: SweepPaths) -> None:
    names, never = get_context("spawn").SimpleQueue(), new_event()
    process = start(hold_lease, paths.folder, names, never)
    owner = names.get()
    assert Lease.is_held(paths, owner)
    process.kill()
    process.join()
    assert not Lease.is_held(paths, owner)


def test_a_lock_is_held_by_one_process_at_a_time_and_given_back_by_a_dead_one(paths: SweepPaths) -> None:
    paths.workers.mkdir(parents=True)
    holding, never = new_event(), new_event()
    process = start(hold_lock, paths.ledger_lock, holding, never)
    holding.wait()
    with paths.ledger_lock.open("ab") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    process.kill()
    with locked(paths.ledger_lock):
        pass
    process.join()
