"""The values of a dimension in groups, so that results with similar values can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistsweep.dimensions import Choice, Dimension, Int, Zip
from mnistsweep.intervals import number_at, unit_at
from mnistsweep.space import Point

MAX_SINGLE = 8
"""Maximum number of numbers that are a group each; more of them, and intervals, are divided into equal parts."""

FEW_PARTS, MANY_PARTS, MANY_RESULTS = 3, 5, 30
"""Number of parts with few results, and with at least the third number of results."""


@dataclass(frozen=True, eq=False)
class ValueGroups:
    """Groups of the values of a dimension, in the order of the values.

    Attributes:
        dimension: Dimension of the search space.
        count: Number of groups.
        is_ordered: Whether the values are numbers.
    """

    dimension: Dimension
    count: int
    is_ordered: bool

    @classmethod
    def of(cls, dimension: Dimension, results: int) -> ValueGroups:
        """Return the groups for a number of results."""
        is_ordered = not isinstance(dimension, Zip) and (not isinstance(dimension, Choice) or dimension.is_ordered)
        size = dimension.size
        if size is not None and (size <= MAX_SINGLE or not is_ordered):
            return cls(dimension, size, is_ordered)
        return cls(dimension, MANY_PARTS if results >= MANY_RESULTS else FEW_PARTS, is_ordered)

    @property
    def are_values(self) -> bool:
        """Whether each group is a single value."""
        return self.count == self.dimension.size

    def group_at(self, point: Point) -> int:
        """Return the group of a point; -1 where the dimension is not active."""
        dimension = self.dimension
        if dimension.keys[0] not in point:
            return -1
        if isinstance(dimension, Choice | Zip):
            position, size = dimension.position(dimension.value_in(point)), len(dimension.values)
            return position if self.are_values else position * self.count // size
        value = dimension.value_in(point)
        if self.are_values and isinstance(dimension, Int):
            return int(value) - dimension.low
        unit = unit_at(dimension.low, dimension.high, dimension.log, value)
        return min(int(unit * self.count), self.count - 1)

    def groups_at(self, points: Sequence[Point]) -> NDArray[np.int64]:
        """Return the group of each point, ``(points,)``."""
        return np.array([self.group_at(point) for point in points], dtype=np.int64)

    def bounds(self, first: int, last: int) -> tuple[float, float]:
        """Return the bounds of neighbouring groups of numbers: the smallest and the largest value.

        Args:
            first: First group.
            last: Last group.
        """
        dimension = self.dimension
        assert not isinstance(dimension, Zip)
        if isinstance(dimension, Choice):
            inside = [at for at in range(len(dimension.values)) if first <= self._group_of(at) <= last]
            return dimension.values[inside[0]], dimension.values[inside[-1]]
        if self.are_values and isinstance(dimension, Int):
            return dimension.low + first, dimension.low + last
        ends = (number_at(dimension.low, dimension.high, dimension.log, at / self.count) for at in (first, last + 1))
        low, high = ends
        return (dimension.low if first == 0 else low), (dimension.high if last == self.count - 1 else high)

    def _group_of(self, position: int) -> int:
        size = self.dimension.size or 1
        return position if self.are_values else position * self.count // size
