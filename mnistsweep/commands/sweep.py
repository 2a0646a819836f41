"""A sweep from the command line to its last word: plan, open the study, launch workers, show, sum up.

The Hydra sweeper plugin is a shim over `run_sweep`.
"""

from __future__ import annotations

import contextlib
import datetime
import platform
import shlex
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape

import mnistsweep
from mnistsweep import data, tensorboard
from mnistsweep.atomic import write_yaml
from mnistsweep.commands.live_table import LiveTable, tally
from mnistsweep.config.compose import Recipe, quoted
from mnistsweep.errors import ConfigError, MnistSweepError, StudyError, SweepStopped
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.planner import Plan, plan_sweep
from mnistsweep.space import SearchSpace
from mnistsweep.study.budget import Budget
from mnistsweep.study.ledger import Ledger, create_ledger
from mnistsweep.study.records import State, TrialRecord, ranked
from mnistsweep.study.storage.stores import open_storage
from mnistsweep.study.sweep_file import FORMAT, read_sweep_file
from mnistsweep.study.views import Views
from mnistsweep.text import format_point
from mnistsweep.workers.messages import STOPS_BECAUSE, TRIAL_STARTS

# Whose versions can change what a trial gives.
PACKAGES = ("tensorflow", "keras", "keras-tuner", "numpy", "optuna", "hydra-core")

# Exit codes above are of jobs that a signal interrupted, as shells have it.
SIGNALLED = 128

Launch = Callable[[Sequence[Sequence[str]]], Sequence[Any]]


def run_sweep(config: DictConfig, arguments: Sequence[str], launch: Launch) -> int:
    """Run a sweep to its end; the same call continues it.

    Args:
        config: As Hydra composed it, with Hydra's own part.
        arguments: The overrides, ranges among them.
        launch: Runs one job for each list of overrides, and returns when all are done.

    Returns:
        The exit code: 0, or 130 or 143 when interrupted.

    Raises:
        MnistSweepError: What is wrong, before anything is trained; or why the sweep cannot go on.
    """
    console = Console()
    plan = plan_sweep(Recipe.from_hydra(config.hydra, ()), arguments)
    in_turn = str(config.hydra.launcher.get("_target_", "")).endswith("BasicLauncher")
    if in_turn and plan.config.workers > 1:
        raise ConfigError(
            f"workers: hydra/launcher=basic runs its jobs one after another, received workers={plan.config.workers}; "
            "hydra/launcher=local (the default) runs them side by side."
        )
    open_sweep(plan)
    ledger = Ledger(plan.paths, plan.config.storage)
    budget = plan.budget
    records = ledger.records()
    if budget.is_spent(records, ledger.hours()) and all(record.state.finished for record in records):
        complete = f"{plan.paths.folder}: this sweep is complete. More trials: trials=N; another sweep: name=NAME."
        console.print(escape(complete), highlight=False, soft_wrap=True)
        _tidy(plan, ledger)
        sum_up(plan, ledger, console)
        return 0
    _announce(plan, ledger, console)
    try:
        code = _launch_workers(plan, ledger, budget, launch, console)
    finally:
        _tidy(plan, ledger)
    if code:
        _say_how_to_continue(ledger, console, budget)
        return code
    sum_up(plan, ledger, console)
    return 0


def _launch_workers(plan: Plan, ledger: Ledger, budget: Budget, launch: Launch, console: Console) -> int:
    session = uuid.uuid4().hex[:8]
    where = [f"name={quoted(plan.paths.name)}", f"logs={quoted(str(plan.paths.folder.resolve().parent))}"]
    jobs = [
        [*plan.recipe.overrides, *where, f"worker={index}", f"session={session}"]
        for index in range(plan.config.workers)
    ]

    def epochs_of(point: dict[str, Any]) -> int:
        return int(point.get("trainer.epochs", plan.config.trainer.epochs)) * plan.config.trainer.repeats

    ledger.start_session(session, time.time())
    table = LiveTable(ledger, budget, plan.direction, plan.config.objective, epochs_of, console)
    try:
        with table:
            codes = [result for result in launch(jobs) if isinstance(result, int) and result]
    except KeyboardInterrupt as interrupt:
        return int(interrupt.args[0]) if interrupt.args and isinstance(interrupt.args[0], int) else 130
    interrupted = [code for code in codes if code > SIGNALLED]
    if interrupted:
        return interrupted[0]
    if codes:
        raise SweepStopped(_last_words(plan.paths, codes))
    left = len(ledger.read().running)
    if left:
        raise SweepStopped(f"{left} trial{'s are' if left > 1 else ' is'} unfinished; the same command continues.")
    return 0


def _tidy(plan: Plan, ledger: Ledger) -> None:
    """Do what a killed worker may have left undone: the views, and resume points of trials that have ended."""
    Views(plan.paths, plan.space, plan.direction, plan.config.objective).refresh(ledger.read)
    for record in ledger.records():
        if record.state.finished:
            plan.paths.trial(record.number).resume.unlink(missing_ok=True)


def open_sweep(plan: Plan) -> None:
    """Write ``sweep.yaml`` and create the ledger; where they are there already, see that they are of the same search.

    Raises:
        StudyError: The folder holds another search.
        DataError: The data cannot be used.
    """
    paths = plan.paths
    _refuse_strangers(paths)
    checksum = data.checksum(plan.config.data)
    if plan.config.storage is not None:
        open_storage(
            paths, plan.config.storage, create=True
        )  # one that does not answer is found before anything is written
    if paths.sweep.is_file():
        _check_same(plan)
    paths.workers.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(paths.ledger_lock):  # two that start at the same moment become one sweep
        before = read_sweep_file(paths) if paths.sweep.is_file() else None
        if before is not None:
            _check_same(plan)
            plan = replace(plan, first_trials=Plan.from_json(before["plan"]).first_trials)
            if before["data"] != checksum:
                then = f"checksum {before['data']} then, {checksum} now"
                raise StudyError(
                    f"data: not the data that {paths.folder} was begun with ({then}); take another name=NAME."
                )
        write_yaml(paths.sweep, {**_provenance(before), "data": checksum, "plan": plan.to_json()})
    identity = {**plan.identity(), "data (checksum)": checksum}
    del identity["storage"]  # the ledger is there, by whatever name
    create_ledger(paths, plan.config.storage, plan.direction, plan.config.objective, identity)
    tensorboard.write_experiment(paths.folder, tensorboard.hparams_of(plan.space), [tensorboard.OBJECTIVE_TAG])
    # TensorBoard takes the first experiment that it finds for all: one above the sweeps holds all their dimensions.
    beside = tensorboard.union(tensorboard.hparams_of(space) for space in _spaces(paths.folder.parent))
    tensorboard.write_experiment(paths.folder.parent, beside, [tensorboard.OBJECTIVE_TAG])


def _refuse_strangers(paths: SweepPaths) -> None:
    """See that the folder is a sweep's, or new, or just being made a sweep's by another start of the same command.

    Raises:
        StudyError: It holds something else.
    """
    found = sorted(path.name for path in paths.folder.iterdir()) if paths.folder.is_dir() else []
    strangers = [name for name in found if name != paths.workers.name and not name.startswith(".")]
    if strangers and not paths.sweep.is_file():  # in this order: a sweep's first file is sweep.yaml
        raise StudyError(
            f"{paths.folder}: the folder is not empty and holds no sweep ({strangers[0]}); take another name=NAME."
        )


def _spaces(logs: Path) -> Iterator[SearchSpace]:
    """The spaces of all sweeps in a folder; one that cannot be read is passed over."""
    for folder in sorted(logs.iterdir()):
        with contextlib.suppress(MnistSweepError, KeyError, TypeError, ValueError):
            yield Plan.from_json(read_sweep_file(SweepPaths(folder))["plan"]).space


def _check_same(plan: Plan) -> None:
    before = Plan.from_json(read_sweep_file(plan.paths).get("plan"))
    changed = plan.differences(before)
    if changed:
        raise StudyError(
            f"{plan.paths.folder} holds another search: {', '.join(changed)} differ{'s' if len(changed) == 1 else ''}. "
            "Take another name=NAME, or repeat the command that began it."
        )


def _provenance(before: dict[str, Any] | None) -> dict[str, Any]:
    """Where a sweep comes from: kept from its first start."""
    if before is not None:
        return {key: value for key, value in before.items() if key not in ("data", "plan")}
    git = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(mnistsweep.__file__).parent
    )
    return {
        "mnistsweep": mnistsweep.__version__,
        "format": FORMAT,
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git": git.stdout.strip() or None,
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
    }


def _announce(plan: Plan, ledger: Ledger, console: Console) -> None:
    size = plan.space.size()
    console.print(f"[bold]{escape(str(plan.config.name))}[/bold] in {escape(str(plan.paths.folder))}", highlight=False)
    for dimension in plan.space.dimensions:
        only = "".join(f"  where {c.key} is {' or '.join(map(str, c.values))}" for c in dimension.conditions)
        console.print(escape(f"  {dimension.key} = {dimension.describe()}{only}"), highlight=False, soft_wrap=True)
    if size is not None:
        console.print(f"  {size:,} configurations", highlight=False)
    before = ledger.records()
    if before:
        console.print(f"continued: {tally(before, plan.num_trials)}", highlight=False)


def sum_up(plan: Plan, ledger: Ledger, console: Console) -> None:
    """Say which configuration won, by how much, and what to do next."""
    records = ledger.records()
    completed = ranked(records, plan.direction)
    console.print(tally(records, plan.num_trials), highlight=False)
    if not completed:
        failed = next((record for record in records if record.state is State.FAILED), None)
        if failed is not None:
            console.print(escape(f"No trial completed. Trial {failed.number} failed: {failed.result.reason}"))
        return
    best = completed[0]
    score = f"{plan.config.objective} {best.result.objective:.4f} at epoch {best.result.best_epoch}"
    console.print(
        f"[bold green]best: trial {best.number}, {score}[/bold green]{escape(_margin(completed))}", highlight=False
    )
    console.print(escape(f"  {format_point(best.point)}"), highlight=False, soft_wrap=True)
    folder = _shell(plan.paths.folder)
    for label, command in (
        ("look at it", f"mnistsweep report {folder}"),
        ("train it again", f"mnistsweep train --config-dir {folder} --config-name best"),
        ("export it", f"mnistsweep export {folder} --output best.yaml"),
        ("curves, table", f"tensorboard --logdir {_shell(plan.paths.folder.parent)}"),
    ):
        console.print(escape(f"  {label + ':':16}{command}"), highlight=False, soft_wrap=True)


def _margin(completed: Sequence[TrialRecord]) -> str:
    if len(completed) < 2 or completed[0].result.objective is None or completed[1].result.objective is None:
        return ""
    margin = abs(completed[0].result.objective - completed[1].result.objective)
    return f", {margin:.4f} ahead of trial {completed[1].number}"


def _say_how_to_continue(ledger: Ledger, console: Console, budget: Budget) -> None:
    console.print(f"stopped: {tally(ledger.records(), budget.trials)}. The same command continues.", highlight=False)


def _last_words(paths: SweepPaths, codes: Sequence[int]) -> str:
    """What the workers that failed said last: why the sweep stops, or else the last line of the latest log."""
    logs = paths.worker_logs
    lines = [line for log in logs for line in log.read_text(errors="replace").splitlines() if line.strip()]
    reasons = [line.removeprefix(STOPS_BECAUSE) for line in lines if line.startswith(STOPS_BECAUSE)]
    if reasons:
        return reasons[-1]
    said = [line for line in lines if not line.startswith(TRIAL_STARTS)][-1:]
    where = ", ".join(str(log) for log in logs)
    return f"a worker ended with code {codes[0]}: {said[0] if said else 'it printed nothing'} (logs: {where})"


def _shell(path: Path) -> str:
    return shlex.quote(str(path))


__all__ = ["MnistSweepError", "open_sweep", "run_sweep", "sum_up"]
