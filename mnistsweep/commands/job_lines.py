"""What `mnistsweep status` says about the batch jobs of a sweep: those that wait and why, those that run and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mnistsweep.paths import SweepPaths
from mnistsweep.workers.slurm.queue import QueuedJob, QueueUnavailable, live_states, read_queue
from mnistsweep.workers.slurm.recorded_jobs import RecordedJob, read_jobs

MAX_ENDED = 3
"""Maximum number of lines about arrays of which all jobs have ended."""


@dataclass(frozen=True)
class JobLines:
    """What is said about the jobs of a sweep.

    Attributes:
        lines: A line for each job array.
        num_live: Number of jobs that wait or run.
    """

    lines: Sequence[str] = ()
    num_live: int = 0


def job_lines(paths: SweepPaths) -> JobLines:
    """A line for each job array that has jobs in the queue, or has left it lately.

    Args:
        paths: Paths of the sweep's files.
    """
    recorded = read_jobs(paths)
    if not recorded:
        return JobLines()
    try:
        jobs = read_queue(job.job_id for job in recorded)
    except QueueUnavailable as error:
        ids = ", ".join(job.job_id for job in recorded)
        return JobLines([f"SLURM jobs {ids}: their queue is not known: {error}"])
    lines, ended = list[str](), list[str]()
    for array in recorded:
        own = [job for job in jobs if job.job_id.startswith(f"{array.job_id}_")]
        is_live = any(job.is_waiting or job.is_running for job in own)
        (lines if is_live else ended).append(_line(array, own))
    return JobLines([*ended[-MAX_ENDED:], *lines], len(live_states(jobs)))


def job_documents(paths: SweepPaths) -> list[dict[str, Any]] | None:
    """The jobs of a sweep that wait or run, as plain values; None if the queue does not answer.

    Args:
        paths: Paths of the sweep's files.
    """
    try:
        jobs = read_queue(job.job_id for job in read_jobs(paths))
    except QueueUnavailable:
        return None
    return [
        {"job": job.job_id, "worker": job.number, "state": job.state, "reason": job.reason, "nodes": job.nodes}
        for job in live_states(jobs)
    ]


def _line(array: RecordedJob, jobs: Sequence[QueuedJob]) -> str:
    running = [job for job in jobs if job.is_running]
    waiting = [job for job in jobs if job.is_waiting]
    parts = []
    if running:
        parts.append(f"{len(running)} running on {_counted(job.nodes or 'nodes unknown' for job in running)}")
    if waiting:
        parts.append(f"{len(waiting)} waiting: {_counted(job.reason or 'no reason yet' for job in waiting)}")
    ended = array.count - len(running) - len(waiting)
    if ended:
        parts.append(f"{ended} ended")
    return f"SLURM job {array.job_id}: {'; '.join(parts)}"


def _counted(values: Any) -> str:
    return ", ".join(f"{value} ({count})" if count > 1 else value for value, count in sorted(Counter(values).items()))
