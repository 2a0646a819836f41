"""`mnistsweep train`: one configuration, trained and scored on validation."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from mnistsweep import devices
from mnistsweep.atomic import atomic_write, write_yaml
from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import Recipe, to_plain
from mnistsweep.config.held import key_of
from mnistsweep.config.objective import direction_of
from mnistsweep.config.schema import Config
from mnistsweep.config.trial_file import trial_file
from mnistsweep.errors import SweepStopped, describe_error
from mnistsweep.paths import TrialPaths
from mnistsweep.planning.checks import check_data, check_one, check_registered_metrics
from mnistsweep.study.records import Result
from mnistsweep.workers.stopping import StopSignal


def train_job(composed: DictConfig, hydra: Any) -> float:
    """Train the configuration that Hydra composed; its files go to ``logs/<name>/<next number>``.

    Args:
        composed: The configuration.
        hydra: How it was composed: the part of the configuration that is Hydra's own.

    Returns:
        The objective at the best epoch.

    Raises:
        MnistSweepError: What is wrong with the configuration, before anything is trained; or why the training failed.
    """
    recipe = Recipe.from_hydra(hydra)
    composed = recipe.clean(composed)
    config = check_training(recipe, composed)
    threads = devices.threads_of(1, config.trainer.threads)
    devices.start_keras(threads, config.trainer.deterministic)
    with devices.quiet_start():
        import mnistsweep.tuner.hypermodel_training  # noqa: F401  # what may be missing shows before a folder is made
    folder = next_folder(Path(config.logs) / (config.name or "train"))
    write_yaml(folder.config, trial_file(to_plain(composed), threads))
    console = Console()
    result = _train(config, folder, console)
    with atomic_write(folder.result) as part:
        part.write_text(json.dumps(dataclasses.asdict(result), indent=2) + "\n", encoding="utf-8")
    spread = f" (standard deviation over repeats {result.std:.4g})" if result.std is not None else ""
    console.print(f"{config.objective} {result.objective!r} at epoch {result.best_epoch}{spread}", highlight=False)
    console.print(f"in {folder.folder}", highlight=False, soft_wrap=True, markup=False)
    assert result.objective is not None
    return result.objective


def _train(config: Config, folder: TrialPaths, console: Console) -> Result:
    """Train, with a line an epoch.

    Raises:
        SystemExit: It was interrupted.
        SweepStopped: It failed.
    """
    from mnistsweep.training.callbacks.stopping import Interrupted
    from mnistsweep.training.trainer import Hooks
    from mnistsweep.tuner.hypermodel_training import train_once

    direction = config.direction if config.direction != "auto" else direction_of(config.objective) or "max"
    began = time.monotonic()

    def report(epoch: int, value: float) -> bool:
        seconds = time.monotonic() - began
        console.print(f"epoch {epoch}: {config.objective} {value:.4f}  ({seconds:.1f} s)", highlight=False)
        return False

    with StopSignal() as stop:
        try:
            return train_once(config, direction, folder, Hooks(report, stop)).result
        except Interrupted:
            raise SystemExit(stop.exit_code) from None
        except Exception as error:
            raise SweepStopped(f"the training failed: {describe_error(error)}") from error


def check_training(recipe: Recipe, composed: DictConfig, faults: Faults | None = None) -> Config:
    """Check a configuration that is to be trained by itself.

    Args:
        recipe: Where it comes from.
        composed: The configuration.
        faults: What is known to be wrong already.

    Raises:
        ConfigError: Everything that is wrong.
        DataError: The data cannot be used.
    """
    faults = Faults() if faults is None else faults
    with faults.fatal():
        config = check_one(to_plain(composed), faults, {key_of(o) for o in recipe.overrides if o.startswith("+")})
    check_data(config, faults)
    check_registered_metrics(config, faults)
    faults.raise_any()
    return config


def next_folder(parent: Path) -> TrialPaths:
    """A new folder with the next free number; two processes never get the same."""
    parent.mkdir(parents=True, exist_ok=True)
    taken = [int(path.name) for path in parent.iterdir() if path.name.isdigit()]
    number = max(taken, default=-1) + 1
    while True:
        try:
            (parent / f"{number:04d}").mkdir()
            return TrialPaths(parent / f"{number:04d}")
        except FileExistsError:
            number += 1
