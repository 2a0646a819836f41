"""Weights of classes in the loss: `trainer.class_weight`, as the argument `class_weight` of `keras.Model.fit`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.task import Task
from mnistsweep.errors import ConfigError, suggest
from mnistsweep.text import listed

BALANCED = "balanced"

# Maximum number of classes that a message lists.
_MAX_LISTED = 8

_KEY = "trainer.class_weight"


def check(value: Any) -> list[str]:
    """Check the value of ``trainer.class_weight`` without the data; returns a message if it cannot be used.

    Args:
        value: ``balanced``, a mapping from classes to weights, a list of a weight for each class, or None.

    Example:
        >>> check({"cat": 1.0, "dog": -1})
        ["trainer.class_weight: each weight must be a finite number of at least 0; received -1 for 'dog'"]
    """
    if value is None or value == BALANCED:
        return []
    if isinstance(value, Mapping):
        weights = list(value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        weights = list(enumerate(value))
    else:
        rule = "must be balanced, weights by class {cat: 1, dog: 3}, or a list of weights [1, 3]"
        return [f"{_KEY}: {rule}; received {value!r}"]
    for name, weight in weights:
        is_number = isinstance(weight, Real) and not isinstance(weight, bool)
        if not is_number or not math.isfinite(weight) or weight < 0:
            rule = "each weight must be a finite number of at least 0"
            return [f"{_KEY}: {rule}; received {weight!r} for {name!r}"]
    return [] if weights else [f"{_KEY}: must have a weight for each class; received none"]


def class_weights(value: Any, task: Task | None, labels: NDArray[np.int32] | None) -> NDArray[np.float32]:
    """Weight of each class, ``(K,)``.

    Args:
        value: Value of ``trainer.class_weight``, not None.
        task: Task of the only output; None for several outputs.
        labels: Class numbers of the training split, ``(n,)``, for ``balanced``: a class of ``m`` examples gets the
            weight ``n / (K m)``, as `sklearn.utils.class_weight.compute_class_weight` computes it, with ``K`` the
            number of classes that have examples. None: the weights do not depend on them.

    Raises:
        ConfigError: The targets are no classes, a class is unknown, or one has no weight.

    Example:
        >>> class_weights({"dog": 3, "cat": 1}, Task("classes", ("cat", "dog")), None)
        array([1., 3.], dtype=float32)
    """
    if faults := check(value):
        raise ConfigError(faults[0])
    if task is None or task.kind != "classes":
        kind = "several outputs" if task is None else f"targets of the kind {task.kind}"
        raise ConfigError(f"{_KEY}: needs targets that are classes; received {value!r} with {kind}; use sample weights")
    if value == BALANCED:
        return _balanced(len(task.values), labels)
    if not isinstance(value, Mapping):
        if len(value) != len(task.values):
            names = listed(task.class_names, _MAX_LISTED)
            rule = f"must have a weight for each of the {len(task.values)} classes ({names})"
            raise ConfigError(f"{_KEY}: {rule}; received {len(value)} weights")
        return np.array(value, np.float32)
    return _by_name(value, task)


def _by_name(value: Mapping[Any, Any], task: Task) -> NDArray[np.float32]:
    """Weights from a mapping; a class is named by its value in the source, or by the name that the source gives it."""
    positions = {str(name): index for index, name in enumerate(task.values)}
    positions |= {name: index for index, name in enumerate(task.class_names)}
    weights: dict[int, float] = {}
    for name, weight in value.items():
        if str(name) not in positions:
            raise ConfigError(f"{_KEY}: there is no class {name!r}; {suggest(str(name), task.class_names)}")
        weights[positions[str(name)]] = float(weight)
    if missing := [name for index, name in enumerate(task.class_names) if index not in weights]:
        raise ConfigError(
            f"{_KEY}: must have a weight for each class; there is none for {listed(missing, _MAX_LISTED)}"
        )
    return np.array([weights[index] for index in range(len(task.values))], np.float32)


def _balanced(num_classes: int, labels: NDArray[np.int32] | None) -> NDArray[np.float32]:
    from sklearn.utils.class_weight import compute_class_weight

    if labels is None or not len(labels):
        return np.ones(num_classes, np.float32)
    present = np.unique(labels)
    weights = np.ones(num_classes, np.float32)  # a class without examples: its weight is not used
    weights[present] = compute_class_weight(BALANCED, classes=present, y=labels)
    return weights
