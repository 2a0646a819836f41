"""Values that callbacks read from the logs of an epoch and from the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from mnistsweep.data.structure import describe
from mnistsweep.errors import ConfigError, suggest

Logs = Mapping[str, Any]
"""Metrics by name, as Keras passes them to a callback."""


def numbers_in(logs: Logs) -> dict[str, float]:
    """Return the entries of the logs that are one number, as floats: a callback may add values of any type.

    Example:
        >>> numbers_in({"loss": np.float32(0.5), "note": "good", "matrix": np.zeros((2, 2))})
        {'loss': 0.5}
    """
    found = {name: _number(value) for name, value in logs.items()}
    return {name: value for name, value in found.items() if value is not None}


def read_objective(logs: Logs, objective: str) -> float:
    """Return the value of the objective.

    Raises:
        ConfigError: The logs do not contain the objective, or it is no number; the message names the most similar
            metric.
    """
    if objective not in logs:
        raise ConfigError(f"objective: the model does not measure {objective!r}; {suggest(objective, logs)}")
    value = _number(logs[objective])
    if value is None:
        raise ConfigError(f"objective: {objective!r} must be a number; the logs hold {describe(logs[objective])}")
    return value


def read_learning_rate(model: Any) -> float:
    """Return the current learning rate, including one set by a schedule; NaN for a model without an optimizer."""
    rate = getattr(model.optimizer, "learning_rate", math.nan)
    return float(rate.numpy() if isinstance(rate, keras.Variable) else rate)


def _number(value: Any) -> float | None:
    """A number of Python, numpy or the backend as a float; None for anything else."""
    if isinstance(value, int | float):
        return float(value)
    if value is None or isinstance(value, str | bytes | Mapping | list | tuple):
        return None
    array = np.asarray(keras.ops.convert_to_numpy(value) if keras.ops.is_tensor(value) else value)
    return float(array) if array.ndim == 0 and array.dtype.kind in "biuf" else None
