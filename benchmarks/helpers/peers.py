"""The peers of `overhead.py`: KerasTuner's own tuners and plain Optuna, over the same space and the same objective."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from helpers.untrained import EPOCHS, Marks, make_plan, score
from mnistsweep.search.distributions import stored
from mnistsweep.tuner.hyperparameters import to_hyperparameters


def run_kerastuner(tuner_class: Any, folder: Path, trials: int, seed: int) -> Marks:
    """Run one of KerasTuner's tuners."""
    hyperparameters = to_hyperparameters(make_plan(folder, "random", trials, seed).space)
    marks = Marks()
    marks.add()

    class Tuner(tuner_class):  # type: ignore[misc]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            return score(trial.hyperparameters.values)

        def on_trial_end(self, trial: Any) -> None:
            super().on_trial_end(trial)
            marks.add()

    objective = keras_tuner.Objective("default_objective", "max")  # the name of a lone number that run_trial returns
    tuner = Tuner(
        objective=objective, max_trials=trials, seed=seed + 1, hyperparameters=hyperparameters,
        directory=str(folder), project_name="kerastuner",
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's about the Gaussian process
        tuner.search(verbose=0)
    return marks


def run_optuna(make_sampler: Callable[[int], Any], folder: Path, trials: int, seed: int) -> Marks:
    """Run plain Optuna: ask, three reports, tell."""
    space = make_plan(folder, "random", trials, seed).space
    shapes = {dimension.key: stored(dimension).distribution for dimension in space.dimensions}
    marks = Marks()
    marks.add()
    storage = JournalStorage(JournalFileBackend(str(folder / "plain.journal")))
    study = optuna.create_study(storage=storage, sampler=make_sampler(seed), direction="maximize")
    for _ in range(trials):
        trial = study.ask(shapes)
        value = score(trial.params)
        for epoch in range(EPOCHS):
            trial.report(value * (epoch + 1) / EPOCHS, epoch + 1)
        study.tell(trial, value)
        marks.add()
    return marks
