"""Outputs of a model as the report needs them: probabilities, numbers, class maps or arrays. Imports Keras.

The kind of an output follows from the task that its training had (`training.target_form`), from its loss, and from the
shapes of targets and predictions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import special

from mnistsweep.data.structure import Structure, leaves_by_name, num_examples, take
from mnistsweep.errors import StudyError
from mnistsweep.evaluation.class_scores import (
    LOGITS,
    MARGINS,
    PROBABILITIES,
    class_scores,
    find_scale,
    has_probabilities,
    is_by_column,
)
from mnistsweep.training.building import fixed_batch_size
from mnistsweep.training.model_outputs import loss_of, output_names, output_of

# A probability at or above it means that a position of a binary mask is predicted to be 1.
MASK_THRESHOLD = 0.5

# Maximum number of examples from which the scale of the outputs is found, by their kind; a map has many values.
NUM_SCALED = {"classes": 256, "multi_label": 256, "class_map": 16}


@dataclass(frozen=True)
class OutputHead:
    """One output of a model.

    Attributes:
        name: Name of the output; empty where the targets are one array.
        position: Position of its target among the targets' leaves.
        kind: Kind of the evidence for it: ``classes``, ``multi_label``, ``regression``, ``class_map`` or ``array``;
            ``none`` where its shape does not fit the target, such as mean and variance for one number.
        loss: Its compiled loss; None: unknown.
        scale: Scale of the outputs of a classifier, from `class_scores.find_scale`.
    """

    name: str
    position: int
    kind: str
    loss: Any = None
    scale: str = PROBABILITIES

    @property
    def are_margins(self) -> bool:
        """Whether it predicts classes without probabilities."""
        return self.kind == "classes" and not has_probabilities(self.scale)

    def convert(self, outputs: Any) -> NDArray[Any]:
        """Convert predictions of a batch to what is saved.

        Args:
            outputs: Output of the model, ``(n, ...)``.

        Returns:
            Probabilities, or scores of margins, ``(n, classes)`` or ``(n, labels)``, numbers ``(n, k)`` (all float64),
            predicted classes ``(n, ...)`` of a class map, or arrays ``(n, ...)``.
        """
        values = keras.ops.convert_to_numpy(outputs)
        if self.kind == "classes":
            return class_scores(rows_of(values, self.name), self.loss, self.scale)
        if self.kind == "regression":
            return np.asarray(values.reshape(len(values), -1), np.float64)
        if self.kind == "multi_label":
            rows = np.asarray(values.reshape(len(values), -1), np.float64)
            return np.asarray(special.expit(rows) if self.scale in (LOGITS, MARGINS) else rows.clip(0, 1))
        return self._class_map(values) if self.kind == "class_map" else values

    def _class_map(self, values: NDArray[Any]) -> NDArray[Any]:
        if values.shape[-1] > 1:
            return np.asarray(values.argmax(axis=-1), np.uint16)
        limit = 0.0 if self.scale in (LOGITS, MARGINS) else MASK_THRESHOLD
        return np.asarray(values[..., 0] >= limit, np.uint16)


def find_heads(model: Any, forms: Structure, targets: Structure, inputs: Structure) -> list[OutputHead]:
    """Find the outputs of a model that predict the targets.

    Args:
        model: Compiled Keras model.
        forms: Form of the targets of each output, the result of `compile_model`.
        targets: Targets of the test set.
        inputs: Scaled inputs of the test set.

    Returns:
        One head for each target; none where the outputs of the model do not correspond to the targets.
    """
    predicted = model.predict_on_batch(take(inputs, slice(fixed_batch_size(model) or 1)))
    truths, names, heads = leaves_by_name(targets), output_names(model, targets), []
    tasks = [form.task.kind for form in leaves_by_name(forms).values()]
    for position, (name, task, truth) in enumerate(zip(names, tasks, truths.values(), strict=True)):
        output = output_of(model, predicted, name, position)
        if output is None:
            return []
        loss = loss_of(model, name, position)
        kind = _kind(task, loss, truth, keras.ops.convert_to_numpy(output))
        heads.append(OutputHead(name, position, kind, loss))
    return [_with_scale(model, head, inputs) if head.kind in NUM_SCALED else head for head in heads]


def _with_scale(model: Any, head: OutputHead, inputs: Structure) -> OutputHead:
    """A head of classes, labels or masks with the scale of its outputs, from examples of the whole test set.

    Examples that are sorted by class are spread, so that a hinge loss shows margins of both signs.
    """
    count, fixed = num_examples(inputs), fixed_batch_size(model)
    size = min(count, NUM_SCALED[head.kind])
    rows = np.linspace(0, count - 1, -(-size // fixed) * fixed if fixed else size).astype(int)
    batches = np.split(rows, len(rows) // fixed) if fixed else [rows]
    outputs = [
        keras.ops.convert_to_numpy(output_of(model, model.predict_on_batch(take(inputs, at)), head.name, head.position))
        for at in batches
    ]
    values = np.concatenate(outputs)
    # Each label and each position of a mask is compared by itself.
    found = rows_of(values, head.name) if head.kind == "classes" else np.asarray(values.reshape(-1, 1), np.float64)
    return replace(head, scale=find_scale(found, head.loss))


def rows_of(values: NDArray[Any], name: str) -> NDArray[np.float64]:
    """Check that the outputs of a classifier are rows of numbers.

    Args:
        values: Outputs, ``(n, columns)`` or ``(n,)``.
        name: Name of the output; empty for the only one.

    Returns:
        Outputs, ``(n, columns)``.

    Raises:
        StudyError: They are not.
    """
    if values.ndim == 1:
        values = values[:, np.newaxis]
    if values.ndim != 2:
        subject = f"the output {name!r}" if name else "the output"
        raise StudyError(
            f"{subject} of a classifier must be a row of class probabilities; its shape is {values.shape}."
        )
    return np.asarray(values, np.float64)


def _kind(task: str, loss: Any, truth: NDArray[Any], output: NDArray[Any]) -> str:
    kind = _kind_of_task(task, loss, truth, output)
    has_values = kind in ("regression", "array") or (kind == "multi_label" and task != "classes")
    return "none" if has_values and truth[:1].size != output[:1].size else kind


def _kind_of_task(task: str, loss: Any, truth: NDArray[Any], output: NDArray[Any]) -> str:
    if task == "classes":
        # Columns that the loss compares one by one are no distribution over classes: each is a label of its own.
        is_labels = output.ndim == 2 and output.shape[1] > 1 and is_by_column(loss)
        return "multi_label" if is_labels else "classes"
    if task != "array":
        return "array" if task == "input" else task
    return "class_map" if is_class_map(truth, output.shape) else "array"


def is_class_map(truth: NDArray[Any], output: tuple[int, ...]) -> bool:
    """Whether targets are classes at each position: whole numbers for an output with one channel for each class,
    zeros and ones for an output of the same shape, or one-hot channels.

    Args:
        truth: Targets, ``(n, ...)``.
        output: Shape of the output for some examples, ``(m, ...)``.
    """
    if truth.ndim < 2 or truth.dtype.kind not in "buif" or len(output) < 2:
        return False
    squeezed = truth.shape[1:-1] if truth.shape[-1] == 1 else truth.shape[1:]
    if len(output) < 3 or squeezed != output[1:-1]:
        is_same = truth.shape[1:] == output[1:] and len(output) > 2 and output[-1] > 1
        return is_same and _is_binary(truth) and bool((truth.sum(axis=-1) == 1).all())
    if output[-1] == 1:
        return _is_binary(truth)
    return truth.dtype.kind in "bui" and int(truth.max(initial=0)) < output[-1] and int(truth.min(initial=0)) >= 0


def _is_binary(values: NDArray[Any]) -> bool:
    return bool(((values == 0) | (values == 1)).all())
