"""The numbers of the workers of a start: those that no worker of another start has.

The number of a worker names its log. A supervisor holds the lock on the log of each of its workers, on whichever host
it runs; batch jobs that wait have their numbers in the record of jobs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from mnistsweep.locks import exclusive_lock, is_locked, try_exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.workers.slurm.recorded_jobs import numbers_in_use


@contextlib.contextmanager
def worker_numbers(paths: SweepPaths, count: int) -> Iterator[list[int]]:
    """Context that holds the numbers of the workers that this process starts: the lowest that are free.

    Args:
        paths: Paths of the sweep's files; the folder ``workers/`` must exist.
        count: Number of workers.
    """
    with contextlib.ExitStack() as stack:
        with exclusive_lock(paths.jobs_lock):
            taken = numbers_in_use(paths)
            numbers: list[int] = []
            number = 0
            while len(numbers) < count:
                is_free = number not in taken and stack.enter_context(try_exclusive_lock(paths.worker_log(number)))
                numbers += [number] if is_free else []
                number += 1
        yield numbers


@contextlib.contextmanager
def held_number(paths: SweepPaths, number: int) -> Iterator[None]:
    """Context in which this process, the supervisor of one worker, holds the number that its batch job was given.

    Args:
        paths: Paths of the sweep's files.
        number: Number of the worker.
    """
    with try_exclusive_lock(paths.worker_log(number)):
        yield


def free_range(paths: SweepPaths, count: int) -> range:
    """Consecutive numbers that no worker has; the caller holds the lock `SweepPaths.jobs_lock`.

    Args:
        paths: Paths of the sweep's files.
        count: Number of workers.
    """
    locked = {int(log.stem) for log in paths.worker_logs if log.stem.isdecimal() and is_locked(log)}
    first = max(numbers_in_use(paths) | locked, default=-1) + 1
    return range(first, first + count)
