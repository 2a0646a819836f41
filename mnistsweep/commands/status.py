"""`mnistsweep status`: prints the trials of a sweep, running or finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mnistsweep.commands.front_table import front_table, front_title
from mnistsweep.commands.job_lines import job_lines
from mnistsweep.commands.live_table import tally
from mnistsweep.commands.status_document import Snapshot, document_text, status_document
from mnistsweep.commands.sweep_output import keys_as_written, print_learnt
from mnistsweep.console import SafeConsole
from mnistsweep.planning.opening import ledger_fingerprint
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.printable import write_document
from mnistsweep.study.ending import SAME_COMMAND
from mnistsweep.study.heartbeat_monitor import HeartbeatMonitor, open_monitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.ranking import Standing, ranked
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.sweep import load_sweep
from mnistsweep.study.violations import violations_of
from mnistsweep.text import format_count, format_duration, format_point, percent

# Maximum number of trials in the table of the best.
MAX_LISTED = 10


def print_status(folder: Path) -> None:
    """Print the trials of a sweep by state, its running time, why it ended, its best trials, and why trials failed.

    Args:
        folder: Path of the sweep's folder.

    Raises:
        StudyError: The folder holds no sweep, or its ledger cannot be read, or records another search.
    """
    sweep = load_sweep(folder)
    plan = plan_of(sweep)
    ledger = Ledger(sweep.paths, plan.config.storage)
    ledger.check_search(ledger_fingerprint(plan, str(sweep.config.get("data", ""))))
    records = ledger.records()
    monitor = open_monitor(sweep.paths, plan.config.storage, plan.config.lease_seconds)
    console = SafeConsole()
    running_time = format_duration(ledger.running_seconds())
    counts = tally(records, plan.num_trials, ledger.has_ended(plan.budget))
    _print_line(console, f"{sweep.paths.folder}: {counts} · running time {running_time}")
    jobs = job_lines(sweep.paths)
    _print_line(console, _progress(ledger, plan, monitor, jobs.num_live))
    for line in jobs.lines:
        _print_line(console, f"  {line}")
    for record in records:
        if record.state is State.RUNNING:
            _print_line(console, _running_line(record, monitor.is_alive))
    if completed := ranked(records, plan.direction, plan.further):
        standing = Standing.of(records, plan.direction)
        if plan.further:
            _print_line(console, front_title(records, plan.objectives))
            console.print(front_table(records, plan.objectives))
        else:
            console.print(_best_trials(completed, plan, standing))
        for sentence in [] if standing is None else standing.explain(plan.config.first_objective):
            _print_line(console, f"  {sentence}")
    for record in records:
        if record.state is State.FAILED:
            _print_line(console, f"  trial {record.number} failed: {record.result.reason}")
    for line in violations_of(records):
        _print_line(console, f"  {line}")
    if completed and _has_ended(ledger, plan, monitor):
        print_learnt(plan, sweep, records, console)


def print_json(folder: Path) -> None:
    """Print the state of a sweep as one JSON document.

    Args:
        folder: Path of the sweep's folder.

    Raises:
        StudyError: The folder holds no sweep, or its ledger cannot be read, or records another search.
    """
    sweep = load_sweep(folder)
    plan = plan_of(sweep)
    where = sweep.paths.folder.resolve()  # the folder may have been moved
    plan = replace(plan, config=replace(plan.config, name=where.name, logs=str(where.parent)))
    snapshot = Snapshot.read(plan, str(sweep.config.get("data", "")))
    write_document(document_text(status_document(plan, snapshot)))


def _has_ended(ledger: Ledger, plan: Plan, monitor: HeartbeatMonitor) -> bool:
    """Whether the sweep has nothing left to do; one that was stopped or interrupted has."""
    if monitor.alive_workers(record.owner for record in ledger.running()):
        return False
    ending = ledger.ending(plan.budget)
    return ending is not None and not ending.is_stopped


def _progress(ledger: Ledger, plan: Plan, monitor: HeartbeatMonitor, num_jobs: int) -> str:
    """Whether the sweep runs, or else why it ended or was stopped."""
    if workers := monitor.alive_workers(record.owner for record in ledger.running()):
        return f"running: {format_count(len(workers), 'worker')}"
    ending = ledger.ending(plan.budget)
    if ending is None and num_jobs:
        return f"no worker has started yet: {format_count(num_jobs, 'job')} in the queue"
    text = str(ending or f"interrupted: {plan.budget.done(ledger.records())}; {SAME_COMMAND}.")
    return keys_as_written(text, plan.key_prefix)


def _print_line(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True)


def _running_line(record: TrialRecord, is_alive: Callable[[str], bool]) -> str:
    where = f"on {record.owner}" if is_alive(record.owner) else "interrupted; the next start of the sweep continues it"
    return f"  trial {record.number} after {record.result.epochs} epochs, {where}: {format_point(record.point)}"


def _best_trials(ranking: Sequence[TrialRecord], plan: Plan, standing: Standing | None) -> Table:
    """Table of the best trials.

    Args:
        ranking: All trials that have a result which can be compared, the best first.
        plan: Plan of the sweep.
        standing: Expected scores of the configurations in the same order; None if no trial was confirmed.
    """
    table = Table(box=None, header_style="bold", pad_edge=False)
    expected = [] if standing is None else ["expected", "interval", "P(best)"]
    for column in ("trial", plan.config.first_objective, *expected, "epoch", "seconds"):
        table.add_column(column, justify="right")
    table.add_column("configuration", overflow="fold")
    for place, record in enumerate(ranking[:MAX_LISTED]):
        result = record.result
        table.add_row(
            str(record.number),
            result.score,
            *(() if standing is None else _expected(standing, place)),
            str(result.best_epoch or ""),
            f"{result.seconds:.1f}",
            format_point(record.point),
        )
    return table


def _expected(standing: Standing, place: int) -> tuple[str, str, str]:
    """Cells on what is expected of a configuration."""
    low, high = standing.interval(place)
    return f"{standing.mean(place):.4f}", f"{low:.4f} to {high:.4f}", percent(standing.probability(place), 0)
