"""Trainings of a configured hypermodel: one of a trial, and one outside of a sweep."""

from __future__ import annotations

from pathlib import Path

import keras_tuner

from mnistsweep import data
from mnistsweep.config.schema import Config
from mnistsweep.paths import TrialPaths
from mnistsweep.training.live_models import LiveModels
from mnistsweep.training.outcome import Outcome
from mnistsweep.training.trainer import Hooks, Training
from mnistsweep.training.trial_folder import clear_trial_folder
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel


def make_training(
    hypermodel: ConfiguredHyperModel,
    hp: keras_tuner.HyperParameters,
    direction: str,
    folder: TrialPaths,
    hooks: Hooks,
    resume: Path | None = None,
    until: int | None = None,
    live: LiveModels | None = None,
    number: int = 0,
) -> Training:
    """Return a training that builds and fits its model with a hypermodel.

    Args:
        hypermodel: Hypermodel of the configuration.
        hp: KerasTuner's hyperparameters of the trial.
        direction: Direction of the objective, ``max`` or ``min``.
        folder: Paths of the trial's files.
        hooks: Functions that the training calls: reports of the objective, checks for a request to stop.
        resume: Path of the resume file; None: the training state is not saved.
        until: Epoch after which the training pauses; None: it does not pause.
        live: Models of paused trainings; None: none is kept.
        number: Number of the trial.
    """
    return Training(
        hypermodel.config,
        direction,
        hypermodel.dataset,
        folder,
        build=lambda: hypermodel.build(hp),
        fit_model=lambda model, *rest: hypermodel.fit(hp, model, *rest),
        hooks=hooks,
        resume=resume,
        has_own_fit=hypermodel.has_own_fit,
        until=until,
        live=live or LiveModels(),
        number=number,
    )


def train_once(config: Config, direction: str, folder: TrialPaths, hooks: Hooks) -> Outcome:
    """Train one configuration outside of a sweep, with the same code as a trial.

    Args:
        config: Configuration to train.
        direction: Direction of the objective, ``max`` or ``min``.
        folder: Paths of the training's files; earlier files in this folder are removed.
        hooks: Functions that the training calls: reports of the objective, checks for a request to stop.

    Returns:
        Outcome of the training: its state and result.

    Raises:
        TrialFailed: The training diverged, or exceeded a limit.
        Interrupted: The training was asked to stop.
    """
    clear_trial_folder(folder)
    hypermodel = ConfiguredHyperModel(config, data.load(config.data))
    return make_training(hypermodel, keras_tuner.HyperParameters(), direction, folder, hooks).run()
