"""Values that callbacks read from the logs of an epoch and from the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras

from mnistsweep.errors import ConfigError, suggest

Logs = Mapping[str, Any]
"""Metrics by name, as Keras passes them to a callback."""


def read_objective(logs: Logs, objective: str) -> float:
    """Return the value of the objective.

    Raises:
        ConfigError: The logs do not contain the objective; the message names the most similar metric.
    """
    if objective not in logs:
        raise ConfigError(f"objective: the model does not measure {objective!r}; {suggest(objective, logs)}")
    return float(logs[objective])


def read_learning_rate(model: Any) -> float:
    """Return the current learning rate, including one set by a schedule; NaN for a model without an optimizer."""
    rate = getattr(model.optimizer, "learning_rate", math.nan)
    return float(rate.numpy() if isinstance(rate, keras.Variable) else rate)
