"""The record of the batch jobs of a sweep, in its folder: which jobs run its workers, and which numbers they have."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from mnistsweep.atomic import atomic_write
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.study.budget import Budget
from mnistsweep.study.ledger import Ledger
from mnistsweep.workers.slurm.queue import QueuedJob, QueueUnavailable, live_states, read_queue

MAX_RECORDED = 100
"""Maximum number of job arrays in the record; the oldest are dropped."""


@dataclass(frozen=True)
class RecordedJob:
    """A job array that a start of the sweep has submitted.

    Attributes:
        job_id: Identifier of the array.
        first: Number of its first worker.
        count: Number of its workers.
        session: Name of the start.
        detached: Whether the start has not waited for it.
    """

    job_id: str
    first: int
    count: int
    session: str
    detached: bool

    @property
    def numbers(self) -> range:
        """Numbers of its workers."""
        return range(self.first, self.first + self.count)


def read_jobs(paths: SweepPaths) -> list[RecordedJob]:
    """The job arrays of a sweep, the oldest first.

    Args:
        paths: Paths of the sweep's files.
    """
    return [RecordedJob(**entry) for entry in _read(paths).get("jobs", [])]


def record_job(paths: SweepPaths, job: RecordedJob) -> None:
    """Add a job array to the record; the caller holds the lock `SweepPaths.jobs_lock`.

    Args:
        paths: Paths of the sweep's files.
        job: The job array.
    """
    jobs = [*read_jobs(paths), job][-MAX_RECORDED:]
    _write(paths, {**_read(paths), "jobs": [asdict(one) for one in jobs]})


def live_jobs(paths: SweepPaths) -> list[QueuedJob]:
    """Jobs of a sweep that wait or run.

    Args:
        paths: Paths of the sweep's files.

    Raises:
        QueueUnavailable: SLURM does not answer.
    """
    return live_states(read_queue(job.job_id for job in read_jobs(paths)))


def numbers_in_use(paths: SweepPaths) -> set[int]:
    """Numbers of the workers of jobs that wait or run; of all recorded ones if SLURM does not answer.

    Args:
        paths: Paths of the sweep's files.
    """
    try:
        return {job.number for job in live_jobs(paths)}
    except QueueUnavailable:
        return {number for job in read_jobs(paths) for number in job.numbers}


def is_end_recorded(paths: SweepPaths, ledger: Ledger, budget: Budget) -> bool:
    """Whether the end that the ledger shows has been brought about: tables, summary, notification.

    Args:
        paths: Paths of the sweep's files.
        ledger: Ledger of the sweep.
        budget: Limits of the sweep.
    """
    return _read(paths).get("end") == _end(paths, ledger, budget)


def record_end(paths: SweepPaths, ledger: Ledger, budget: Budget) -> None:
    """Write down that the end which the ledger shows has been brought about; nothing for a sweep without batch jobs.

    Args:
        paths: Paths of the sweep's files.
        ledger: Ledger of the sweep.
        budget: Limits of the sweep.
    """
    if read_jobs(paths):
        with exclusive_lock(paths.jobs_lock):
            _write(paths, {**_read(paths), "end": _end(paths, ledger, budget)})


def _end(paths: SweepPaths, ledger: Ledger, budget: Budget) -> list[str]:
    """Texts that differ between two ends of a sweep."""
    jobs = read_jobs(paths)
    return [str(ledger.read().version), str(ledger.ending(budget)), jobs[-1].job_id if jobs else ""]


def _read(paths: SweepPaths) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(paths.jobs.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def _write(paths: SweepPaths, content: dict[str, Any]) -> None:
    with atomic_write(paths.jobs, create_folder=False) as file:
        file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
