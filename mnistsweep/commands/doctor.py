"""`mnistsweep doctor`: checks what a sweep with the same overrides would need. It trains nothing and keeps nothing."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from mnistsweep.config import hydra_jobs
from mnistsweep.config.overrides import quoted
from mnistsweep.config.recipe import Recipe
from mnistsweep.console import SafeConsole
from mnistsweep.doctor import database, log_folder, machine, nodes, packages
from mnistsweep.doctor.findings import Finding, Level, fault, ok
from mnistsweep.doctor.node import NodeJob
from mnistsweep.errors import ConfigError
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import Draft, draft_sweep
from mnistsweep.text import format_count
from mnistsweep.version import __version__
from mnistsweep.workers.launchers import choose_launcher, launcher_class

_STYLES = {Level.OK: "green", Level.NOTE: "yellow", Level.FAULT: "bold red"}


def doctor(recipe: Recipe, console: Console | None = None) -> bool:
    """Print what each check finds, as soon as it is known.

    Args:
        recipe: Recipe of the command line; ranges may be among its overrides.
        console: Console to print to; None: the standard output.

    Returns:
        Whether no check found a fault.

    Raises:
        ConfigError: Nothing can be composed.
    """
    console = console or SafeConsole()
    draft = draft_sweep(recipe)
    console.print(f"mnistsweep {__version__}, Python {platform.python_version()}, {platform.platform()}")
    num_faults = 0
    for finding in _findings(draft):
        num_faults += finding.level is Level.FAULT
        _print(console, finding)
    verdict = format_count(num_faults, "fault") if num_faults else "no fault"
    console.print(f"{verdict} found", style=_STYLES[Level.FAULT] if num_faults else _STYLES[Level.OK])
    return not num_faults


def _findings(draft: Draft) -> Iterator[Finding]:
    plan, texts = draft.plan, [*draft.faults.config, *draft.faults.data]
    for text in dict.fromkeys(texts):
        if not text.startswith(("logs: ", "storage: ")):  # their checks say more
            yield fault("override", text)
    workers, logs = plan.config.workers, plan.config.logs
    launcher = launcher_class(plan)
    is_local = launcher in ("LocalLauncher", "BasicLauncher")
    checks: list[Callable[[], Iterator[Finding]]] = [
        packages.check_packages,
        partial(machine.check_processor, workers if is_local else 1),
        machine.check_backend,
        partial(log_folder.check_log_folder, logs),
        partial(database.check_database, plan.config.storage),
    ]
    for check in checks:
        yield from check()
    try:
        choose_launcher(plan)
    except ConfigError as error:
        yield fault("launcher", str(error))
        return
    if is_local:
        yield ok("launcher", f"{launcher}: {format_count(workers, 'worker')} on this machine")
    else:
        yield from nodes.check_nodes(logs, partial(_launch, plan))


def _launch(plan: Plan, job: NodeJob) -> Sequence[Any]:
    """Run a job on each node; the launcher's own files are in the folder of the jobs, too."""
    launcher = plan.recipe.with_overrides(*plan.hydra, f"hydra.sweep.dir={quoted(str(job.folder))}")
    return hydra_jobs.launch_jobs(launcher, plan.recipe.overrides, plan.config.workers, job)


def _print(console: Console, finding: Finding) -> None:
    row = Table.grid(padding=(0, 2))
    row.add_column(width=5, style=_STYLES[finding.level])
    row.add_column(width=9)
    row.add_column(overflow="fold")
    row.add_row(str(finding.level), finding.subject, finding.text)
    console.print(row)
