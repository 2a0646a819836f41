"""Dimensions as Optuna's distributions, and values as Optuna keeps them."""

from __future__ import annotations

import itertools
import json
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from mnistsweep.space import Choice, Dimension, Float, Int


def distribution(dimension: Dimension) -> BaseDistribution:
    """A dimension as Optuna's distribution.

    Numeric choices keep their order: evenly spaced integers as a range with a step, others as positions 0, 1, 2, ...
    (the values themselves stand beside them in the ledger, in the trial's `point`).
    """
    if isinstance(dimension, Float):
        return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    if isinstance(dimension, Int):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    step = _even_step(dimension)
    if step is not None:
        return IntDistribution(dimension.values[0], dimension.values[-1], step=step)
    if dimension.ordered:
        return IntDistribution(0, len(dimension.values) - 1)
    return CategoricalDistribution(_labels(dimension))


def encode(dimension: Dimension, shape: BaseDistribution, value: Any) -> Any:
    """A value as Optuna stores it."""
    if not isinstance(dimension, Choice):
        return value
    if _even_step(dimension) is not None:
        return value
    position = dimension.position(value)
    return _labels(dimension)[position] if isinstance(shape, CategoricalDistribution) else position


def decode(dimension: Dimension, shape: BaseDistribution, raw: Any) -> Any:
    """What Optuna proposes, as a value of the dimension."""
    if isinstance(dimension, Float):
        return float(raw)
    if isinstance(dimension, Int) or _even_step(dimension) is not None:
        return int(raw)
    if isinstance(shape, CategoricalDistribution):
        return dimension.values[_labels(dimension).index(raw)]
    return dimension.values[int(raw)]


def at(shape: BaseDistribution, unit: float) -> float | int:
    """What Optuna keeps of the number at a position in [0, 1]."""
    assert isinstance(shape, FloatDistribution | IntDistribution)
    if isinstance(shape, FloatDistribution):
        return float(Float("", shape.low, shape.high, shape.log).value(unit))
    if shape.log:
        return int(Int("", shape.low, shape.high, log=True).value(unit))
    return shape.low + shape.step * int(Int("", 0, (shape.high - shape.low) // shape.step).value(unit))


def _even_step(choice: Choice) -> int | None:
    """The distance between the values of a choice of evenly spaced integers."""
    values = choice.values
    if len(values) < 2 or not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        return None
    steps = {b - a for a, b in itertools.pairwise(values)}
    return int(steps.pop()) if len(steps) == 1 else None


def _labels(choice: Choice) -> list[bool | int | float | str | None]:
    """What Optuna keeps of the values of a choice: itself where it can be kept, else its JSON."""
    plain = [v if v is None or isinstance(v, bool | int | float | str) else json.dumps(v) for v in choice.values]
    return plain if len(set(plain)) == len(plain) else [json.dumps(value) for value in choice.values]  # True == 1
