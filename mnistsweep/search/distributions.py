"""Translation between dimensions and Optuna's distributions, and between their values."""

from __future__ import annotations

import itertools
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from mnistsweep.dimensions import Choice, Dimension, Float, Int
from mnistsweep.json_values import exact_text


def to_distribution(dimension: Dimension) -> BaseDistribution:
    """Return a dimension as Optuna's distribution.

    Numeric choices keep their order: evenly spaced integers become a range with a step, other numbers become their
    positions 0, 1, 2, ... The ledger keeps the values themselves in the trial's attribute `point`.
    """
    if isinstance(dimension, Float):
        return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    if isinstance(dimension, Int):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    step = _even_step(dimension)
    if step is not None:
        return IntDistribution(dimension.values[0], dimension.values[-1], step=step)
    if dimension.is_ordered:
        return IntDistribution(0, len(dimension.values) - 1)
    return CategoricalDistribution(_labels(dimension))


def encode(dimension: Dimension, distribution: BaseDistribution, value: Any) -> Any:
    """Return a value of a dimension as Optuna stores it.

    Args:
        dimension: Dimension of the value.
        distribution: The dimension's distribution, from `to_distribution`.
        value: Value that the dimension contains.
    """
    if not isinstance(dimension, Choice):
        return value
    if _even_step(dimension) is not None:
        return value
    position = dimension.position(value)
    return _labels(dimension)[position] if isinstance(distribution, CategoricalDistribution) else position


def decode(dimension: Dimension, distribution: BaseDistribution, raw: Any) -> Any:
    """Return the value of a dimension for a value that Optuna proposes; the inverse of `encode`."""
    if isinstance(dimension, Float):
        return float(raw)
    if isinstance(dimension, Int) or _even_step(dimension) is not None:
        return int(raw)
    if isinstance(distribution, CategoricalDistribution):
        return dimension.values[_labels(dimension).index(raw)]
    return dimension.values[int(raw)]


def number_at(distribution: BaseDistribution, unit: float) -> float | int:
    """Return the number of a numeric distribution at a position in [0, 1], as Optuna stores it."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(distribution, FloatDistribution):
        return float(Float("", distribution.low, distribution.high, distribution.log).value_at(unit))
    if distribution.log:
        return int(Int("", distribution.low, distribution.high, log=True).value_at(unit))
    num_steps = (distribution.high - distribution.low) // distribution.step
    return distribution.low + distribution.step * int(Int("", 0, num_steps).value_at(unit))


def _even_step(choice: Choice) -> int | None:
    """Return the distance between the values of a choice of evenly spaced integers; None for any other choice."""
    values = choice.values
    if len(values) < 2 or not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        return None
    steps = {b - a for a, b in itertools.pairwise(values)}
    return int(steps.pop()) if len(steps) == 1 else None


def _labels(choice: Choice) -> list[bool | int | float | str | None]:
    """Return the values of a choice as Optuna's categories: each itself if Optuna can store it, otherwise its JSON.

    If two of these would be equal for Optuna (True == 1), all become JSON.
    """
    plain = [v if v is None or isinstance(v, bool | int | float | str) else exact_text(v) for v in choice.values]
    return plain if len(set(plain)) == len(plain) else [exact_text(value) for value in choice.values]
