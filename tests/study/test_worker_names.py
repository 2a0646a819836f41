"""Names of workers, and whether their processes exist."""

from __future__ import annotations

import os

import pytest

from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.study.worker_names import boot_id, local_process_exists, names_of_process, new_worker_name


def test_each_worker_has_a_unique_name_with_its_machine_and_process() -> None:
    names = {new_worker_name() for _ in range(50)}
    assert len(names) == 50
    assert all(f"-{boot_id()}-{os.getpid()}-" in name for name in names)


def test_the_names_of_a_process_are_those_with_a_lock_file(paths: SweepPaths) -> None:
    paths.workers.mkdir(parents=True)
    names = [new_worker_name() for _ in range(3)]
    for name in names[:2]:
        paths.worker_lock(name).touch()
    paths.worker_lock(names[0].replace(f"-{os.getpid()}-", "-1-")).touch()
    assert sorted(names_of_process(paths, os.getpid())) == sorted(names[:2])


@pytest.mark.parametrize(("heartbeat", "exists"), [(None, False), (7, None)])
def test_a_worker_without_a_lock_file_may_have_it_elsewhere_if_it_has_a_heartbeat(
    paths: SweepPaths, heartbeat: int | None, exists: bool | None
) -> None:
    assert local_process_exists(paths, new_worker_name(), heartbeat) is exists


def test_the_lock_of_a_worker_of_this_machine_tells_whether_its_process_exists(paths: SweepPaths) -> None:
    paths.workers.mkdir(parents=True)
    name = new_worker_name()
    with exclusive_lock(paths.worker_lock(name)):
        assert local_process_exists(paths, name, 1) is True
    assert local_process_exists(paths, name, 1) is False
    assert local_process_exists(paths, name.replace(boot_id(), "0badcafe"), 1) is None
