"""Inference with saved or retrained models: predictions of each output. Imports Keras."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset, HeldOut
from mnistsweep.data.structure import Structure, num_examples, take
from mnistsweep.errors import StudyError
from mnistsweep.evaluation.class_scores import class_scores, find_scale
from mnistsweep.evaluation.output_heads import OutputHead, find_heads
from mnistsweep.evaluation.saved_predictions import Predictions
from mnistsweep.training.building import fixed_batch_size, has_states, reset_states
from mnistsweep.training.compilation import compile_model
from mnistsweep.training.engines import choose_engine
from mnistsweep.training.engines.base import evaluation_batch_size, evaluation_size
from mnistsweep.training.metric_names import with_stable_names
from mnistsweep.training.model_outputs import output_of
from mnistsweep.training.target_form import encode_targets, split_of

# Minimum number of examples per prediction batch; `evaluation_batch_size` raises it for small inputs.
MIN_BATCH_SIZE = 32


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
        StudyError: The outputs of a classifier are not rows of numbers.
        Exception: Any error of the model or of its loss.
    """
    forms = compile_model(model, config, dataset)
    targets_ = encode_targets(forms, held_out.targets)
    heads = find_heads(model, forms, held_out.targets, held_out.inputs)
    batch_size = evaluation_size(model, held_out.inputs, config.trainer.batch_size)
    _check_batches(model, num_examples(held_out.inputs))
    reset_states(model)
    metrics = model.evaluate(held_out.inputs, targets_, batch_size=batch_size, verbose=0, return_dict=True)
    return Predictions(
        outputs=predict_outputs(model, held_out.inputs, heads),
        kinds={head.name: head.kind for head in heads},
        margins=[head.name for head in heads if head.are_margins],
        loss=float(metrics.get("loss", float("nan"))),
        parameters=int(model.count_params()),
        curve=curve or [],
        validation=predict_outputs(model, dataset.validation_arrays.inputs, heads) if validation else None,
        objective=measure_objective(model, config, dataset) if validation else None,
    )


def predict_outputs(model: Any, inputs: Structure, heads: Sequence[OutputHead]) -> dict[str, NDArray[Any]]:
    """Predict examples.

    Args:
        model: Keras model.
        inputs: Scaled inputs, ``(n, ...)`` or a structure of arrays.
        heads: Outputs of the model.

    Returns:
        Predictions of each output by its name, as `OutputHead.convert` returns them.

    Raises:
        StudyError: The outputs of a classifier are not rows of numbers.
    """
    parts: dict[str, list[NDArray[Any]]] = {head.name: [] for head in heads}
    for batch in _batches(model, inputs) if heads else ():
        outputs = model.predict_on_batch(batch)
        for head in heads:
            parts[head.name].append(head.convert(output_of(model, outputs, head.name, head.position)))
    return {name: np.concatenate(arrays)[: num_examples(inputs)] for name, arrays in parts.items()}


def measure_objective(model: Any, config: Config, dataset: Dataset) -> float | None:
    """Measure the objective of a model on the validation split, with the code that evaluates each epoch of a training.

    Args:
        model: Compiled Keras model.
        config: Configuration of the model.
        dataset: Data set that the model was trained on.

    Returns:
        The value; None if the objective is no metric of the validation split, or no metric of the compiled model, or if
        it depends on states that the training has left in the model.
    """
    metric = config.first_objective.removeprefix("val_")
    if metric == config.first_objective:
        return None
    if has_states(model):
        return None
    split = split_of(dataset.validation_arrays, compile_model(model, config, dataset))
    engine = choose_engine("auto", model, split, split, config.trainer.batch_size)
    measured = engine.evaluate(keras.callbacks.CallbackList([], model=model))
    return with_stable_names(model, measured).get(metric)


def class_probabilities(model: Any, inputs: Structure) -> NDArray[np.float64]:
    """Predict the class probabilities of examples with a model of one output.

    Args:
        model: Keras model.
        inputs: Scaled inputs, ``(n, ...)`` or a structure of arrays.

    Returns:
        Probabilities, ``(n, classes)``, or scores of margins, see `class_scores.class_scores`.

    Raises:
        StudyError: The model has several outputs, or its output is not one row of numbers per example.
    """
    outputs = np.concatenate([_output_rows(model.predict_on_batch(batch)) for batch in _batches(model, inputs)])
    rows = outputs[: num_examples(inputs)]
    return class_scores(rows, model.loss, find_scale(rows, model.loss))


def _batches(model: Any, inputs: Structure) -> Iterator[Structure]:
    """Batches of inputs; where the model fixes their size, the last one is filled up with the first examples."""
    reset_states(model)
    count, fixed = num_examples(inputs), fixed_batch_size(model)
    size = fixed or evaluation_batch_size(inputs, MIN_BATCH_SIZE)
    for start in range(0, count, size):
        rows = np.arange(start, start + size) % count if fixed else slice(start, start + size)
        yield take(inputs, rows)


def _check_batches(model: Any, count: int) -> None:
    """Check that a stateful model can evaluate a number of examples: each batch has the size of its states.

    Raises:
        StudyError: It cannot.
    """
    size = fixed_batch_size(model) if has_states(model) else None
    if size is not None and count % size:
        raise StudyError(
            f"the model is stateful and needs batches of {size} examples; received a test set of {count}; let the "
            f"loader return {count - count % size} test examples."
        )


def _output_rows(outputs: Any) -> NDArray[np.float64]:
    """Check the outputs of a model for one batch, and return them as ``(n, classes)``."""
    rule = "class probabilities need a model with one output, a row of class probabilities for each example"
    if isinstance(outputs, list | tuple | dict):
        raise StudyError(f"{rule}; this model has {len(outputs)} outputs.")
    rows: NDArray[np.float64] = keras.ops.convert_to_numpy(outputs).astype(np.float64)
    if rows.ndim != 2:
        raise StudyError(f"{rule}; the output of this model has the shape {rows.shape}.")
    return rows
