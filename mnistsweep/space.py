"""The search space: what may vary, between which bounds, under which condition.

A `Dimension` is one swept key. There are three kinds: `Choice` (listed values), `Int` and `Float` (bounds, both
included, uniform or logarithmic). A dimension with conditions exists only where all of them hold, as
``optimizer.momentum`` does only with ``optimizer=sgd``. A *point* is a dictionary from the key of each active dimension
to its value. Nothing here knows Hydra, Optuna or KerasTuner: their rooms translate.

Example:
    >>> space = SearchSpace((Choice("optimizer", ("adam", "sgd")),
    ...                      Float("optimizer.momentum", 0.0, 0.9, conditions=(Condition("optimizer", ("sgd",)),))))
    >>> space.point([0.1, 0.5])
    {'optimizer': 'adam'}
    >>> space.point([0.9, 0.5])
    {'optimizer': 'sgd', 'optimizer.momentum': 0.45}
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from mnistsweep.errors import SpaceError

Value = Any
Point = dict[str, Value]

# Above so many points a space of integers is searched as if it were continuous: nobody means to try them all.
LARGEST_GRID = 1_000_000


@dataclass(frozen=True)
class Condition:
    """A dimension exists only where the dimension `key` has one of `values`."""

    key: str
    values: tuple[Value, ...]

    def holds(self, point: Mapping[str, Value]) -> bool:
        """Whether the condition is met at a point (an inactive parent never meets it)."""
        return self.key in point and any(_same(point[self.key], value) for value in self.values)


@dataclass(frozen=True)
class Choice:
    """A dimension with listed values; numbers keep their order, so that 64 lies between 32 and 128."""

    key: str
    values: tuple[Value, ...]
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        if not self.values:
            raise SpaceError(f"{self.key}: a choice needs at least one value, received none.")
        if any(isinstance(value, float) and math.isnan(value) for value in self.values):
            raise SpaceError(f"{self.key}: NaN is no value that could be chosen, received {self.describe()}.")
        counts = Counter(canonical({self.key: value}) for value in self.values)
        twice = [value for value in self.values if counts[canonical({self.key: value})] > 1]
        if twice:
            raise SpaceError(f"{self.key}: each value of a choice is listed once, received {_word(twice[0])} again.")
        if self.ordered and list(self.values) != sorted(self.values):
            object.__setattr__(self, "values", tuple(sorted(self.values)))

    @property
    def ordered(self) -> bool:
        """Whether the values are numbers (booleans are not)."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)

    @property
    def size(self) -> int | None:
        """How many values there are."""
        return len(self.values)

    def grid(self) -> Sequence[Value]:
        """All values."""
        return self.values

    def value(self, unit: float) -> Value:
        """The value at a position in [0, 1)."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def contains(self, value: Value) -> bool:
        """Whether a value is one of those listed (64 and 64.0 are one, True and 1 are two)."""
        return any(_same(value, known) for known in self.values)

    def cast(self, value: Value) -> Value:
        """A value that `contains` accepts, as it is listed."""
        return self.values[self.position(value)]

    def position(self, value: Value) -> int:
        """Where a value that `contains` accepts is listed."""
        return next(position for position, known in enumerate(self.values) if _same(value, known))

    def describe(self) -> str:
        """The dimension in the words of the override grammar."""
        return f"choice({', '.join(_word(value) for value in self.values)})"


@dataclass(frozen=True)
class Int:
    """An integer between two bounds, both included."""

    key: str
    low: int
    high: int
    log: bool = False
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        _check_bounds(self.key, self.low, self.high, self.log)

    @property
    def size(self) -> int | None:
        """How many values there are."""
        return self.high - self.low + 1

    def grid(self) -> Sequence[Value]:
        """All values, in order."""
        return range(self.low, self.high + 1)

    def value(self, unit: float) -> Value:
        """The value at a position in [0, 1); each integer has the same share (of the logarithm, if `log`)."""
        low, high = self.low - 0.5, self.high + 0.5
        raw = low * (high / low) ** unit if self.log else low + unit * (high - low)
        return min(max(round(raw), self.low), self.high)

    def contains(self, value: Value) -> bool:
        """Whether a value is an integer within the bounds."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def cast(self, value: Value) -> Value:
        """A value that `contains` accepts, as an integer."""
        return int(value)

    def describe(self) -> str:
        """The dimension in the words of the override grammar."""
        inner = f"interval({self.low}, {self.high})"
        return f"int(tag(log, {inner}))" if self.log else f"int({inner})"


@dataclass(frozen=True)
class Float:
    """A real number between two bounds, both included."""

    key: str
    low: float
    high: float
    log: bool = False
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        _check_bounds(self.key, self.low, self.high, self.log)

    @property
    def size(self) -> int | None:
        """None: infinitely many, unless the bounds are equal."""
        return 1 if self.low == self.high else None

    def grid(self) -> Sequence[Value]:
        """The only value of an interval of no length; otherwise an error."""
        if self.low == self.high:
            return (self.low,)
        low, high = _word(self.low), _word(self.high)
        raise SpaceError(
            f"{self.key}: a grid needs listed values, received {self.describe()}; write choice({low}, {high}) or "
            f"range({low}, {high}, STEP), or take another oracle."
        )

    def value(self, unit: float) -> Value:
        """The value at a position in [0, 1)."""
        raw = self.low * (self.high / self.low) ** unit if self.log else self.low + unit * (self.high - self.low)
        return float(min(max(raw, self.low), self.high))

    def contains(self, value: Value) -> bool:
        """Whether a value is a number within the bounds."""
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def cast(self, value: Value) -> Value:
        """A value that `contains` accepts, as a real number."""
        return float(value)

    def describe(self) -> str:
        """The dimension in the words of the override grammar."""
        inner = f"interval({_word(self.low)}, {_word(self.high)})"
        return f"tag(log, {inner})" if self.log else inner


Dimension = Choice | Int | Float
KINDS: dict[str, type[Choice] | type[Int] | type[Float]] = {"choice": Choice, "int": Int, "float": Float}


def _check_bounds(key: str, low: float, high: float, log: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise SpaceError(f"{key}: the bounds of an interval are finite numbers, received {low} and {high}.")
    if low > high:
        raise SpaceError(f"{key}: the lower bound comes first, received {low} > {high}; write interval({high}, {low}).")
    if log and low <= 0:
        raise SpaceError(f"{key}: a logarithmic interval starts above zero, received {low}.")


@dataclass(frozen=True)
class SearchSpace:
    """All dimensions of a sweep, each after those that its conditions name.

    Args:
        dimensions: In any order; they are put in order here.

    Raises:
        SpaceError: Two dimensions with one key, a condition on an unknown dimension or in a circle.
    """

    dimensions: tuple[Dimension, ...]

    def __post_init__(self) -> None:
        keys = [dimension.key for dimension in self.dimensions]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise SpaceError(f"{twice[0]}: a dimension is declared once, received {keys.count(twice[0])} declarations.")
        object.__setattr__(self, "dimensions", _in_order(self.dimensions))

    @property
    def keys(self) -> tuple[str, ...]:
        """The key of each dimension, in order."""
        return tuple(dimension.key for dimension in self.dimensions)

    def __getitem__(self, key: str) -> Dimension:
        for dimension in self.dimensions:
            if dimension.key == key:
                return dimension
        raise KeyError(key)

    def point(self, units: Sequence[float]) -> Point:
        """The point at a position of the unit cube, one coordinate a dimension; inactive dimensions are left out."""
        point: Point = {}
        for dimension, unit in zip(self.dimensions, units, strict=True):
            if is_active(dimension, point):
                point[dimension.key] = dimension.value(unit)
        return point

    def size(self) -> int | None:
        """How many points there are; None if infinitely many, or more than anybody would try."""
        return self._size

    @cached_property
    def _size(self) -> int | None:
        parents = {condition.key for dimension in self.dimensions for condition in dimension.conditions}
        sizes = [dimension.size for dimension in self.dimensions if dimension.key in parents]
        if any(dimension.size is None for dimension in self.dimensions):
            return None
        if math.prod(size or 1 for size in sizes) > LARGEST_GRID:
            return None
        count = self._count(0, {}, parents)
        return count if count <= LARGEST_GRID else None

    def _count(self, index: int, point: Point, parents: set[str]) -> int:
        """How many points continue one that is decided up to a dimension; only what others depend on is tried out."""
        if index == len(self.dimensions):
            return 1
        dimension = self.dimensions[index]
        if not is_active(dimension, point):
            return self._count(index + 1, point, parents)
        if dimension.key not in parents:
            return (dimension.size or 1) * self._count(index + 1, point, parents)
        return sum(self._count(index + 1, {**point, dimension.key: value}, parents) for value in dimension.grid())

    def grid(self) -> Iterator[Point]:
        """Every point once, the last dimension varying fastest.

        Raises:
            SpaceError: A dimension is an interval of real numbers.
        """
        axes = [dimension.grid() for dimension in self.dimensions]
        return self._continued(axes, {})

    def _continued(self, axes: Sequence[Sequence[Value]], point: Point) -> Iterator[Point]:
        """Every point that continues one which is decided for all but the last `axes`."""
        if not axes:
            yield point
            return
        dimension = self.dimensions[-len(axes)]
        if not is_active(dimension, point):
            yield from self._continued(axes[1:], point)
            return
        for value in axes[0]:
            yield from self._continued(axes[1:], {**point, dimension.key: value})

    def to_json(self) -> list[dict[str, Any]]:
        """The space as plain lists and dictionaries, for `sweep.yaml` and to compare two spaces."""
        names = {kind: name for name, kind in KINDS.items()}
        return json.loads(json.dumps([{"kind": names[type(d)], **asdict(d)} for d in self.dimensions]))  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, records: Sequence[Mapping[str, Any]]) -> SearchSpace:
        """Read what `to_json` wrote."""
        return cls(tuple(_dimension(dict(record)) for record in records))


def is_active(dimension: Dimension, point: Mapping[str, Value]) -> bool:
    """Whether a dimension exists at a point."""
    return all(condition.holds(point) for condition in dimension.conditions)


def canonical(point: Mapping[str, Value]) -> str:
    """One text for one point: the same whatever the order of keys, and 64 the same as 64.0.

    Example:
        >>> canonical({"b": 64.0, "a": "x"}) == canonical({"a": "x", "b": 64})
        True
    """
    numbers = {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in point.items()}
    return json.dumps(numbers, sort_keys=True)


def _same(one: Value, other: Value) -> bool:
    """Whether two values are one: 64 and 64.0 are, True and 1 are not."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _word(value: Value) -> str:
    """A value as the override grammar has it; a number in few digits where they say it all."""
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def _dimension(record: dict[str, Any]) -> Dimension:
    kind = KINDS[record.pop("kind")]
    conditions = tuple(Condition(c["key"], tuple(c["values"])) for c in record.pop("conditions"))
    if kind is Choice:
        record["values"] = tuple(record["values"])
    return kind(**record, conditions=conditions)


def _in_order(dimensions: Sequence[Dimension]) -> tuple[Dimension, ...]:
    waiting, ordered = list(dimensions), list[Dimension]()
    known = {dimension.key for dimension in dimensions}
    while waiting:
        done = {dimension.key for dimension in ordered}
        ready = [d for d in waiting if all(c.key in done for c in d.conditions)]
        if not ready:
            first = waiting[0]
            missing = [c.key for c in first.conditions if c.key not in known]
            rule = (
                f"its condition names {missing[0]!r}, which is not swept"
                if missing
                else "its conditions run in a circle"
            )
            raise SpaceError(f"{first.key}: {rule}. Swept: {', '.join(sorted(known))}.")
        ordered += ready[:1]
        waiting.remove(ready[0])
    return tuple(ordered)
