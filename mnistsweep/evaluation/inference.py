"""Inference with saved or retrained models: class probabilities of images. Imports Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import special

from mnistsweep import targets
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset, HeldOut
from mnistsweep.data.structure import Structure, num_examples, take
from mnistsweep.errors import StudyError, describe_error
from mnistsweep.evaluation.saved_predictions import Predictions
from mnistsweep.training.compilation import compile_model
from mnistsweep.training.engines import choose_engine
from mnistsweep.training.engines.base import evaluation_batch_size
from mnistsweep.training.target_form import encode_targets, split_of
from mnistsweep.user_code import exits_as_failures

# Minimum number of examples per prediction batch; `evaluation_batch_size` raises it for small inputs.
MIN_BATCH_SIZE = 32

PYTHON_CODE = (
    "it has a Lambda layer with a Python lambda, and code in a model file is not executed; write the layer as a class, "
    "or its function as a def, registered with keras.saving.register_keras_serializable, and train again"
)

# Part of Keras's message about a model with Python code.
_SAFE_MODE = "safe_mode=False"


def load_model(file: Path, config: Config) -> Any:
    """Load a model that a trial or a report has saved.

    Args:
        file: Path of the ``.keras`` file.
        config: Configuration of the model. The module of its builder is imported first, because it may register custom
            layers.

    Raises:
        StudyError: The file is damaged, holds Python code, or needs a module that is missing.
    """
    try:
        with exits_as_failures():
            targets.resolve(str(config.model["_target_"]), "model._target_")
            return keras.saving.load_model(file, safe_mode=True)  # unless a user's module allows it in `keras.config`
    except Exception as error:  # Keras, zipfile and custom layers raise many types of errors
        reason = PYTHON_CODE if _SAFE_MODE in str(error) else describe_error(error)
        raise StudyError(f"{file}: the model cannot be loaded: {reason}") from error


def predict(
    model: Any,
    config: Config,
    held_out: HeldOut,
    dataset: Dataset,
    validation: bool = False,
    curve: list[dict[str, float]] | None = None,
) -> Predictions:
    """Predict the test set with a model, and evaluate its loss there.

    Args:
        model: Compiled Keras model.
        config: Configuration of the model.
        held_out: Test set.
        dataset: Data set that the model was trained on.
        validation: Whether to predict the validation split too, and to measure the objective on it.
        curve: Learning curve of the model; None: unknown.

    Raises:
        StudyError: The model has several outputs, or its output is not one row of numbers per example.
        Exception: Any error of the model or of its loss.
    """
    targets_ = encode_targets(compile_model(model, config, dataset), held_out.targets)
    probabilities = class_probabilities(model, held_out.inputs)
    batch_size = evaluation_batch_size(held_out.inputs, config.trainer.batch_size)
    metrics = model.evaluate(held_out.inputs, targets_, batch_size=batch_size, verbose=0, return_dict=True)
    return Predictions(
        probabilities,
        float(metrics["loss"]),
        int(model.count_params()),
        curve or [],
        class_probabilities(model, dataset.validation.inputs) if validation else None,
        measure_objective(model, config, dataset) if validation else None,
    )


def measure_objective(model: Any, config: Config, dataset: Dataset) -> float | None:
    """Measure the objective of a model on the validation split, with the code that evaluates each epoch of a training.

    Args:
        model: Compiled Keras model.
        config: Configuration of the model.
        dataset: Data set that the model was trained on.

    Returns:
        The value; None if the objective is no metric of the validation split, or no metric of the compiled model.
    """
    metric = config.objective.removeprefix("val_")
    if metric == config.objective:
        return None
    split = split_of(dataset.validation, compile_model(model, config, dataset))
    engine = choose_engine("auto", model, split, split, config.trainer.batch_size)
    return engine.evaluate(keras.callbacks.CallbackList([], model=model)).get(metric)


def class_probabilities(model: Any, inputs: Structure) -> NDArray[np.float64]:
    """Predict the class probabilities of examples.

    The outputs of a model that was trained with ``from_logits=True`` pass through a softmax, or through a sigmoid if
    there is one column or the loss compares each column by itself (binary cross-entropy). Outputs for losses without
    probabilities (hinge) are returned as they are; the checks of the analyses reject them.

    Args:
        model: Keras model.
        inputs: Scaled inputs, ``(n, ...)`` or a structure of arrays.

    Returns:
        Probabilities, ``(n, classes)``; the single column ``p`` of a binary model becomes ``[1 - p, p]``.

    Raises:
        StudyError: The model has several outputs, or its output is not one row of numbers per example.
    """
    batch_size, count = evaluation_batch_size(inputs, MIN_BATCH_SIZE), num_examples(inputs)
    batches = (take(inputs, slice(start, start + batch_size)) for start in range(0, count, batch_size))
    outputs = np.concatenate([_output_rows(model.predict_on_batch(batch)) for batch in batches])
    are_logits, is_binary = bool(getattr(model.loss, "from_logits", False)), outputs.shape[1] == 1
    by_column = isinstance(model.loss, keras.losses.BinaryCrossentropy | keras.losses.BinaryFocalCrossentropy)
    if are_logits and (is_binary or by_column):
        outputs = special.expit(outputs)
    elif are_logits:
        outputs = special.softmax(outputs, axis=1)
    if is_binary:
        outputs = np.concatenate([1 - outputs, outputs], axis=1)
    return outputs


def _output_rows(outputs: Any) -> NDArray[np.float64]:
    """Check the outputs of a model for one batch, and return them as ``(n, classes)``."""
    rule = "a report needs a model with one output, a row of class probabilities for each image"
    if isinstance(outputs, list | tuple | dict):
        raise StudyError(f"{rule}; this model has {len(outputs)} outputs.")
    rows: NDArray[np.float64] = keras.ops.convert_to_numpy(outputs).astype(np.float64)
    if rows.ndim != 2:
        raise StudyError(f"{rule}; the output of this model has the shape {rows.shape}.")
    return rows
