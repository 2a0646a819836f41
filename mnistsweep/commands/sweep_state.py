"""The state of a sweep in one word: that of `mnistsweep status --json`, and those of sweeps that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from mnistsweep.commands import status_document
from mnistsweep.commands.status_document import Snapshot
from mnistsweep.locks import is_locked
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.study.heartbeat_monitor import HeartbeatMonitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.workers.slurm.queue import QueueUnavailable
from mnistsweep.workers.slurm.recorded_jobs import live_jobs


class SweepState(StrEnum):
    """State of a sweep.

    A stopped sweep was stopped by `mnistsweep stop`, a failed one because too many or all of its trials failed, and an
    interrupted one by anything else; the budget of all three may be left. An unreadable ``sweep.yaml`` is damaged, or a
    newer version wrote it. The state is unknown if the database of the ledger cannot be used.
    """

    RUNNING = "running"
    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NOT_STARTED = "not started"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"


def is_started(paths: SweepPaths) -> bool:
    """Whether the command of a start runs on a host that shares the locks of this one; it may have no worker yet.

    Args:
        paths: Paths of the sweep's files.
    """
    try:
        return is_locked(paths.start_lock)
    except FileNotFoundError:
        return False


def has_jobs(paths: SweepPaths) -> bool:
    """Whether batch jobs of a sweep wait or run; False if their queue does not answer.

    Args:
        paths: Paths of the sweep's files.
    """
    try:
        return bool(live_jobs(paths))
    except QueueUnavailable:
        return False


def alive_workers(ledger: Ledger, monitor: HeartbeatMonitor) -> list[str]:
    """Names of the workers of a sweep that may still run.

    Args:
        ledger: Ledger of the sweep.
        monitor: Knows which workers are alive.
    """
    return monitor.alive_workers(record.owner for record in ledger.running())


def state_of(ledger: Ledger, plan: Plan, workers: Sequence[str]) -> SweepState:
    """The state of a sweep with a readable ledger.

    Args:
        ledger: Ledger of the sweep.
        plan: Plan of the sweep.
        workers: Names of its workers that may still run.
    """
    snapshot = Snapshot(ledger.records(), ledger.ending(plan.budget), ledger.running_seconds(), workers)
    state = SweepState(status_document.state_of(plan, snapshot))
    return SweepState.NOT_STARTED if state is SweepState.INTERRUPTED and not snapshot.records else state
