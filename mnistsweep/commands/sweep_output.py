"""What `mnistsweep sweep` prints before and after the live table."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from mnistsweep.commands.live_table import tally
from mnistsweep.planning.plan import Plan
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State, TrialRecord, ranked
from mnistsweep.text import format_point


def print_header(plan: Plan, ledger: Ledger, console: Console) -> None:
    """Print the name and folder of the sweep, its dimensions, and what an earlier start has done."""
    size = plan.space.size()
    console.print(Text.assemble((str(plan.config.name), "bold"), f" in {plan.paths.folder}"))
    for dimension in plan.space.dimensions:
        only = "".join(f"  where {c.key} is {' or '.join(map(str, c.values))}" for c in dimension.conditions)
        console.print(f"  {dimension.key} = {dimension.describe()}{only}", soft_wrap=True)
    if size is not None:
        console.print(f"  {size:,} configurations")
    before = ledger.records()
    if before:
        console.print(f"continued: {tally(before, plan.num_trials)}")


def print_complete(plan: Plan, console: Console) -> None:
    """Print that there is nothing left to do."""
    complete = f"{plan.paths.folder}: this sweep is complete. More trials: trials=N; another sweep: name=NAME."
    console.print(complete, soft_wrap=True)


def print_stopped(plan: Plan, ledger: Ledger, console: Console) -> None:
    """Print how far an interrupted sweep got and how to continue it."""
    console.print(f"stopped: {tally(ledger.records(), plan.num_trials)}. The same command continues.")


def print_summary(plan: Plan, ledger: Ledger, console: Console) -> None:
    """Print the best configuration, its margin over the next, and commands for what to do next."""
    records = ledger.records()
    completed = ranked(records, plan.direction)
    console.print(tally(records, plan.num_trials))
    if not completed:
        failed = next((record for record in records if record.state is State.FAILED), None)
        if failed is not None:
            console.print(f"No trial completed. Trial {failed.number} failed: {failed.result.reason}")
        return
    best = completed[0]
    score = f"{plan.config.objective} {best.result.objective:.4f} at epoch {best.result.best_epoch}"
    console.print(Text.assemble((f"best: trial {best.number}, {score}", "bold green"), _margin(completed)))
    console.print(f"  {format_point(best.point)}", soft_wrap=True)
    for label, command in _next_commands(plan):
        console.print(f"  {label + ':':16}{command}", soft_wrap=True)


def _next_commands(plan: Plan) -> list[tuple[str, str]]:
    folder = _shell(plan.paths.folder)
    return [
        ("look at it", f"mnistsweep report {folder}"),
        ("train it again", f"mnistsweep train --config-dir {folder} --config-name best"),
        ("export it", f"mnistsweep export {folder} --output best.yaml"),
        ("curves, table", f"tensorboard --logdir {_shell(plan.paths.folder.parent)}"),
    ]


def _margin(completed: Sequence[TrialRecord]) -> str:
    if len(completed) < 2 or completed[0].result.objective is None or completed[1].result.objective is None:
        return ""
    margin = abs(completed[0].result.objective - completed[1].result.objective)
    return f", {margin:.4f} ahead of trial {completed[1].number}"


def _shell(path: Path) -> str:
    return shlex.quote(str(path))
