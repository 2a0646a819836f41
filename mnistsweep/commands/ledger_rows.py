"""What `mnistsweep list` shows of a sweep by its ledger; importing this imports Optuna."""

from __future__ import annotations

from dataclasses import replace

from mnistsweep.commands.live_table import shown_state
from mnistsweep.commands.sweep_rows import SweepRow
from mnistsweep.commands.sweep_state import SweepState, has_jobs, state_of
from mnistsweep.errors import LedgerMissing, StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.opening import ledger_fingerprint
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.study.heartbeat_monitor import open_monitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import STOPPED, searched
from mnistsweep.study.sweep import load_sweep
from mnistsweep.text import format_count

# Twice the time between two heartbeats. A worker on another host without one may run until its lease expires.
MAX_OBSERVATION_SECONDS = 4.0


def read_ledger(row: SweepRow) -> SweepRow:
    """Complete a row by the ledger of the sweep; a fault is part of the row.

    Args:
        row: Row that was made of files.
    """
    try:
        return _by_ledger(row)
    except LedgerMissing as error:
        if row.num_finished or SweepPaths(row.folder).trials():
            return row.with_fault(SweepState.DAMAGED, error)
        return replace(row, state=SweepState.NOT_STARTED)
    except (StudyError, OSError) as error:
        return row.with_fault(SweepState.DAMAGED, error)
    except Exception as error:  # whatever it is, the other sweeps are listed
        return row.with_fault(SweepState.UNREADABLE, error)


def _by_ledger(row: SweepRow) -> SweepRow:
    sweep = load_sweep(row.folder)
    plan = plan_of(sweep)
    ledger = Ledger(sweep.paths, plan.config.storage)
    ledger.check_search(ledger_fingerprint(plan, str(sweep.config.get("data", ""))))
    monitor = open_monitor(sweep.paths, plan.config.storage, plan.config.lease_seconds)
    owners = [record.owner for record in ledger.running()]
    workers = monitor.observed_workers(owners, MAX_OBSERVATION_SECONDS)
    silent = set(monitor.alive_workers(owners)) - set(workers)
    state, records, has_ended = state_of(ledger, plan, workers), ledger.records(), ledger.has_ended(plan.budget)
    if state in (SweepState.NOT_STARTED, SweepState.INTERRUPTED) and has_jobs(sweep.paths):
        state = SweepState.RUNNING  # its workers wait in a queue
    finished = [one.state.finished or shown_state(one, has_ended) == STOPPED for one in searched(records)]
    best = best_of(records, plan.direction, plan.further)
    return replace(
        row,
        state=state,
        num_finished=sum(finished),
        budget=plan.num_trials,
        objective=plan.config.first_objective,
        best=None if best is None else best.result.objective,
        best_trial=None if best is None else best.number,
        num_workers=len(workers),
        fault=_silence(len(silent)) if silent else "",
    )


def _silence(num_workers: int) -> str:
    found = format_count(num_workers, "worker")
    return f"{found} on another host without a heartbeat for {MAX_OBSERVATION_SECONDS:g} s; not counted as running"
