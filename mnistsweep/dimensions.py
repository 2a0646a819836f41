"""The dimensions of a search space: a swept key, its values, and the conditions under which it is active.

There are three kinds of dimension with one key: `Choice` (listed values), `Int` and `Float` (an interval that includes
both bounds, with a uniform or a logarithmic distribution). A `Zip` varies several keys together. A dimension with
conditions is active only where all of them hold:
``optimizer.momentum`` is active only with ``optimizer=sgd``. This module does not depend on Hydra, Optuna or
KerasTuner; `config`, `search` and `tuner` translate dimensions into their terms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mnistsweep.conditions import Condition
from mnistsweep.dimension_values import Value, canonical_value, contains_nan, identity, value_text
from mnistsweep.errors import SpaceError
from mnistsweep.intervals import check_bounds, check_whole, number_at
from mnistsweep.zips import Zip

__all__ = [
    "Choice",
    "Column",
    "Condition",
    "Dimension",
    "Float",
    "Int",
    "Value",
    "Zip",
    "canonical_value",
    "identity",
    "is_active",
    "summary",
]

# Number of values that messages and tables show of a choice with more values.
MAX_SHOWN = 20


class OneKey:
    """What all dimensions with a single key have in common; `Zip` has the same attributes and methods."""

    key: str

    @property
    def name(self) -> str:
        """Name of the dimension: its key."""
        return self.key

    @property
    def keys(self) -> tuple[str, ...]:
        """The key of the dimension."""
        return (self.key,)

    def entries(self, value: Value) -> dict[str, Value]:
        """Return a value as a part of a point."""
        return {self.key: value}

    def value_in(self, point: Mapping[str, Value]) -> Value:
        """Return the value of this dimension at a point where it is active."""
        return point[self.key]


@dataclass(frozen=True)
class Choice(OneKey):
    """A dimension with listed values. Numbers are sorted, so that 64 is between 32 and 128.

    Attributes:
        key: Configuration key that the dimension varies.
        values: Listed values; each value once.
        conditions: Conditions under which the dimension is active; empty: always.

    Raises:
        SpaceError: There is no value, a value is NaN, a whole number is too large, or a value is listed twice.
    """

    key: str
    values: tuple[Value, ...]
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        if not self.values:
            raise SpaceError(f"{self.key}: a choice needs at least one value, received none; list one or more.")
        if any(map(contains_nan, self.values)):
            raise SpaceError(f"{self.key}: NaN cannot be a value of a choice, received {summary(self)}; remove it.")
        for value in self.values:
            if isinstance(value, int):
                check_whole(self.key, value, str(value))
        counts = Counter(map(identity, self.values))
        if len(counts) < len(self.values):
            repeated = next(value for value in self.values if counts[identity(value)] > 1)
            raise SpaceError(
                f"{self.key}: a choice lists each value once, received {value_text(repeated)} more than once."
            )
        if self.is_ordered and list(self.values) != sorted(self.values):
            object.__setattr__(self, "values", tuple(sorted(self.values)))

    @cached_property
    def is_ordered(self) -> bool:
        """Whether all values are numbers (booleans are not)."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)

    @cached_property
    def _positions(self) -> dict[Hashable, int]:
        return {identity(value): position for position, value in enumerate(self.values)}

    @property
    def size(self) -> int | None:
        """Number of values."""
        return len(self.values)

    def grid(self) -> Sequence[Value]:
        """Return all values."""
        return self.values

    def value_at(self, unit: float) -> Value:
        """Return the value at a position in [0, 1); each value covers the same length."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def contains(self, value: Value) -> bool:
        """Return whether a value is listed (64 and 64.0 are the same value, True and 1 are not)."""
        return identity(value) in self._positions

    def cast(self, value: Value) -> Value:
        """Return a value that `contains` accepts in the type in which it is listed."""
        return self.values[self.position(value)]

    def position(self, value: Value) -> int:
        """Return the index of a value.

        Raises:
            SpaceError: The value is not one of the choice.
        """
        position = self._positions.get(identity(value))
        if position is None:
            raise SpaceError(f"{self.key}: must be one of {summary(self)}; received {value!r}.")
        return position

    def describe(self) -> str:
        """Return the dimension in Hydra's override grammar."""
        return f"choice({', '.join(value_text(value) for value in self.values)})"


@dataclass(frozen=True)
class Int(OneKey):
    """An integer between two bounds, both included.

    Attributes:
        key: Configuration key that the dimension varies.
        low: Smallest value.
        high: Largest value.
        log: Whether values are drawn uniformly on a logarithmic scale; needs a `low` above zero.
        conditions: Conditions under which the dimension is active; empty: always.

    Raises:
        SpaceError: A bound is too large, the bounds are in the wrong order, or `log` with a `low` of zero or less.
    """

    key: str
    low: int
    high: int
    log: bool = False
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        check_bounds(self.key, self.low, self.high, self.log)
        for bound in (self.low, self.high):
            check_whole(self.key, bound, self.describe())

    @property
    def size(self) -> int | None:
        """Number of values."""
        return self.high - self.low + 1

    def grid(self) -> Sequence[Value]:
        """Return all values in ascending order."""
        return range(self.low, self.high + 1)

    def value_at(self, unit: float) -> Value:
        """Return the value at a position in [0, 1).

        Each integer n covers the interval from n - 0.5 to n + 0.5 (of its logarithm, if `log`).
        """
        raw = number_at(self.low - 0.5, self.high + 0.5, self.log, unit)
        return min(max(round(raw), self.low), self.high)

    def contains(self, value: Value) -> bool:
        """Return whether a value is an integer within the bounds."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def cast(self, value: Value) -> Value:
        """Return a value that `contains` accepts as an `int`."""
        return int(value)

    def describe(self) -> str:
        """Return the dimension in Hydra's override grammar."""
        inner = f"interval({self.low}, {self.high})"
        return f"int(tag(log, {inner}))" if self.log else f"int({inner})"


@dataclass(frozen=True)
class Float(OneKey):
    """A real number between two bounds, both included.

    Attributes:
        key: Configuration key that the dimension varies.
        low: Smallest value.
        high: Largest value.
        log: Whether values are drawn uniformly on a logarithmic scale; needs a `low` above zero.
        conditions: Conditions under which the dimension is active; empty: always.

    Raises:
        SpaceError: A bound is not finite, the bounds are in the wrong order, or `log` with a `low` of zero or less.
    """

    key: str
    low: float
    high: float
    log: bool = False
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        check_bounds(self.key, self.low, self.high, self.log)
        for name in ("low", "high"):
            object.__setattr__(self, name, float(getattr(self, name)) + 0.0)  # -0.0 becomes 0.0

    @property
    def size(self) -> int | None:
        """Number of values: 1 if the bounds are equal, otherwise None (infinitely many)."""
        return 1 if self.low == self.high else None

    def grid(self) -> Sequence[Value]:
        """Return the only value of an interval with equal bounds.

        Raises:
            SpaceError: The bounds differ, so the values cannot be listed.
        """
        if self.low == self.high:
            return (self.low,)
        low, high = value_text(self.low), value_text(self.high)
        raise SpaceError(
            f"{self.key}: a grid needs listed values, received {self.describe()}; write choice({low}, {high}) or "
            f"range({low}, {high}, STEP), or use another oracle."
        )

    def value_at(self, unit: float) -> Value:
        """Return the value at a position in [0, 1)."""
        raw = number_at(self.low, self.high, self.log, unit)
        return float(min(max(raw, self.low), self.high))

    def contains(self, value: Value) -> bool:
        """Return whether a value is a number within the bounds."""
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def cast(self, value: Value) -> Value:
        """Return a value that `contains` accepts as a `float`."""
        return float(value)

    def describe(self) -> str:
        """Return the dimension in Hydra's override grammar."""
        inner = f"interval({value_text(self.low)}, {value_text(self.high)})"
        return f"tag(log, {inner})" if self.log else inner


Column = Choice | Int | Float
"""Dimension with one key: a column of a table."""

Dimension = Column | Zip


def is_active(dimension: Dimension, point: Mapping[str, Value]) -> bool:
    """Return whether all conditions of a dimension hold at a point."""
    return all(condition.holds(point) for condition in dimension.conditions)


def summary(dimension: Dimension) -> str:
    """Return a dimension in Hydra's override grammar; of a choice of many values, their number and some of them."""
    if isinstance(dimension, Zip):
        shown = replace(dimension, values=dimension.values[:MAX_SHOWN]).describe()
        return shown if len(dimension.values) <= MAX_SHOWN else f"{shown} and {len(dimension.values) - MAX_SHOWN} more"
    if not isinstance(dimension, Choice) or len(dimension.values) <= MAX_SHOWN:
        return dimension.describe()
    first, last = ", ".join(map(value_text, dimension.values[:3])), value_text(dimension.values[-1])
    return f"choice({first}, ..., {last}) of {len(dimension.values):,} values"
