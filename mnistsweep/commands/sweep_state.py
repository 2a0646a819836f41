"""The state of a sweep in one word, by the rules of `mnistsweep status`."""

from __future__ import annotations

from enum import StrEnum

from mnistsweep.planning.plan import Plan
from mnistsweep.study.ending import Limit
from mnistsweep.study.heartbeat_monitor import HeartbeatMonitor
from mnistsweep.study.ledger import Ledger


class SweepState(StrEnum):
    """State of a sweep.

    A sweep with budget left was stopped by `mnistsweep stop`, a failed one because too many trials failed, and an
    interrupted one by anything else. An unreadable ``sweep.yaml`` is damaged, or a newer version wrote it. The state is
    unknown if the database of the ledger cannot be used.
    """

    RUNNING = "running"
    COMPLETE = "complete"
    BUDGET_LEFT = "budget left"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NOT_STARTED = "not started"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"


_STOPPED = {Limit.STOP_REQUEST: SweepState.BUDGET_LEFT, Limit.FAILED_TRIALS: SweepState.FAILED}


def alive_workers(ledger: Ledger, monitor: HeartbeatMonitor) -> list[str]:
    """Names of the workers of a sweep that may still run.

    Args:
        ledger: Ledger of the sweep.
        monitor: Knows which workers are alive.
    """
    return monitor.alive_workers(record.owner for record in ledger.running())


def state_of(ledger: Ledger, plan: Plan, num_workers: int) -> SweepState:
    """The state of a sweep with a readable ledger.

    Args:
        ledger: Ledger of the sweep.
        plan: Plan of the sweep.
        num_workers: Number of its workers that may still run.
    """
    if num_workers:
        return SweepState.RUNNING
    ending = ledger.ending(plan.budget)
    if ending is not None:
        return _STOPPED.get(ending.limit, SweepState.COMPLETE)
    return SweepState.INTERRUPTED if ledger.records() else SweepState.NOT_STARTED
