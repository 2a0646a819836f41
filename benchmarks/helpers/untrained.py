"""A real sweep of ours whose trainings take no time, for `overhead.py`.

A worker (`mnistsweep.workers.worker.work`) runs over a study in a journal file. Only `Training` is replaced: the
callbacks of a trial get three epochs of made-up numbers at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from mnistsweep import devices
from mnistsweep.config import compose
from mnistsweep.config.recipe import Recipe
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.records import Result, State
from mnistsweep.study.sweep import load_sweep
from mnistsweep.workers.worker import work

with devices.quiet_start():
    import keras

    from mnistsweep.training.callbacks.best_weights import BestWeights
    from mnistsweep.training.callbacks.guards import FiniteGuard, OwnershipCheck
    from mnistsweep.training.callbacks.history_writer import HistoryWriter
    from mnistsweep.training.callbacks.objective_reporter import ObjectiveReporter
    from mnistsweep.training.callbacks.stopping import StopOnRequest
    from mnistsweep.training.callbacks.tensorboard_logger import TensorBoardLogger
    from mnistsweep.training.outcome import Outcome
    from mnistsweep.tuner import tuner
    from mnistsweep.tuner.study_oracle import StudyOracle

ORACLES = ("random", "quasi_random", "tpe", "cmaes")
RANGES = (
    "optimizer=adam,sgd,rmsprop",
    "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))",
    "model.dense_layers=range(1,5)",
    "model.layer_size=choice(32,64,128,256)",
    "model.dropout=interval(0,0.6)",
)
EPOCHS = 3
OBJECTIVE = "val_accuracy"


@dataclass
class Marks:
    """Times of the start of the run and of the end of each trial, in seconds: of the clock, and of processor time."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def add(self) -> None:
        """Record the present time."""
        self.clock.append(time.perf_counter())
        self.processor.append(time.process_time())


def run_sweep(oracle: str, folder: Path, trials: int, seed: int) -> Marks:
    """Run a sweep of trials that train nothing.

    Args:
        oracle: Name of the oracle.
        folder: Path of the folder in which the sweep's folder is created.
        trials: Number of trials.
        seed: Seed of the sweep.
    """
    plan = make_plan(folder, oracle, trials, seed)
    open_sweep(plan)
    compose._compose_once.cache_clear()  # a worker is a separate process, which composes each preset itself
    marks = Marks()
    end_trial = StudyOracle.end_trial

    def end_and_mark(oracle: Any, trial: Any) -> None:
        end_trial(oracle, trial)
        marks.add()

    with patch.object(tuner, "make_training", Untrained), patch.object(StudyOracle, "end_trial", end_and_mark):
        marks.add()
        with StopSignal() as stop:
            work(plan.paths.folder, 0, "benchmark", stop)
    finished = load_sweep(plan.paths.folder).trials
    assert len(finished) == trials, finished
    assert not (finished["state"] == "failed").any(), finished["reason"]
    return marks


def make_plan(folder: Path, oracle: str, trials: int, seed: int) -> Plan:
    """Plan a sweep over the five dimensions, on a few images: the time to load data is not measured."""
    file = folder / "few.npz"
    images, labels = np.zeros((40, 8, 8), np.uint8), np.arange(40, dtype=np.int32) % 2
    np.savez(file, x_train=images, y_train=labels, x_test=images, y_test=labels)
    settings = (
        f"logs={folder}", "name=overhead", f"oracle={oracle}", f"trials={trials}", f"seed={seed}",
        "data=npz", f"data.path={file}", "data.validation=0.5", f"trainer.epochs={EPOCHS}",
    )  # fmt: skip
    return plan_sweep(Recipe(), [*settings, *RANGES])


class Untrained:
    """Takes the place of `trainer.Training`: sends three epochs to the callbacks of a trial, and trains nothing.

    All trials begin alike, so the pruner lets each of them have its three epochs; it decides after the last one.
    """

    model: Any = None

    def __init__(self, hypermodel: Any, hp: Any, direction: str, folder: Any, hooks: Any, *more: Any) -> None:
        self._score = score(hp.values)
        self._reporter = ObjectiveReporter(hooks.report_objective, OBJECTIVE)
        self._best = BestWeights(OBJECTIVE, "max")
        told = [
            OwnershipCheck(hooks.check_ownership),
            FiniteGuard(OBJECTIVE),
            HistoryWriter(folder.history),
            self._best,
            self._reporter,
            TensorBoardLogger(folder.folder),
        ]
        self._told = [*told, StopOnRequest(hooks.should_stop)]

    def run(self, saved: Any = None) -> Outcome:
        listeners = keras.callbacks.CallbackList(self._told, model=_tiny_model())
        listeners.on_train_begin()
        for epoch in range(EPOCHS):
            value = 0.1 if epoch == 0 else self._score * (epoch + 1) / EPOCHS
            listeners.on_epoch_begin(epoch)
            listeners.on_epoch_end(
                epoch, {"loss": 1 - value, "accuracy": value, "val_loss": 1 - value, OBJECTIVE: value}
            )
        listeners.on_train_end()
        state = State.COMPLETED if self._reporter.pruned_at is None else State.PRUNED
        return Outcome(state, Result(self._best.value, self._best.epoch, EPOCHS, 0.0))


def _tiny_model() -> Any:
    """One model for all trials; callbacks read its learning rate and its two weights."""
    if Untrained.model is None:
        Untrained.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        Untrained.model.compile("adam", "mse")
    return Untrained.model


def score(values: Mapping[str, Any]) -> float:
    """A smooth objective with its best point inside the space, so that a model-based oracle has something to find."""
    rate = math.log10(values["optimizer.learning_rate"])
    bonus = {"adam": 0.02, "rmsprop": 0.01, "sgd": 0.0}[values["optimizer"]]
    return float(0.9 + bonus - 0.1 * (values["model.dropout"] - 0.25) ** 2 - 0.02 * (rate + 2.5) ** 2)
