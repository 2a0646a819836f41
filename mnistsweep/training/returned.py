"""What a user's own `HyperModel.fit` returns, by KerasTuner's convention: a number, a dictionary, a History, or a list.

The returned value counts. A number is the objective; a dictionary must hold it; a History counts by its best epoch; a
list of these counts by its mean.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mnistsweep.errors import ConfigError, TrialFailed, suggest

RETURNED = "returned"
"""Column of ``history.csv`` with a returned objective that differs from the best one of the learning curve."""

Kind = Literal["history", "dictionary", "number"]


@dataclass(frozen=True)
class Returned:
    """The return value of a user's own `fit`.

    Attributes:
        kind: `history`, `dictionary` or `number`; a list is a number.
        value: Objective; None for a History without it.
        epochs: Metrics by name: those of each epoch of a History; else a single record with the objective.
    """

    kind: Kind
    value: float | None
    epochs: Sequence[Mapping[str, float]]


def read_returned(result: Any, objective: str, direction: str, source: str) -> Returned:
    """Read the return value of a user's own `fit`.

    Args:
        result: Return value.
        objective: Name of the objective.
        direction: ``max`` or ``min``: which epoch of a History is the best one.
        source: Name of the `fit`, for messages.

    Raises:
        ConfigError: The value is of another kind, or a dictionary lacks the objective.
        TrialFailed: The objective is NaN or infinite, also in any epoch of a History.

    Example:
        >>> read_returned({"val_f1": 0.5, "val_loss": 2}, "val_f1", "max", "Own.fit").value
        0.5
        >>> read_returned([0.25, 0.75], "default_objective", "min", "Own.fit").value
        0.5
    """
    if isinstance(result, list) and result:
        parts = [read_returned(part, objective, direction, source).value for part in result]
        values = [value for value in parts if value is not None]
        if len(values) < len(parts):
            raise ConfigError(f"objective: {source} returns a History without {objective!r}")
        return _number(statistics.fmean(values), objective, source)
    kind = kind_of(result, source)
    if kind == "number":
        return _number(float(result), objective, source)
    if kind == "dictionary":
        metrics = _numbers(result)
        if objective not in metrics:
            near = suggest(objective, metrics)
            raise ConfigError(f"objective: {source} returns a dictionary without {objective!r}; {near}")
        return Returned(kind, _finite(metrics[objective], objective, source), [metrics])
    epochs = _epochs_of(result.history)
    values = [_finite(epoch[objective], objective, source) for epoch in epochs if objective in epoch]
    return Returned(kind, (max if direction == "max" else min)(values, default=None), epochs)


def kind_of(result: Any, source: str) -> Kind:
    """Kind of a return value.

    Args:
        result: Return value of a user's own `fit`.
        source: Name of the `fit`, for the message.

    Raises:
        ConfigError: It is neither a number, a dictionary, a History nor a list of these.
    """
    if isinstance(result, Mapping):
        return "dictionary"
    if isinstance(getattr(result, "history", None), Mapping):
        return "history"
    if isinstance(result, list) and result:
        for part in result:
            kind_of(part, source)
        return "number"
    if _is_number(result):
        return "number"
    rule = "must return the History of model.fit, the objective as a number, or a dictionary of metrics"
    received = "None; is a return statement missing?" if result is None else f"a value of type {type(result).__name__}"
    raise ConfigError(f"model._target_: {source} {rule}; it returned {received}")


def _is_number(value: Any) -> bool:
    """Whether a value is a number, an array or a tensor with a single value and no axis."""
    if isinstance(value, str | bytes):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return getattr(value, "shape", ()) == ()


def _number(value: float, objective: str, source: str) -> Returned:
    return Returned("number", _finite(value, objective, source), [{objective: value}])


def _numbers(metrics: Mapping[Any, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in metrics.items() if _is_number(value)}


def _epochs_of(history: Mapping[str, Sequence[Any]]) -> list[dict[str, float]]:
    """Metrics of each epoch."""
    count = max((len(values) for values in history.values()), default=0)
    return [
        _numbers({name: values[index] for name, values in history.items() if index < len(values)})
        for index in range(count)
    ]


def _finite(value: float, objective: str, source: str) -> float:
    if not math.isfinite(value):
        raise TrialFailed(f"{objective} became {value}: {source} returned it")
    return value
