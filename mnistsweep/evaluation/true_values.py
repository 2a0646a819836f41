"""True values of one output in the form in which predictions are compared with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.structure import Structure, leaves_by_name
from mnistsweep.data.task import PossibleTasks, Task


def task_at(tasks: Structure, position: int) -> PossibleTasks:
    """What the targets of one output are possible for.

    Args:
        tasks: `data.Dataset.tasks`.
        position: Position of the output among the leaves.
    """
    found: PossibleTasks = list(leaves_by_name(tasks).values())[position]
    return found


def true_values(
    kind: str, possible: PossibleTasks, targets: Structure, position: int, predicted: NDArray[Any]
) -> NDArray[Any]:
    """Convert the targets of one output.

    Args:
        kind: Kind of the output, see `output_heads.OutputHead`.
        possible: What its targets are possible for.
        targets: Targets of all outputs, as the source has them.
        position: Position of the output among the leaves.
        predicted: Predictions for the same examples; class maps and arrays get their shape.

    Returns:
        Class numbers ``(n,)``, labels ``(n, L)``, numbers ``(n, k)``, class maps or arrays ``(n, ...)``.

    Raises:
        DataError: A target does not fit the task, for example a class that the training set does not have.
    """
    raw: NDArray[Any] = list(leaves_by_name(targets).values())[position]
    if kind == "classes":
        return possible.of_classes().encode(raw, "test targets", "the test set").astype(np.int64)
    if kind == "multi_label":
        return _labels(possible, raw)
    if kind == "regression":
        return np.asarray(raw.reshape(len(raw), -1), np.float64)
    if raw.shape == predicted.shape:
        return raw
    if raw.size == predicted.size:
        return raw.reshape(predicted.shape)
    return np.asarray(raw.argmax(axis=-1)) if kind == "class_map" else raw


def label_names(possible: PossibleTasks, columns: tuple[str, ...]) -> list[str]:
    """Names of the labels of an output that predicts several: those of the source, or their numbers.

    Args:
        possible: What its targets are possible for.
        columns: Names of the targets in the source; empty where it has none.
    """
    task = _label_task(possible)
    if task is None:
        return possible.of_classes().class_names
    return list(columns) if len(columns) == task.width else [f"label {number}" for number in range(task.width)]


def _label_task(possible: PossibleTasks) -> Task | None:
    return next((task for task in possible.tasks if task.kind == "multi_label"), None)


def _labels(possible: PossibleTasks, raw: NDArray[Any]) -> NDArray[np.int64]:
    task = _label_task(possible)
    if task is not None:
        return task.encode(raw, "test targets", "the test set").astype(np.int64)
    classes = possible.of_classes()
    numbers = classes.encode(raw, "test targets", "the test set")
    return np.take(np.eye(len(classes.values), dtype=np.int64), numbers, axis=0)
