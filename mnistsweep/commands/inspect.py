"""`mnistsweep status`, `stop` and `export`: for a sweep that runs elsewhere, or has run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mnistsweep.atomic import atomic_write
from mnistsweep.commands.live_table import tally
from mnistsweep.errors import StudyError, SweepStopped
from mnistsweep.planning.plan import Plan, plan_of
from mnistsweep.study.leases import HeartbeatMonitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State, TrialRecord, best_of, ranked
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.sweep import Sweep, load_sweep
from mnistsweep.text import format_point

# How long a worker may take to stop, after it was heard that it should.
STOP_SECONDS = 10

# How many of the best trials a status lists.
MAX_LISTED = 10


def print_status(folder: Path) -> None:
    """Print the trials of a sweep, the best first, and who runs what now.

    Args:
        folder: Of the sweep.

    Raises:
        StudyError: There is no sweep, or its ledger cannot be read.
    """
    sweep = load_sweep(folder)
    plan = plan_of(sweep)
    records = Ledger(sweep.paths, plan.config.storage).records()
    watch = HeartbeatMonitor(sweep.paths, open_coordinator(sweep.paths, plan.config.storage), plan.config.lease_seconds)
    console = Console()
    console.print(
        f"{escape(str(sweep.paths.folder))}: {tally(records, plan.num_trials)}", highlight=False, soft_wrap=True
    )
    for record in records:
        if record.state is State.RUNNING:
            who = "interrupted; the next start of the sweep takes it up"
            if watch.is_alive(record.owner):
                who = f"on {record.owner}"
            console.print(
                escape(
                    f"  trial {record.number} after {record.result.epochs} epochs, {who}: {format_point(record.point)}"
                ),
                highlight=False, soft_wrap=True,
            )  # fmt: skip
    completed = ranked(records, plan.direction)
    if completed:
        console.print(_table(completed, plan))
    for record in records:
        if record.state is State.FAILED:
            console.print(
                escape(f"  trial {record.number} failed: {record.result.reason}"), highlight=False, soft_wrap=True
            )


def stop(folder: Path, wait: Callable[[float], None] = time.sleep) -> None:
    """Ask all workers of a sweep to stop, on whichever machine, and wait until they have.

    Each keeps the resume point of its trial's last epoch. The command that began the sweep continues it.

    Args:
        folder: Of the sweep.
        wait: Sleeps for so many seconds.

    Raises:
        SweepStopped: Some still run after `STOP_SECONDS` and two leases.
    """
    sweep = load_sweep(folder)
    plan = plan_of(sweep)
    ledger = Ledger(sweep.paths, plan.config.storage)
    watch = HeartbeatMonitor(sweep.paths, open_coordinator(sweep.paths, plan.config.storage), plan.config.lease_seconds)
    console = Console()

    def busy() -> list[str]:
        owners = {record.owner for record in ledger.running()} | sweep.paths.owners  # between two trials, too
        return sorted(filter(watch.is_alive, owners))

    ledger.request_stop()
    left = int(STOP_SECONDS + 2 * plan.config.lease_seconds)
    if workers := busy():
        console.print(f"asked {len(workers)} worker{'s' * (len(workers) > 1)} to stop ...", highlight=False)
    while (workers := busy()) and left > 0:
        wait(1.0)
        left -= 1
    if workers:
        raise SweepStopped(f"{sweep.paths.folder}: asked to stop, but still running: {', '.join(workers)}")
    console.print(
        f"stopped: {tally(ledger.records(), plan.num_trials)}. The command that began it continues.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _table(completed: list[TrialRecord], plan: Plan) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("trial", plan.config.objective, "epoch", "seconds"):
        table.add_column(column, justify="right")
    table.add_column("configuration", overflow="fold")
    for record in completed[:MAX_LISTED]:
        result = record.result
        score = f"{result.objective:.4f}" + (f" ± {result.std:.4f}" if result.std is not None else "")
        table.add_row(
            str(record.number), score, str(result.best_epoch), f"{result.seconds:.1f}", format_point(record.point)
        )
    return table


def export(folder: Path, output: Path | None, model: Path | None) -> None:
    """Write the best configuration, and on request the best trial's model.

    Args:
        folder: Of the sweep.
        output: The YAML file; None prints it.
        model: A file that ends with ``.keras``; None: no model.

    Raises:
        StudyError: No trial has completed yet, or a file is missing.
    """
    sweep = load_sweep(folder)
    if not sweep.paths.best.is_file():
        raise StudyError(f"{folder}: no trial has completed yet, so there is no best configuration.")
    source = None if model is None else _best_model(sweep, model)
    text = sweep.paths.best.read_text(encoding="utf-8")
    if output is None:
        print(text, end="")
    else:
        with atomic_write(output) as part:
            part.write_text(text, encoding="utf-8")
    if source is not None and model is not None:
        with atomic_write(model) as part:
            shutil.copyfile(source, part)


def _best_model(sweep: Sweep, wanted: Path) -> Path:
    """The file of the best trial's model."""
    if wanted.suffix != ".keras":
        raise StudyError(f"--model: a Keras model's file ends with .keras, received {str(wanted)!r}.")
    plan = plan_of(sweep)
    best = best_of(Ledger(sweep.paths, plan.config.storage).records(), plan.direction)
    if best is None or not (source := sweep.paths.trial(best.number).model).is_file():
        raise StudyError(f"{sweep.paths.folder}: the best trial's model is missing.")
    return source
