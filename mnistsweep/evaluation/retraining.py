"""Retraining of a selected configuration, for reports and for the cleaning experiment. Imports Keras.

A retrained model takes the same path as a trial (builder, compilation, training loop), but no metric is computed on the
validation split during the training, and no epoch is selected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.errors import TrialFailed
from mnistsweep.keras_session import clear_session
from mnistsweep.training.callbacks.logs import numbers_in
from mnistsweep.training.callbacks.user_callbacks import build_user_callbacks
from mnistsweep.training.compilation import compile_model
from mnistsweep.training.loop import FitOptions
from mnistsweep.training.process_state import import_users_modules, restored_process_state
from mnistsweep.training.target_form import part_of
from mnistsweep.training.trained_before import check_is_new, remember_training
from mnistsweep.training.training_split import training_split
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel

# Called after each epoch with its number, from 1.
OnEpoch = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class RetrainedModel:
    """A retrained model and its learning curve.

    Attributes:
        model: Keras model after its last epoch.
        curve: Metrics of each epoch by name.
        forms: Form of the targets of each output, the result of `compile_model`.
    """

    model: Any
    curve: list[dict[str, float]]
    forms: Any = None


def retrain(
    config: Config, dataset: Dataset, seed: int, epochs: int, on_epoch: OnEpoch = lambda _epoch: None
) -> RetrainedModel:
    """Train a model of a configuration on the training split of a data set.

    Args:
        config: Configuration of a trial.
        dataset: Data set; the model is trained on its training split. The validation split is passed only to a
            hypermodel that overrides `fit`, because its `fit` may require one.
        seed: Seed of the initial weights, of dropout and of the order of the examples.
        epochs: Number of epochs to train. The learning rate follows the schedule of `config.trainer.epochs` epochs.
        on_epoch: Function that is called after each epoch with its number, from 1.

    Raises:
        TrialFailed: The loss became NaN or infinite.
        Exception: Any error of the model or of the user's code.

    Example:
        ``retrain(config, data.load(config.data), seed=1, epochs=3).model``
    """
    import_users_modules(config)
    with restored_process_state():
        return _retrain(config, dataset, seed, epochs, on_epoch)


def build_model(config: Config, dataset: Dataset) -> tuple[Any, Any]:
    """Build and compile the model of a configuration, without training it.

    Args:
        config: Configuration of a trial.
        dataset: Data set.

    Returns:
        The model, and the form of the targets of each output.

    Raises:
        Exception: Any error of the user's code.
    """
    import_users_modules(config)
    with restored_process_state():
        clear_session()
        hypermodel = ConfiguredHyperModel(config, dataset)
        model: Any = hypermodel.build(hypermodel.hyperparameters)
        return model, compile_model(model, config, dataset)


def _retrain(config: Config, dataset: Dataset, seed: int, epochs: int, on_epoch: OnEpoch) -> RetrainedModel:
    clear_session()
    keras.utils.set_random_seed(seed)
    dataset = dataset.fresh()
    hypermodel = ConfiguredHyperModel(config, dataset)
    model: Any = hypermodel.build(hypermodel.hyperparameters)
    check_is_new(model)
    forms = compile_model(model, config, dataset)
    train = training_split(dataset, forms, config)
    validation: Any = part_of(dataset.validation, forms) if hypermodel.has_own_fit else None
    options = FitOptions(
        epochs,
        config.trainer.batch_size,
        seed,
        augmentation=dataset.augmentation,
        steps_per_epoch=config.trainer.steps_per_epoch,
    )
    recorder = _CurveRecorder(on_epoch)
    callbacks = [recorder, *build_user_callbacks(config)]
    try:
        hypermodel.fit(hypermodel.hyperparameters, model, train, validation, options, callbacks)
    finally:
        remember_training(model)
    return RetrainedModel(model, recorder.curve, forms)


class _CurveRecorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Records the learning curve, and stops a training that has diverged."""

    def __init__(self, on_epoch: OnEpoch) -> None:
        super().__init__()
        self.curve: list[dict[str, float]] = []
        self._on_epoch = on_epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Record the metrics of an epoch."""
        metrics = numbers_in(logs or {})
        if not np.isfinite(metrics.get("loss", 0.0)):
            raise TrialFailed(f"the loss of epoch {epoch + 1} is {metrics['loss']}")
        self.curve.append(metrics)
        self._on_epoch(epoch + 1)
