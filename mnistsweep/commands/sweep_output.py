"""What `mnistsweep sweep` prints before and after the live table."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from mnistsweep.commands.extent import describe_extent
from mnistsweep.commands.front_table import front_table, front_title
from mnistsweep.commands.grid_epochs import spared_epochs
from mnistsweep.commands.live_table import tally
from mnistsweep.planning.plan import Plan
from mnistsweep.study.confirmation import SEARCH_SHARE
from mnistsweep.study.ending import Ending, Limit
from mnistsweep.study.learnt_text import learnt_from
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.ranking import Standing, ranked
from mnistsweep.study.records import TrialRecord
from mnistsweep.study.sweep import Sweep, load_sweep, next_start
from mnistsweep.study.violations import violations_of
from mnistsweep.text import format_count, format_point, percent
from mnistsweep.workers.slurm.recorded_jobs import RecordedJob

# Keys that messages about a running sweep name with a value.
_KEYS = re.compile(
    r"(?<![\w.])(trials|hours|total_epochs|name|max_consecutive_failed_trials|max_failed_trials|failure_window)="
)


def keys_as_written(text: str, prefix: str) -> str:
    """A message with the keys of the sweep as the user writes them.

    Args:
        text: Message.
        prefix: Prefix of the keys: ``hydra.sweeper.`` in a Hydra program of the user's own, otherwise empty.

    Example:
        >>> keys_as_written("the budget (trials=8) was used; more: trials=N", "hydra.sweeper.")
        'the budget (hydra.sweeper.trials=8) was used; more: hydra.sweeper.trials=N'
    """
    return _KEYS.sub(rf"{prefix}\1=", text)


def print_header(plan: Plan, ledger: Ledger, console: Console) -> None:
    """Print the name and folder of the sweep, its dimensions, and what an earlier start has done."""
    console.print(Text.assemble((str(plan.config.name), "bold"), f" in {plan.paths.folder}"))
    for dimension in plan.space.dimensions:
        only = "".join(f"  where {c.key} is {' or '.join(map(str, c.values))}" for c in dimension.conditions)
        console.print(f"  {', '.join(dimension.keys)} = {dimension.describe()}{only}", soft_wrap=True)
    for line in describe_extent(plan):
        console.print(f"  {line}", soft_wrap=True)
    objectives = "; ".join(f"{one.name}, {one.better}" for one in plan.objectives)
    console.print(f"  objective{'s' if plan.further else ''}: {objectives}", soft_wrap=True)
    if plan.constraints:
        console.print(f"  constraints: {', '.join(map(str, plan.constraints))}", soft_wrap=True)
    if not plan.is_kerastuner_oracle:
        console.print(f"  oracle: {_oracle_text(plan)}", soft_wrap=True)
    for note in () if plan.warm_start is None else plan.warm_start.notes:
        console.print(f"  {note}", soft_wrap=True)
    if plan.config.confirm.top:
        console.print(f"  {_confirmation(plan)}", soft_wrap=True)
    for warning in plan.warnings:
        console.print(f"warning: {warning}", soft_wrap=True)
    before = ledger.records()
    if before:
        console.print(f"continued: {tally(before, plan.num_trials)}")


def _oracle_text(plan: Plan) -> str:
    """Return which oracle searches, and why if the user left the choice to `auto`."""
    name = plan.oracle_name
    if plan.config.oracle.get("name") != "auto":
        return name
    if name == "grid":
        return "grid, because the budget of trials covers all configurations"
    if name == "freeze_thaw":
        return "freeze_thaw, because trainings can be paused: the most promising are continued; whole ones: oracle=tpe"
    return f"random points, then tpe{_why_not_paused(plan)}"


def _why_not_paused(plan: Plan) -> str:
    if plan.further:
        return ", because there are several objectives"
    if plan.program is not None:
        return ""
    if not plan.auto_pauses:
        return ", as at the first start with an earlier version"
    if not plan.reports_each_epoch:
        rule = f"a callback may report {plan.config.first_objective} after some epochs only"
        return f", because {rule}; if it is each epoch: oracle=freeze_thaw"
    rule = "if each trial is one Keras training of several epochs without a pruner or a fit of its own"
    return f", because freeze_thaw can pause trials only {rule}"


def _confirmation(plan: Plan) -> str:
    """What is confirmed after the search, and what it costs."""
    top, seeds = plan.config.confirm.top, plan.config.confirm.seeds
    hours = "" if plan.config.hours is None else f"; the search ends after {percent(SEARCH_SHARE, 0)} of the hours"
    return (
        f"then confirm the best {top} with {format_count(seeds, 'further seed')} each: up to {top * seeds} trainings "
        f"more, which count neither as trials nor for total_epochs{hours}"
    )


def print_complete(plan: Plan, ending: Ending, console: Console) -> None:
    """Print that there is nothing left to do, and why."""
    text = f"{plan.paths.folder}: this sweep is complete: {ending.reason}; {ending.remedy}."
    console.print(keys_as_written(text, plan.key_prefix), soft_wrap=True)


def print_submitted(plan: Plan, job: RecordedJob, console: Console) -> None:
    """Print the batch job of a start that does not wait for it, and the commands to watch and stop the sweep.

    Args:
        plan: Plan of the sweep.
        job: The job array.
        console: Console to print to.
    """
    last = job.first + job.count - 1
    numbers = f"worker {job.first}" if job.count == 1 else f"workers {job.first} to {last}"
    console.print(f"submitted: SLURM job {job.job_id}, {numbers}; the sweep goes on without this command")
    folder = _shell(plan.paths.folder)
    for label, command in (
        ("watch it", f"mnistsweep status {folder}"),
        ("stop it", f"mnistsweep stop {folder}"),
        ("more workers", f"mnistsweep join {folder} workers=4 hydra/launcher=slurm"),
        ("its logs", f"tail -f {_shell(plan.paths.workers)}/*.log"),
    ):
        console.print(f"  {label + ':':16}{command}", soft_wrap=True)


def print_stopped(plan: Plan, ledger: Ledger, code: int, console: Console) -> None:
    """Print why a sweep was interrupted, how far it got and how to continue it.

    Args:
        plan: Plan of the sweep.
        ledger: Ledger of the sweep.
        code: Exit code: 128 + the number of a signal.
        console: Console to print to.
    """
    ending = ledger.ending(plan.budget)
    if ending is not None and ending.limit is Limit.STOP_REQUEST:
        by = "`mnistsweep stop`"
    else:
        by = next((number.name for number in signal.Signals if number == code - 128), f"exit code {code}")
    stopped = f"stopped: {tally(ledger.records(), plan.num_trials)}, by {by}. The same command continues."
    console.print(stopped, soft_wrap=True)


def print_ending(plan: Plan, ledger: Ledger, console: Console) -> None:
    """Print which limit ended the sweep, and how to continue it."""
    if (ending := ledger.ending(plan.budget)) is not None:
        console.print(keys_as_written(str(ending), plan.key_prefix), soft_wrap=True)


def print_summary(plan: Plan, ledger: Ledger, console: Console) -> None:
    """Print the result, and what the trials have shown."""
    print_result(plan, ledger, console)
    records = ledger.records()
    if ranked(records, plan.direction, plan.further):
        print_learnt(plan, load_sweep(plan.paths.folder), records, console)


def print_result(plan: Plan, ledger: Ledger, console: Console) -> None:
    """Print the best configuration, its margin over the next, and commands for what to do next."""
    records = ledger.records()
    completed = ranked(records, plan.direction, plan.further)
    console.print(tally(records, plan.num_trials, ledger.has_ended(plan.budget)))
    for line in violations_of(records):
        console.print(f"  {line}", soft_wrap=True)
    if spared := spared_epochs(plan, records):
        console.print(f"  {spared}", soft_wrap=True)
    if not completed:
        return
    best = completed[0]
    standing = Standing.of(records, plan.direction)
    if plan.further:
        console.print(front_title(records, plan.objectives), style="bold green", soft_wrap=True)
        console.print(front_table(records, plan.objectives))
        name = plan.config.first_objective
        console.print(f"best.yaml: trial {best.number}, with the best {name} on the front", soft_wrap=True)
    else:
        score = f"{plan.config.first_objective} {best.result.score}{best.result.at_epoch}"
        margin = _margin(completed) if standing is None else ""
        console.print(Text.assemble((f"best: trial {best.number}, {score}", "bold green"), margin))
    for sentence in [] if standing is None else standing.explain(plan.config.first_objective):
        console.print(f"  {sentence}", soft_wrap=True)
    console.print(f"  {format_point(best.point)}", soft_wrap=True)
    for label, command in _next_commands(plan):
        console.print(f"  {label + ':':16}{command}", soft_wrap=True)


def print_learnt(plan: Plan, sweep: Sweep, records: Sequence[TrialRecord], console: Console) -> None:
    """Print what the trials have shown: what mattered, what did not, and the command to try next.

    Args:
        plan: Plan of the sweep.
        sweep: Files of the sweep.
        records: Trials of the sweep.
        console: Console to print to.
    """
    for line in str(learnt_from(records, plan.space, plan.direction, next_start(sweep, {}), plan.further)).splitlines():
        console.print(line, soft_wrap=True)


def _next_commands(plan: Plan) -> list[tuple[str, str]]:
    folder, again = _shell(plan.paths.folder), plan.train_command
    return [
        *_report_calls(plan, folder),
        *([("train it again", f"{again} --config-dir {folder} --config-name best")] if again else []),
        ("export it", f"mnistsweep export {folder} --output best.yaml"),
        *([("another one", f"mnistsweep export {folder} --trial N --output FILE.yaml")] if plan.further else []),
        ("curves, table", f"tensorboard --logdir {_shell(plan.paths.folder.parent)}"),
    ]


def _report_calls(plan: Plan, folder: str) -> list[tuple[str, str]]:
    """How to make the report: by the result of `mnistsweep.sweep` where only the calling program has the model."""
    if plan.program is not None:
        return []
    if plan.is_handed_over:
        return [("look at it", "report() of the result"), ("its model", "best_model() of the result")]
    return [("look at it", f"mnistsweep report {folder}")]


def _margin(completed: Sequence[TrialRecord]) -> str:
    if len(completed) < 2 or completed[0].result.objective is None or completed[1].result.objective is None:
        return ""
    margin = abs(completed[0].result.objective - completed[1].result.objective)
    return f", {margin:.4f} ahead of trial {completed[1].number}"


def _shell(path: Path) -> str:
    return shlex.quote(str(path))
