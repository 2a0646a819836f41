"""`mnistsweep train`: train one configuration and score it on validation data."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from mnistsweep import devices
from mnistsweep.atomic import atomic_write, write_yaml
from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import compose, drop_invalid_overrides, to_kept, to_plain
from mnistsweep.config.hydra_jobs import run_single_job
from mnistsweep.config.objective import AUTO
from mnistsweep.config.objectives import texts_in, with_first
from mnistsweep.config.overrides import parse_overrides, texts_of
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.schema import Config
from mnistsweep.config.trial_file import trial_file_content
from mnistsweep.console import SafeConsole
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import SweepStopped, refused_access, refused_write
from mnistsweep.path_checks import new_folder
from mnistsweep.path_texts import expanded
from mnistsweep.paths import TrialPaths, numbered_folder
from mnistsweep.planning.checks import check_configuration, check_data, check_registered_metrics
from mnistsweep.planning.folders import check_training_folder
from mnistsweep.planning.objective import choose_objective
from mnistsweep.planning.rehearsal import rehearse_configs
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.front import quantities_with_seconds
from mnistsweep.study.records import Result
from mnistsweep.user_code import exits_as_failures


def train(recipe: Recipe) -> float:
    """Train one configuration; its files go to ``logs/<name>/<next number>``.

    Args:
        recipe: Recipe of the command line.

    Returns:
        The objective at the best epoch.

    Raises:
        ConfigError: Every fault of the configuration, before anything is trained.
        DataError: The data cannot be used.
        SweepStopped: The training failed.
        KeyboardInterrupt: A signal interrupted the training; the argument is the exit code.
    """
    bare, faults = replace(recipe, overrides=()), Faults()
    parsed, found = parse_overrides(recipe.overrides, bare.options)
    faults.add(found)
    ranges = [override for override in parsed if override.is_range]
    faults.add(
        f"{o.key}: mnistsweep sweep searches a range, mnistsweep train does not; received {o.text!r}." for o in ranges
    )
    with faults.raising():
        valid, found = drop_invalid_overrides(bare, [override for override in parsed if override not in ranges])
        faults.add(found)
    added = {override.key for override in valid if override.is_added}
    applied = bare.with_overrides(*texts_of(valid))

    def job(composed: DictConfig) -> float:
        config = check_training(composed, added, faults)
        if texts_in(to_plain(composed)["objective"])[0] == AUTO:
            composed.objective = config.objective  # for the training's own file
        return _train_checked(composed, config)

    return float(run_single_job(applied, compose(applied), job))


def _train_checked(composed: DictConfig, config: Config) -> float:
    threads = devices.threads_of(1, config.trainer.threads)
    devices.start_keras(threads, config.trainer.deterministic)
    with devices.quiet_start():
        import mnistsweep.tuner.hypermodel_training  # noqa: F401  # a missing package shows before a folder is made
    parent = _parent_folder(config)
    with new_folder("logs", parent):
        folder = next_folder(parent)
    with new_folder("logs", folder.folder):
        write_yaml(folder.config, trial_file_content(to_kept(composed, to_plain(composed)), threads))
    console = SafeConsole()
    result = _train(config, folder, console)
    with atomic_write(folder.result) as part:
        part.write_text(json.dumps(dataclasses.asdict(result), indent=2) + "\n", encoding="utf-8")
    console.print(f"{config.first_objective} {result.objective!r} at epoch {result.best_epoch}{result.spread_text}")
    for name, value in others_of(config, result):
        console.print(f"{name} {value!r}")
    console.print(f"in {folder.folder}", soft_wrap=True)
    assert result.objective is not None
    return result.objective


def others_of(config: Config, result: Result) -> list[tuple[str, float]]:
    """All objectives but the first, with their values at the best epoch; without those that were not measured.

    Args:
        config: Configuration of the training.
        result: Result of the training.
    """
    values = quantities_with_seconds(result)
    return [(one.name, values[one.name]) for one in config.objectives[1:] if one.name in values]


def _train(config: Config, folder: TrialPaths, console: Console) -> Result:
    """Train and print one line per epoch.

    Raises:
        KeyboardInterrupt: A signal interrupted the training; the argument is the exit code.
        SweepStopped: The training failed, or the disk stores nothing.
        FileError: A file of the training cannot be read or written.
    """
    from mnistsweep.training.trainer import Hooks
    from mnistsweep.tuner.hypermodel_training import train_once

    objective, direction = config.first_objective, config.objectives[0].direction
    absolute = TrialPaths(folder.folder.absolute())  # users' code may change the working directory
    start = time.monotonic()

    def report(epoch: int, value: float) -> bool:
        seconds = time.monotonic() - start
        console.print(f"epoch {epoch}: {objective} {value:.4f}  ({seconds:.1f} s)")
        return False

    def report_folds(folds: int, mean: float) -> bool:
        console.print(f"mean of {folds} folds: {objective} {mean:.4f}  ({time.monotonic() - start:.1f} s)")
        return False

    with StopSignal() as stop:
        try:
            with exits_as_failures(stop):
                return train_once(config, direction, absolute, Hooks(report, stop, report_folds=report_folds)).result
        except KeyboardInterrupt:
            console.print(f"in {folder.folder}", soft_wrap=True)
            raise KeyboardInterrupt(stop.exit_code) from None
        except Exception as error:
            stopped = SweepStopped(f"the training failed: {describe_error(error)}")
            where = str(folder.folder)
            raise refused_write(error, where) or refused_access(error, where) or stopped from error


def check_training(composed: DictConfig, added: Collection[str], faults: Faults) -> Config:
    """Check a configuration for a single training.

    Args:
        composed: Composed configuration.
        added: Keys that the user added (leading ``+``).
        faults: Faults found so far.

    Raises:
        ConfigError: Every fault of the configuration.
        DataError: The data cannot be used.
    """
    with faults.raising():
        config = check_configuration(to_plain(composed), faults, added)
    faults.add(check_training_folder(config, _parent_folder(config)))
    check_data(config, faults)
    check_registered_metrics(config, faults)
    faults.raise_any()
    measured = rehearse_configs([config], faults)
    if measured is not None:
        with faults.collecting():
            config.objective = with_first(config.objective, choose_objective(config, measured, faults))
    faults.raise_any()
    for warning in faults.warnings:
        SafeConsole(stderr=True).print(f"warning: {warning}", soft_wrap=True)
    return config


def _parent_folder(config: Config) -> Path:
    """Folder in which a training gets a folder of its own."""
    return expanded(config.logs) / (config.name or "train")


def next_folder(parent: Path) -> TrialPaths:
    """Create a folder with the next free number in a folder; two processes never get the same number."""
    taken = [int(path.name) for path in parent.iterdir() if path.name.isdecimal()]
    number = max(taken, default=-1) + 1
    while True:
        try:
            numbered_folder(parent, number).mkdir()
            return TrialPaths(numbered_folder(parent, number))
        except FileExistsError:
            number += 1
