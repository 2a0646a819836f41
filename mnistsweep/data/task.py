"""What a model predicts: classes, several labels, numbers, its own input, or any other array.

The loader's targets alone often do not decide this: whole numbers from 0 to 4 are five classes for a model with five
outputs, and ratings for a model with one output and a squared error. `training.target_form` therefore decides with the
model, from the kinds that are possible for the targets (`possible_tasks`). ``data.target`` sets the kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.inputs import check_finite
from mnistsweep.errors import DataError
from mnistsweep.text import listed

# Maximum number of classes that a message lists.
MAX_LISTED = 10

KINDS = ("auto", "classes", "multi_label", "regression", "input", "array")
"""Values of ``data.target``.

- ``classes``: one class for each example: numbers or texts ``(n,)``, or one-hot rows ``(n, K)``.
- ``multi_label``: rows of zeros and ones, ``(n, L)``, any number of ones.
- ``regression``: numbers, ``(n,)`` or ``(n, k)``.
- ``input``: the inputs themselves (autoencoders); the loader's targets are not used.
- ``array``: passed to the model as the loader returned it, for example a mask for each image.
- ``auto``: found from the targets, the loss and the output of the model.
"""


@dataclass(frozen=True)
class Task:
    """What a model predicts, at one of its outputs.

    Attributes:
        kind: One of `KINDS` except ``auto``.
        values: For ``classes``: the value of each class in the source, sorted; class ``i`` stands for ``values[i]``.
        is_one_hot: For ``classes``: whether the source has one-hot rows.
        width: Number of values in the target of one example: labels of ``multi_label``, numbers of ``regression``.
        names: For ``classes``: names that the source gives its values; empty: the values are the names.
    """

    kind: str
    values: tuple[Any, ...] = ()
    is_one_hot: bool = False
    width: int = 1
    names: tuple[str, ...] = ()

    @property
    def class_names(self) -> list[str]:
        """Texts of the classes, for tables and figures."""
        return [*self.names] or [str(value) for value in self.values]

    def encode(self, targets: NDArray[Any], name: str, source: str) -> NDArray[Any]:
        """Convert targets of the source to the form in which mnistsweep keeps them.

        Args:
            targets: Targets as the loader returned them, an array.
            name: Description of the targets, for messages.
            source: Description of the source, for messages.

        Returns:
            Class numbers ``(n,)`` int32 for ``classes``, float32 for ``multi_label`` and ``regression``, otherwise the
            targets unchanged.

        Raises:
            DataError: A target does not fit the task, for example a class that the training set does not have.
        """
        if self.kind == "classes":
            return self._class_numbers(targets, name, source)
        if self.kind in ("multi_label", "regression"):
            if targets.dtype.kind not in "buif":
                raise DataError(f"{name} must be numbers; received {targets.dtype} ({source})")
            check_finite(targets, name, "target", source)
            return targets.astype(np.float32)
        return targets

    def _class_numbers(self, targets: NDArray[Any], name: str, source: str) -> NDArray[np.int32]:
        flat: NDArray[Any] = np.argmax(targets, axis=1) if self.is_one_hot else targets.reshape(len(targets))
        values = np.array(self.values, dtype=object if flat.dtype.kind == "O" else None)
        numbers = np.searchsorted(values, flat).clip(max=len(values) - 1)
        unknown: NDArray[np.bool_] = np.asarray(values[numbers] != flat)
        if unknown.any():
            position = int(np.argmax(unknown))
            known = listed(list(map(repr, self.values)), MAX_LISTED)
            raise DataError(
                f"{name} must be classes of the training set, {known}; target {position} is {flat[position]!r} "
                f"({source})"
            )
        result: NDArray[np.int32] = np.asarray(numbers, np.int32)
        return result

    def decode(self, classes: NDArray[Any]) -> NDArray[Any]:
        """Targets as in the source for class numbers: the inverse of `encode` for ``classes``.

        Args:
            classes: Class numbers, ``(n,)``.

        Returns:
            One-hot rows ``(n, K)`` float32, or values ``(n,)``; texts have dtype object.
        """
        values: NDArray[Any] = np.array(self.values)
        if self.is_one_hot:
            values = np.eye(len(self.values), dtype=np.float32)
        elif values.dtype.kind not in "buif":
            values = values.astype(object)
        return np.take(values, classes, axis=0)


@dataclass(frozen=True)
class PossibleTasks:
    """What the targets of one output are possible for.

    Attributes:
        tasks: At least one task, the most likely one first.
    """

    tasks: tuple[Task, ...]

    @property
    def first(self) -> Task:
        """The most likely task."""
        return self.tasks[0]

    @property
    def num_classes(self) -> int | None:
        """Number of classes; None where the targets cannot be classes."""
        return next((len(task.values) for task in self.tasks if task.kind == "classes"), None)

    def with_names(self, names: Sequence[str]) -> PossibleTasks:
        """The same tasks; the classes are those that the source names, also the ones without an example.

        Args:
            names: Name of each class ``0 .. K-1``.

        Example:
            >>> found = possible_tasks(np.array([0, 2]), "auto", "targets", "here").with_names(["cat", "dog", "owl"])
            >>> found.first.values, found.first.class_names
            ((0, 1, 2), ['cat', 'dog', 'owl'])
        """
        numbers = tuple(range(len(names)))
        return PossibleTasks(
            tuple(
                replace(task, values=numbers, names=tuple(names))
                if task.kind == "classes" and set(task.values) <= set(numbers)
                else task
                for task in self.tasks
            )
        )

    def of_classes(self) -> Task:
        """The task with which the targets are classes.

        Raises:
            DataError: The targets cannot be classes.
        """
        for task in self.tasks:
            if task.kind == "classes":
                return task
        raise DataError(f"data.target: class labels are required; the targets are of the kind {self.first.kind!r}")


def possible_tasks(targets: NDArray[Any], kind: str, name: str, source: str) -> PossibleTasks:
    """Tasks that targets are possible for, the most likely one first.

    Args:
        targets: Targets of the training set as the loader returned them, an array.
        kind: One of `KINDS`; any other than ``auto`` leaves one task.
        name: Description of the targets, for messages.
        source: Description of the source, for messages.

    Raises:
        DataError: The targets do not fit the kind.

    Example:
        >>> [task.kind for task in possible_tasks(np.array([0, 4, 2]), "auto", "targets", "here").tasks]
        ['classes', 'regression', 'array']
    """
    if kind == "input":
        return PossibleTasks((Task("input"),))
    candidates = _candidates(targets)
    found = tuple(task for task in candidates if kind in ("auto", task.kind))
    if found:
        return PossibleTasks(found)
    known = ", ".join(dict.fromkeys(task.kind for task in candidates))
    raise DataError(
        f"data.target: {name} are {targets.dtype} {targets.shape}, possible are {known}; received {kind!r} ({source})"
    )


def _candidates(targets: NDArray[Any]) -> list[Task]:
    is_number, shape = targets.dtype.kind in "buif", targets.shape
    whole = Task("array", width=int(np.prod(shape[1:])))
    if targets.ndim > 2 or targets.dtype.kind not in "buifO":
        return [whole]
    if targets.ndim == 2 and shape[1] > 1:
        return [*(_row_tasks(targets) if is_number else []), whole]
    flat = targets.reshape(len(targets))
    if not is_number:
        return [Task("classes", _distinct(flat))]
    numbers = Task("regression")
    if flat.dtype.kind == "f":
        if not (np.abs(flat) < 2**53).all() or not (flat == np.rint(flat)).all():
            return [numbers, whole]
        classes = Task("classes", _distinct(flat.astype(np.int64)))
        return [classes, numbers, whole] if classes.values == (0, 1) else [numbers, classes, whole]
    return [Task("classes", _distinct(flat)), numbers, whole]


def _row_tasks(targets: NDArray[Any]) -> list[Task]:
    """Tasks that rows of numbers are possible for."""
    width = targets.shape[1]
    numbers = Task("regression", width=width)
    if not bool(((targets == 0) | (targets == 1)).all()):
        return [numbers]
    labels = Task("multi_label", width=width)
    is_one_hot = bool((targets.sum(axis=1) == 1).all())
    classes = [Task("classes", tuple(range(width)), is_one_hot=True, width=width)] if is_one_hot else []
    return [*classes, labels, numbers]


def _distinct(flat: NDArray[Any]) -> tuple[Any, ...]:
    """The different values, sorted, as Python objects."""
    return tuple(np.unique(flat).tolist())
