"""`mnistsweep status`: prints the trials of a sweep, running or finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mnistsweep.commands.live_table import tally
from mnistsweep.console import SafeConsole
from mnistsweep.planning.plan import Plan, plan_of
from mnistsweep.study.heartbeat_monitor import HeartbeatMonitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State, TrialRecord, ranked
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.sweep import load_sweep
from mnistsweep.text import format_point

# Maximum number of trials in the table of the best.
MAX_LISTED = 10


def print_status(folder: Path) -> None:
    """Print the number of trials in each state, the running trials, the best trials, and why trials failed.

    Args:
        folder: Path of the sweep's folder.

    Raises:
        StudyError: The folder holds no sweep, or its ledger cannot be read.
    """
    sweep = load_sweep(folder)
    plan = plan_of(sweep)
    records = Ledger(sweep.paths, plan.config.storage).records()
    monitor = HeartbeatMonitor(
        sweep.paths, open_coordinator(sweep.paths, plan.config.storage), plan.config.lease_seconds
    )
    console = SafeConsole()
    _print_line(console, f"{sweep.paths.folder}: {tally(records, plan.num_trials)}")
    for record in records:
        if record.state is State.RUNNING:
            _print_line(console, _running_line(record, monitor.is_alive))
    if completed := ranked(records, plan.direction):
        console.print(_best_trials(completed, plan))
    for record in records:
        if record.state is State.FAILED:
            _print_line(console, f"  trial {record.number} failed: {record.result.reason}")


def _print_line(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True)


def _running_line(record: TrialRecord, is_alive: Callable[[str], bool]) -> str:
    where = f"on {record.owner}" if is_alive(record.owner) else "interrupted; the next start of the sweep continues it"
    return f"  trial {record.number} after {record.result.epochs} epochs, {where}: {format_point(record.point)}"


def _best_trials(ranking: Sequence[TrialRecord], plan: Plan) -> Table:
    """Table of the best completed trials.

    Args:
        ranking: All completed trials, the best first.
        plan: Plan of the sweep.
    """
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("trial", plan.config.objective, "epoch", "seconds"):
        table.add_column(column, justify="right")
    table.add_column("configuration", overflow="fold")
    for record in ranking[:MAX_LISTED]:
        result = record.result
        score = f"{result.objective:.4f}" + (f" ± {result.std:.4f}" if result.std is not None else "")
        table.add_row(
            str(record.number), score, str(result.best_epoch), f"{result.seconds:.1f}", format_point(record.point)
        )
    return table
