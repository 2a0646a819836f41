"""`mnistsweep train`: one configuration, trained and scored on validation."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console

from mnistsweep import data, devices, models
from mnistsweep.config import checks
from mnistsweep.config.compose import Recipe, to_config
from mnistsweep.config.objective import direction_of
from mnistsweep.config.runnable import runnable
from mnistsweep.errors import SweepStopped
from mnistsweep.paths import TrialPaths, replacing
from mnistsweep.planning import check_training, data_faults
from mnistsweep.results import Result, write_yaml
from mnistsweep.signals import StopSignal


def train_job(composed: DictConfig) -> float:
    """Train the configuration that Hydra composed; its files go to ``logs/<name>/<next number>``.

    Returns:
        The objective at the best epoch.

    Raises:
        MnistSweepError: What is wrong with the configuration, before anything is trained; or why the training failed.
    """
    hydra = HydraConfig.get()
    recipe = Recipe.from_hydra(hydra, tuple(hydra.overrides.task))
    composed = recipe.clean(composed)
    config = to_config(composed)
    metrics_known = config.model.get("_target_") in models.BUILDERS
    faults = [*checks.limits(composed), *checks.sweep_keys(config, metrics_known), *check_training(config)]
    checks.raise_faults([*faults, *data_faults(json.dumps(config.data))])
    direction = config.direction if config.direction != "auto" else direction_of(config.objective) or "max"
    threads = devices.threads_of(1, config.trainer.threads)
    os.environ.update(devices.environment(0, 1, threads))
    console = Console()
    with devices.quiet_start():
        from mnistsweep.training import Hooks, Interrupted, explain
        from mnistsweep.tuner.search import train_once
    if config.trainer.deterministic:
        devices.use_op_determinism()
    folder = next_folder(Path(config.logs) / (config.name or "train"))
    write_yaml(folder.config, runnable(composed, hydra.runtime.choices, threads))
    began = time.monotonic()

    def report(epoch: int, value: float) -> bool:
        console.print(
            f"epoch {epoch}: {config.objective} {value:.4f}  ({time.monotonic() - began:.1f} s)", highlight=False
        )
        return False

    with StopSignal() as stop:
        try:
            result = train_once(config, direction, folder, Hooks(report, stop)).result
        except Interrupted:
            raise SystemExit(stop.exit_code) from None
        except Exception as error:
            raise SweepStopped(f"the training failed: {explain(error)}") from error
    _write(folder, result)
    spread = f" (standard deviation over repeats {result.std:.4g})" if result.std is not None else ""
    console.print(f"{config.objective} {result.objective!r} at epoch {result.best_epoch}{spread}", highlight=False)
    console.print(f"in {folder.folder}", highlight=False, soft_wrap=True)
    assert result.objective is not None
    return result.objective


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


def _write(folder: TrialPaths, result: Result) -> None:
    with replacing(folder.result) as part:
        part.write_text(json.dumps(dataclasses.asdict(result), indent=2) + "\n", encoding="utf-8")
