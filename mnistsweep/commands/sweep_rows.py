"""What `mnistsweep list` shows of one sweep by its files; `ledger_rows` adds what only the ledger knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mnistsweep.config.objectives import objectives_of
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import MnistSweepError, StudyError
from mnistsweep.path_checks import is_missing
from mnistsweep.paths import SweepPaths
from mnistsweep.space import SearchSpace
from mnistsweep.study.disk_usage import folder_size
from mnistsweep.study.results_summary import ResultsSummary, summarize_results
from mnistsweep.study.sweep_file import read_sweep_file

# The ledger is written last when a sweep ends; a later change of its file is none that the end explains.
MAX_LEDGER_DELAY_SECONDS = 60.0

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

    def with_fault(self, state: str, error: Exception) -> SweepRow:
        """The row of a sweep that cannot be read.

        Args:
            state: State, a value of `sweep_state.SweepState`.
            error: What is wrong with the sweep.
        """
        return replace(self, state=state, fault=describe_error(error))


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
        return Reading(row.with_fault("unreadable", error))
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
