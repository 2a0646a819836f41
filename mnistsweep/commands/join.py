"""`mnistsweep join`: more workers for a sweep, on this machine or through a launcher, also from another login."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from mnistsweep.commands.repeated_start import answer_complete
from mnistsweep.commands.sweep import run_opened
from mnistsweep.config.checks import check_limits
from mnistsweep.config.compose import compose_own, to_plain
from mnistsweep.config.overrides import Override, parse_overrides, texts_of
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.structure import read_config
from mnistsweep.console import SafeConsole
from mnistsweep.errors import ConfigError, StudyError
from mnistsweep.locks import try_exclusive_lock
from mnistsweep.planning.opening import ledger_fingerprint
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.sweep import load_sweep
from mnistsweep.workers.launchers import choose_launcher

KEYS = ("workers", "detach")
"""Keys that a join takes, beside those of Hydra's launchers."""


def join(folder: Path, overrides: Sequence[str], console: Console | None = None) -> int:
    """Start more workers for a sweep; a sweep that does not run is continued.

    The file ``sweep.yaml`` stays as it is: the workers share the trials that the sweep's budget allows.

    Args:
        folder: Path of the sweep's folder.
        overrides: ``workers=4``, ``detach=true``, ``hydra/launcher=slurm``, ``hydra.launcher.KEY=VALUE``.
        console: Console to print to; None: the standard output.

    Returns:
        The exit code: 0, or 130 or 143 when interrupted.

    Raises:
        MnistSweepError: The sweep cannot be joined, or cannot continue.
    """
    console = console or SafeConsole()
    sweep = load_sweep(folder)
    plan = _plan_of_join(plan_of(sweep), sweep.paths.folder, overrides)
    ledger = Ledger(plan.paths, plan.config.storage)
    ledger.check_search(ledger_fingerprint(plan, str(sweep.config.get("data", ""))))
    if (code := answer_complete(plan, ledger, console)) is not None:
        return code
    launch = choose_launcher(plan)
    with try_exclusive_lock(plan.paths.start_lock):
        return run_opened(plan, ledger, launch, console)


def _plan_of_join(plan: Plan, folder: Path, overrides: Sequence[str]) -> Plan:
    """The plan of a sweep with the workers and the launcher of a join.

    Raises:
        ConfigError: An override is none that a join takes.
        StudyError: Only the program that has started the sweep can start workers for it.
    """
    if plan.program is not None or plan.is_handed_over:
        raise StudyError(
            f"{folder}: the trials run code of the program that has started the sweep; start that program once more, "
            "beside the first one."
        )
    parsed, faults = parse_overrides(overrides, Recipe().options)
    if faults:
        raise ConfigError("\n".join(faults))
    for override in parsed:
        _check_key(override)
    config, wrong = read_config(to_plain(compose_own(Recipe(texts_of(parsed)))))
    if wrong := [*wrong, *check_limits(config)]:
        raise ConfigError("\n".join(wrong))
    where = folder.resolve()  # the folder may have been moved
    hydra = texts_of(override for override in parsed if override.is_hydra)
    started = replace(plan.config, workers=config.workers, detach=config.detach)
    return replace(plan, config=replace(started, name=where.name, logs=str(where.parent)), hydra=hydra)


def _check_key(override: Override) -> None:
    is_launcher = override.key == "hydra/launcher" or override.key.startswith("hydra.launcher.")
    if override.is_range or override.is_deleted or not (is_launcher or override.key in KEYS):
        raise ConfigError(
            f"join: takes workers=N, detach=true, hydra/launcher=NAME and hydra.launcher.KEY=VALUE; received "
            f"{override.text!r}; other keys are those of the command that has started the sweep."
        )
