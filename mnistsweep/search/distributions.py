"""Translation between dimensions and Optuna's distributions, and between their values.

A dimension has two encodings. `searched` is what samplers and importances calculate with. `stored` is what the ledger
keeps with each trial; it differs where the searched one would be long or has other numbers than the user's. A zip is
searched as one category, and stored as one entry for each of its keys. The ledger keeps the values themselves in the
trial's attribute `point`, so each encoding can be derived from a stored trial.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from mnistsweep import intervals
from mnistsweep.dimensions import Choice, Column, Dimension, Float, Int, Zip
from mnistsweep.json_values import exact_text

# The ledger keeps the categories of a choice with each trial. Of a choice with more values it keeps the positions.
MAX_STORED_CATEGORIES = 1000


@dataclass(frozen=True)
class Encoding:
    """A dimension as one of Optuna's distributions.

    Attributes:
        dimension: Dimension of the search space.
        distribution: Distribution of the encoded values.
    """

    dimension: Dimension
    distribution: BaseDistribution

    @cached_property
    def _labels(self) -> list[bool | int | float | str | None]:
        return _labels(self.dimension) if isinstance(self.dimension, Choice) else []

    @cached_property
    def _label_positions(self) -> dict[Any, int]:
        return {label: position for position, label in enumerate(self._labels)}

    @cached_property
    def _is_direct(self) -> bool:
        """Whether the encoded number is the value itself."""
        dimension, distribution = self.dimension, self.distribution
        if isinstance(distribution, CategoricalDistribution) or isinstance(dimension, Zip):
            return False
        assert isinstance(distribution, FloatDistribution | IntDistribution)
        bounds = (distribution.low, distribution.high)
        if isinstance(dimension, Choice):
            return _even_step(dimension) is not None and bounds == (dimension.values[0], dimension.values[-1])
        return bounds == (dimension.low, dimension.high)

    def encode(self, value: Any) -> Any:
        """Return a value of the dimension as Optuna stores it."""
        dimension = self.dimension
        if self._is_direct:
            return value
        if isinstance(dimension, Zip):
            return dimension.position(value)
        if not isinstance(dimension, Choice):
            return intervals.unit_at(dimension.low, dimension.high, dimension.log, value)
        position = dimension.position(value)
        return self._labels[position] if isinstance(self.distribution, CategoricalDistribution) else position

    def decode(self, raw: Any) -> Any:
        """Return the value of the dimension for a value that Optuna proposes; the inverse of `encode`."""
        dimension = self.dimension
        if self._is_direct:
            return float(raw) if isinstance(dimension, Float) else int(raw)
        if isinstance(dimension, Zip):
            return dimension.values[int(raw)]
        if not isinstance(dimension, Choice):
            return dimension.value_at(float(raw))
        if isinstance(self.distribution, CategoricalDistribution):
            return dimension.values[self._label_positions[raw]]
        return dimension.values[int(raw)]


def searched(dimension: Dimension) -> Encoding:
    """Return the encoding of a dimension for samplers and importances.

    Numbers for which Optuna's arithmetic would overflow or lose all digits become positions: from 0 to 1 in an
    interval, 0, 1, 2, ... in a choice. The combinations of a zip are categories, named by their positions.
    """
    if isinstance(dimension, Zip):
        return Encoding(dimension, CategoricalDistribution(tuple(range(len(dimension.values)))))
    if isinstance(dimension, Choice):
        if dimension.is_ordered and max(map(abs, dimension.values)) > intervals.MAX_ORDINARY_WHOLE:
            return Encoding(dimension, _positions(dimension))
        return Encoding(dimension, _choice(dimension))
    return Encoding(dimension, _interval(dimension) if _is_ordinary(dimension) else FloatDistribution(0.0, 1.0))


def stored(dimension: Column) -> Encoding:
    """Return the encoding of a dimension in the ledger."""
    if not isinstance(dimension, Choice):
        return Encoding(dimension, _interval(dimension))
    if not dimension.is_ordered and len(dimension.values) > MAX_STORED_CATEGORIES:
        return Encoding(dimension, _positions(dimension))
    return Encoding(dimension, _choice(dimension))


def number_at(distribution: BaseDistribution, unit: float) -> float | int:
    """Return the number of a numeric distribution at a position in [0, 1], as Optuna stores it."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(distribution, FloatDistribution):
        return float(Float("", distribution.low, distribution.high, distribution.log).value_at(unit))
    if distribution.log:
        return int(Int("", distribution.low, distribution.high, log=True).value_at(unit))
    num_steps = (distribution.high - distribution.low) // distribution.step
    return distribution.low + distribution.step * int(Int("", 0, num_steps).value_at(unit))


def unit_of(distribution: BaseDistribution, number: float) -> float:
    """Return the position in [0, 1] of a number of a numeric distribution; the inverse of `number_at`."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(distribution, FloatDistribution):
        return intervals.unit_at(distribution.low, distribution.high, distribution.log, number)
    if distribution.log:
        return intervals.unit_at(distribution.low - 0.5, distribution.high + 0.5, True, number)
    num_steps = (distribution.high - distribution.low) // distribution.step
    return intervals.unit_at(-0.5, num_steps + 0.5, False, (number - distribution.low) // distribution.step)


def _is_ordinary(dimension: Int | Float) -> bool:
    if isinstance(dimension, Int):
        return max(abs(dimension.low), abs(dimension.high)) <= intervals.MAX_ORDINARY_WHOLE
    return intervals.is_ordinary(dimension.low, dimension.high, dimension.log)


def _interval(dimension: Int | Float) -> BaseDistribution:
    kind = IntDistribution if isinstance(dimension, Int) else FloatDistribution
    return kind(dimension.low, dimension.high, log=dimension.log)  # type: ignore[arg-type]


def _choice(choice: Choice) -> BaseDistribution:
    """Return a choice as a distribution that keeps the order of numbers.

    Evenly spaced integers become a range with a step, other numbers become their positions 0, 1, 2, ...
    """
    step = _even_step(choice)
    if step is not None:
        return IntDistribution(choice.values[0], choice.values[-1], step=step)
    return _positions(choice) if choice.is_ordered else CategoricalDistribution(_labels(choice))


def _positions(choice: Choice) -> IntDistribution:
    return IntDistribution(0, len(choice.values) - 1)


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
