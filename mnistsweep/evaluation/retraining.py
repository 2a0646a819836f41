"""Models of a configuration that was selected, trained anew: refits of the reporter, arms of the cleaning experiment.

The same path as a trial's (its builder, its compile, its loop), but nothing is measured while it trains and nothing is
selected. Imports Keras.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import special

from mnistsweep import targets
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset, HeldOut
from mnistsweep.errors import StudyError, TrialFailed, describe_error
from mnistsweep.evaluation.predictions import Predictions
from mnistsweep.models import losses
from mnistsweep.training.callbacks.user_callbacks import build_user_callbacks
from mnistsweep.training.compilation import compile_model
from mnistsweep.training.engines.base import evaluation_batch_size
from mnistsweep.training.loop import FitOptions
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel

# Called after each epoch, with its number from 1.
OnEpoch = Callable[[int], None]

# Examples a step of a prediction, where they are large; small ones are predicted in greater numbers.
MIN_BATCH = 32


@dataclass(frozen=True, eq=False)
class Refit:
    """A model that was trained, and how it went.

    Attributes:
        model: The Keras model after its last epoch.
        curve: An entry an epoch: its metrics by name.
    """

    model: Any
    curve: list[dict[str, float]]


def refit(config: Config, dataset: Dataset, seed: int, epochs: int, on_epoch: OnEpoch = lambda _epoch: None) -> Refit:
    """Train a model of a configuration on the training side of a data set.

    Args:
        config: Of the trial.
        dataset: Its training side is trained on. The validation side is shown only to a `fit` of the user's own, which
            may insist on one.
        seed: Of initial weights, dropout and the order of the examples.
        epochs: To stop after; the schedule is that of `config.trainer.epochs`.
        on_epoch: Called after each epoch.

    Raises:
        TrialFailed: The loss is no finite number.
        Exception: Whatever the model or the user's code raises.

    Example:
        ``refit(config, data.load(config.data), seed=1, epochs=3).model``
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    hypermodel = ConfiguredHyperModel(config, dataset)
    model: Any = hypermodel.build(hypermodel.hyperparameters)
    form = compile_model(model, config, dataset)
    train = dataset.train.images, losses.encode(dataset.train.labels, dataset.classes, form)
    validation: Any = None
    if hypermodel.has_own_fit:
        validation = dataset.validation.images, losses.encode(dataset.validation.labels, dataset.classes, form)
    options = FitOptions(epochs, config.trainer.batch_size, seed, augmentation=dataset.augmentation)
    watcher = _Watcher(on_epoch)
    hypermodel.fit(
        hypermodel.hyperparameters, model, train, validation, options, [watcher, *build_user_callbacks(config)]
    )
    return Refit(model, watcher.curve)


class _Watcher(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the learning curve, and stops a training that has diverged."""

    def __init__(self, on_epoch: OnEpoch) -> None:
        super().__init__()
        self.curve: list[dict[str, float]] = []
        self._on_epoch = on_epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Take the epoch's metrics."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        if not np.isfinite(metrics.get("loss", 0.0)):
            raise TrialFailed(f"the loss of epoch {epoch + 1} is {metrics['loss']}")
        self.curve.append(metrics)
        self._on_epoch(epoch + 1)


def load_model(file: Path, config: Config) -> Any:
    """Load a model that a trial or a report has saved.

    Args:
        file: A ``.keras`` file.
        config: Of the model; the module of its builder is imported first, for it may register layers of its own.

    Raises:
        StudyError: The file is damaged, or needs something that is not there.
    """
    try:
        targets.resolve(str(config.model["_target_"]), "model._target_")
        return keras.saving.load_model(file)
    except Exception as error:  # whatever Keras, the zip file or the user's own layers raise
        raise StudyError(f"{file}: the model cannot be loaded: {describe_error(error)}") from error


def predict(
    model: Any,
    config: Config,
    held_out: HeldOut,
    dataset: Dataset,
    validation: bool = False,
    curve: list[dict[str, float]] | None = None,
) -> Predictions:
    """What a model says of the test set.

    Args:
        model: Compiled.
        config: Of the model.
        held_out: The test set.
        dataset: That the model was trained on.
        validation: Whether to predict the validation side too.
        curve: Of its training.
    """
    labels = losses.encode(held_out.labels, dataset.classes, compile_model(model, config, dataset))
    probabilities = class_probabilities(model, held_out.images)
    batch = evaluation_batch_size(held_out.images, config.trainer.batch_size)
    measured = model.evaluate(held_out.images, labels, batch_size=batch, verbose=0, return_dict=True)
    return Predictions(
        probabilities,
        float(measured["loss"]),
        int(model.count_params()),
        curve or [],
        class_probabilities(model, dataset.validation.images) if validation else None,
    )


def class_probabilities(model: Any, images: NDArray[Any]) -> NDArray[np.float64]:
    """What a model says of images.

    A model that ends without a softmax, for a loss with ``from_logits=True``, is given one; outputs of losses that are
    no probabilities (hinge) are left to the checks of the analyses, which say so.

    Args:
        model: A Keras model.
        images: Scaled, ``(n, ...)``.

    Returns:
        ``(n, classes)``; one column ``p`` of a binary model becomes ``[1 - p, p]``.

    Raises:
        StudyError: The model has several outputs, or not a row of numbers for each image.
    """
    batch = evaluation_batch_size(images, MIN_BATCH)
    outputs = np.concatenate(
        [_row_each(model.predict_on_batch(images[at : at + batch])) for at in range(0, len(images), batch)]
    )
    logits, single = bool(getattr(model.loss, "from_logits", False)), outputs.shape[1] == 1
    if logits and single:
        outputs = special.expit(outputs)
    elif logits:
        outputs = special.softmax(outputs, axis=1)
    if single:
        outputs = np.concatenate([1 - outputs, outputs], axis=1)
    return outputs


def _row_each(outputs: Any) -> NDArray[np.float64]:
    """What a model gives back for some images, as ``(n, classes)``."""
    rule = "a report is about models with one output, a row of class probabilities for each image"
    if isinstance(outputs, list | tuple | dict):
        raise StudyError(f"{rule}; this one has {len(outputs)}.")
    rows = keras.ops.convert_to_numpy(outputs).astype(np.float64)
    if rows.ndim != 2:
        raise StudyError(f"{rule}; this one's has the shape {rows.shape}.")
    whole: NDArray[np.float64] = rows
    return whole
