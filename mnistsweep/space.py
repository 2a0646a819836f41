"""The search space of a sweep, and the points in it.

A *point* is a dictionary from the key of each active dimension to its value; a dimension of several keys (`Zip`) has an
entry for each. The order of the dimensions is such that each stands after the dimensions that its conditions name, so a
point is built from left to right.

Example:
    >>> from mnistsweep.dimensions import Choice, Condition, Float
    >>> space = SearchSpace((Choice("optimizer", ("adam", "sgd")),
    ...                      Float("optimizer.momentum", 0.0, 0.9, conditions=(Condition("optimizer", ("sgd",)),))))
    >>> space.point_at([0.1, 0.5])
    {'optimizer': 'adam'}
    >>> space.point_at([0.9, 0.5])
    {'optimizer': 'sgd', 'optimizer.momentum': 0.45}
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from mnistsweep.dimension_values import different_values
from mnistsweep.dimensions import (
    Choice,
    Column,
    Condition,
    Dimension,
    Float,
    Int,
    Value,
    Zip,
    canonical_value,
    is_active,
)
from mnistsweep.errors import SpaceError
from mnistsweep.json_values import exact_text, from_json, to_json

Point = dict[str, Value]

# A finite space with more points than this counts as infinite: no sweep tries all of them.
MAX_GRID_SIZE = 1_000_000

# The name of each kind of dimension in `sweep.yaml`.
_KINDS: dict[str, type[Choice] | type[Int] | type[Float] | type[Zip]] = {
    "choice": Choice,
    "int": Int,
    "float": Float,
    "zip": Zip,
}


@dataclass(frozen=True)
class SearchSpace:
    """All dimensions of a sweep, each after the dimensions that its conditions name.

    Args:
        dimensions: Dimensions in any order; the constructor sorts them.

    Raises:
        SpaceError: Two dimensions have the same key, or a condition names an unknown dimension or is part of a cycle.
    """

    dimensions: tuple[Dimension, ...]

    def __post_init__(self) -> None:
        keys = list(self.keys)
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        if repeated:
            count = keys.count(repeated[0])
            raise SpaceError(f"{repeated[0]}: a dimension is declared once, received {count} declarations.")
        object.__setattr__(self, "dimensions", _sort_by_conditions(self.dimensions))

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the dimensions, in order; a zip has several."""
        return tuple(key for dimension in self.dimensions for key in dimension.keys)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """One dimension for each key, for tables: each key of a zip is a choice of its own."""
        return tuple(column for dimension in self.dimensions for column in _columns_of(dimension))

    def __getitem__(self, key: str) -> Column:
        for column in self.columns:
            if column.key == key:
                return column
        raise KeyError(key)

    def index_of(self, key: str) -> int:
        """Return the index of the dimension that varies a key.

        Raises:
            KeyError: The key is not swept.
        """
        for index, dimension in enumerate(self.dimensions):
            if key in dimension.keys:
                return index
        raise KeyError(key)

    def point_at(self, units: Sequence[float]) -> Point:
        """Return the point at a position in the unit cube.

        Args:
            units: Coordinates in [0, 1), one for each dimension. The coordinate of an inactive dimension is ignored.
        """
        point: Point = {}
        for dimension, unit in zip(self.dimensions, units, strict=True):
            if is_active(dimension, point):
                point |= dimension.entries(dimension.value_at(unit))
        return point

    def size(self) -> int | None:
        """Return the number of points; None if it is infinite or larger than `MAX_GRID_SIZE`."""
        return self._size

    @cached_property
    def _size(self) -> int | None:
        parents = {condition.key for dimension in self.dimensions for condition in dimension.conditions}
        sizes = [dimension.size for dimension in self.dimensions if not parents.isdisjoint(dimension.keys)]
        if any(dimension.size is None for dimension in self.dimensions):
            return None
        if math.prod(size or 1 for size in sizes) > MAX_GRID_SIZE:
            return None
        count = self._count_completions(0, {}, parents)
        return count if count <= MAX_GRID_SIZE else None

    def _count_completions(self, index: int, point: Point, parents: set[str]) -> int:
        """Return how many points start with a partial point.

        Args:
            index: Index of the first dimension that the partial point does not decide.
            point: Partial point.
            parents: Keys that conditions name; the values of the other dimensions are counted without listing them.
        """
        if index == len(self.dimensions):
            return 1
        dimension = self.dimensions[index]
        if not is_active(dimension, point):
            return self._count_completions(index + 1, point, parents)
        if parents.isdisjoint(dimension.keys):
            return (dimension.size or 1) * self._count_completions(index + 1, point, parents)
        return sum(
            self._count_completions(index + 1, point | dimension.entries(value), parents) for value in dimension.grid()
        )

    def grid(self) -> Iterator[Point]:
        """Yield every point once; the last dimension varies fastest.

        Raises:
            SpaceError: A dimension is an interval of real numbers.
        """
        return self._complete([dimension.grid() for dimension in self.dimensions], {})

    def product(self, values: Mapping[str, Sequence[Value]]) -> Iterator[Point]:
        """Yield every point with the given values; the last dimension varies fastest.

        Args:
            values: Values of each key. Those of an inactive dimension are ignored.

        Example:
            >>> list(SearchSpace((Choice("a", (1, 2)), Choice("b", (3, 4)))).product({"a": [2], "b": [3, 4]}))
            [{'a': 2, 'b': 3}, {'a': 2, 'b': 4}]
        """
        return self._complete([d.rows(values) if isinstance(d, Zip) else values[d.key] for d in self.dimensions], {})

    def _complete(self, axes: Sequence[Sequence[Value]], point: Point) -> Iterator[Point]:
        """Yield every point that starts with a partial point.

        Args:
            axes: Values of each dimension that the partial point does not decide.
            point: Partial point.
        """
        if not axes:
            yield point
            return
        dimension = self.dimensions[-len(axes)]
        if not is_active(dimension, point):
            yield from self._complete(axes[1:], point)
            return
        for value in axes[0]:
            yield from self._complete(axes[1:], point | dimension.entries(value))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the space as plain lists and dictionaries, for `sweep.yaml` and for comparisons."""
        names = {kind: name for name, kind in _KINDS.items()}
        return [to_json({"kind": names[type(d)], **asdict(d)}) for d in self.dimensions]

    @classmethod
    def from_json(cls, records: Sequence[Mapping[str, Any]]) -> SearchSpace:
        """Return the space that `to_json` wrote."""
        return cls(tuple(_dimension_from_json(from_json(record)) for record in records))


def canonical(point: Mapping[str, Value]) -> str:
    """Return one text for equal points: independent of the order of the keys, and 64 is the same as 64.0.

    Example:
        >>> canonical({"b": 64.0, "a": "x"}) == canonical({"a": "x", "b": 64})
        True
    """
    return exact_text({key: canonical_value(value) for key, value in point.items()})


def _dimension_from_json(record: dict[str, Any]) -> Dimension:
    kind = _KINDS[record.pop("kind")]
    conditions = tuple(Condition(c["key"], tuple(c["values"])) for c in record.pop("conditions"))
    if kind is Choice:
        record["values"] = tuple(record["values"])
    if kind is Zip:
        record |= {"keys": tuple(record["keys"]), "values": tuple(map(tuple, record["values"]))}
    return kind(**record, conditions=conditions)


def _columns_of(dimension: Dimension) -> Iterator[Column]:
    """Yield a dimension with one key itself, or the keys of a zip, each with its different values."""
    if not isinstance(dimension, Zip):
        yield dimension
        return
    for key, column in zip(dimension.keys, zip(*dimension.values, strict=True), strict=True):
        yield Choice(key, different_values(column), dimension.conditions)


def _sort_by_conditions(dimensions: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """Return the dimensions such that each stands after its parents; otherwise their order is kept."""
    waiting, ordered = list(dimensions), list[Dimension]()
    while waiting:
        placed = {key for dimension in ordered for key in dimension.keys}
        ready = [d for d in waiting if all(c.key in placed for c in d.conditions)]
        if not ready:
            raise _unmet_conditions(waiting[0], {key for dimension in dimensions for key in dimension.keys})
        ordered += ready[:1]
        waiting.remove(ready[0])
    return tuple(ordered)


def _unmet_conditions(dimension: Dimension, keys: set[str]) -> SpaceError:
    missing = [condition.key for condition in dimension.conditions if condition.key not in keys]
    rule = f"its condition names {missing[0]!r}, which is not swept" if missing else "its conditions form a cycle"
    return SpaceError(f"{dimension.name}: {rule}. Swept: {', '.join(sorted(keys))}.")
