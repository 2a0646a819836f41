"""What `mnistsweep list` shows of one sweep: its files first, its ledger only where these do not suffice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mnistsweep.config.objectives import objectives_of
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import LedgerMissing, MnistSweepError, StudyError
from mnistsweep.path_checks import is_missing
from mnistsweep.paths import SweepPaths
from mnistsweep.space import SearchSpace
from mnistsweep.study.disk_usage import folder_size
from mnistsweep.study.results_summary import ResultsSummary, summarize_results
from mnistsweep.study.sweep_file import read_sweep_file
from mnistsweep.text import format_count

# The ledger is written last when a sweep ends; a later change of its file is none that the end explains.
MAX_LEDGER_DELAY_SECONDS = 60.0

# Twice the time between two heartbeats. A worker on another host without one may run until its lease expires.
MAX_OBSERVATION_SECONDS = 4.0

# Errors of a plan that does not have the form that this version writes.
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, MnistSweepError)


@dataclass(frozen=True)
class SweepRow:
    """One sweep.

    Attributes:
        folder: Path of its folder.
        state: State, a value of `sweep_state.SweepState`.
        num_finished: Number of trials of the search that have ended, or were stopped with the sweep.
        budget: Maximum number of trials; None: no limit, or not known.
        objective: Name of the first objective; empty if it is not known.
        best: Best value of the objective; None if no trial has one.
        best_trial: Number of the trial with it.
        num_workers: Number of workers that run.
        changed: Time of the last activity in seconds since the epoch; 0 if it is not known.
        size: Sum of the sizes of all files in bytes.
        fault: What is wrong with the sweep; empty if nothing is.
    """

    folder: Path
    state: str
    num_finished: int = 0
    budget: int | None = None
    objective: str = ""
    best: float | None = None
    best_trial: int | None = None
    num_workers: int = 0
    changed: float = 0.0
    size: int = 0
    fault: str = ""


@dataclass(frozen=True)
class Reading:
    """A row that was made of files.

    Attributes:
        row: The row so far.
        storage: Database URL of the ledger, as ``sweep.yaml`` has it; None: the journal in the folder.
        needs_ledger: Whether the ledger must be read for the state and the best trial.
    """

    row: SweepRow
    storage: str | None = None
    needs_ledger: bool = False


def read_files(folder: Path) -> Reading:
    """Make a row of ``sweep.yaml`` and ``results.csv``.

    They suffice for a complete sweep: the table has all trials of its budget, no worker has a lock file, and neither
    the plan nor the ledger was changed later. The ledger is needed where trials were confirmed, or a pruned one is as
    good as the best.

    Args:
        folder: Path of the sweep's folder.
    """
    paths = SweepPaths(folder)
    row = SweepRow(folder, "damaged", changed=_last_activity(paths), size=folder_size(folder))
    if is_missing(paths.sweep):
        return Reading(replace(row, fault=f"{paths.sweep.name} is missing; restore it from a copy"))
    try:
        content = read_sweep_file(paths)
    except StudyError as error:
        return Reading(_faulty(row, "unreadable", error))
    try:
        plan = content["plan"]
        config = plan["config"]
        objective = objectives_of(config["objective"], config["direction"])[0]
        table, budget = summarize_results(paths, objective.direction), _budget(plan)
    except _MALFORMED:  # an earlier version may have written it; the whole plan is read with the ledger
        return Reading(row, needs_ledger=True)
    row = replace(row, objective=objective.name, budget=budget, num_finished=table.num_finished)
    row = replace(row, best=table.best, best_trial=table.best_trial)
    if _is_complete(paths, config, table, budget):
        return Reading(replace(row, state="complete"))
    return Reading(row, config.get("storage"), needs_ledger=True)


def read_ledger(row: SweepRow) -> SweepRow:
    """Complete a row by the ledger of the sweep; a fault is part of the row.

    Args:
        row: Row that was made of files.
    """
    from mnistsweep.commands.sweep_state import SweepState

    try:
        return _by_ledger(row)
    except LedgerMissing as error:
        if row.num_finished or SweepPaths(row.folder).trials():
            return _faulty(row, SweepState.DAMAGED, error)
        return replace(row, state=SweepState.NOT_STARTED)
    except (StudyError, OSError) as error:
        return _faulty(row, SweepState.DAMAGED, error)
    except Exception as error:  # whatever it is, the other sweeps are listed
        return _faulty(row, SweepState.UNREADABLE, error)


def _by_ledger(row: SweepRow) -> SweepRow:
    from mnistsweep.commands.live_table import shown_state
    from mnistsweep.commands.sweep_state import state_of
    from mnistsweep.planning.opening import ledger_fingerprint
    from mnistsweep.planning.plan_file import plan_of
    from mnistsweep.study.heartbeat_monitor import open_monitor
    from mnistsweep.study.ledger import Ledger
    from mnistsweep.study.ranking import best_of
    from mnistsweep.study.records import STOPPED, searched
    from mnistsweep.study.sweep import load_sweep

    sweep = load_sweep(row.folder)
    plan = plan_of(sweep)
    ledger = Ledger(sweep.paths, plan.config.storage)
    ledger.check_search(ledger_fingerprint(plan, str(sweep.config.get("data", ""))))
    monitor = open_monitor(sweep.paths, plan.config.storage, plan.config.lease_seconds)
    owners = [record.owner for record in ledger.running()]
    workers = monitor.observed_workers(owners, MAX_OBSERVATION_SECONDS)
    silent = set(monitor.alive_workers(owners)) - set(workers)
    state, records, has_ended = state_of(ledger, plan, workers), ledger.records(), ledger.has_ended(plan.budget)
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


def _faulty(row: SweepRow, state: str, error: Exception) -> SweepRow:
    return replace(row, state=state, fault=describe_error(error))


def _budget(plan: Mapping[str, Any]) -> int | None:
    """Maximum number of trials: the budget, or all points of a smaller space; None without a limit."""
    config = plan["config"]
    is_kerastuner_oracle = config["oracle"].get("_target_") is not None  # it may repeat points
    points = None if is_kerastuner_oracle else SearchSpace.from_json(plan["space"]).size()
    return min((limit for limit in (config["trials"], points) if limit is not None), default=None)


def _is_complete(paths: SweepPaths, config: Mapping[str, Any], table: ResultsSummary, budget: int | None) -> bool:
    """Whether the files show that the sweep is complete, and which trial is the best."""
    is_spent = table.num_stopped > 0 or (budget is not None and table.num_finished >= budget)
    if not is_spent or not table.is_plain or table.best is None or config.get("confirm", {}).get("top") or paths.owners:
        return False
    try:
        written = paths.results.stat().st_mtime
        ledger = written if config.get("storage") else paths.journal.stat().st_mtime
        return paths.sweep.stat().st_mtime <= written and ledger <= written + MAX_LEDGER_DELAY_SECONDS
    except OSError:
        return False


def _last_activity(paths: SweepPaths) -> float:
    """Time of the last change of the ledger, the tables, the plan or a heartbeat, in seconds since the epoch."""
    files = [paths.sweep, paths.journal, paths.results, *map(paths.worker_heartbeat, paths.owners)]
    return max(map(_time_of, [*files, paths.workers]), default=0.0)


def _time_of(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
