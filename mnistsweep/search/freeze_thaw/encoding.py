"""Points as rows of numbers for the kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep import intervals
from mnistsweep.dimensions import Choice, Dimension, Zip, is_active
from mnistsweep.space import Point, SearchSpace

Array = NDArray[np.float64]

INACTIVE_POSITION = 0.5
"""Position of a number where its dimension is inactive."""


@dataclass(frozen=True)
class _Part:
    """The columns of a dimension with more than one value."""

    dimension: Dimension
    is_category: bool
    has_indicator: bool


class Encoder:
    """Translates points to rows, with one column or two for each dimension that has more than one value.

    A number becomes its position from 0 to 1: on the logarithmic scale where the dimension is logarithmic, and by its
    rank in a choice of numbers. Any other choice, and a zip, becomes a category, named by its index. Where a
    dimension with conditions is inactive, a category is -1, and a number is `INACTIVE_POSITION`, with a category in a
    second column that says whether it is active.

    Args:
        space: Search space of the sweep.

    Attributes:
        is_category: For each column, whether its numbers name categories, so that only their equality counts.
        names: For each column, the name of its dimension.

    Example:
        >>> from mnistsweep.dimensions import Choice, Float
        >>> encoder = Encoder(SearchSpace((Choice("optimizer", ("adam", "sgd")), Float("rate", 0.01, 1, log=True))))
        >>> encoder.rows([{"optimizer": "sgd", "rate": 0.1}]).tolist()
        [[1.0, 0.5]]
    """

    def __init__(self, space: SearchSpace) -> None:
        self._parts = [
            _part(dimension) for dimension in space.dimensions if dimension.size != 1 or dimension.conditions
        ]
        columns = [column for part in self._parts for column in _columns(part)]
        self.is_category = np.array([is_category for _, is_category in columns], dtype=bool)
        self.names = tuple(name for name, _ in columns)

    def rows(self, points: Sequence[Point]) -> Array:
        """Return one row for each point: float64 of shape (points, columns)."""
        rows = [[number for part in self._parts for number in _numbers(part, point)] for point in points]
        return np.array(rows, dtype=np.float64).reshape(len(points), len(self.names))


def _part(dimension: Dimension) -> _Part:
    is_category = isinstance(dimension, Zip) or (isinstance(dimension, Choice) and not dimension.is_ordered)
    return _Part(dimension, is_category or dimension.size == 1, bool(dimension.conditions) and not is_category)


def _columns(part: _Part) -> Iterator[tuple[str, bool]]:
    yield part.dimension.name, part.is_category
    if part.has_indicator and not part.is_category:
        yield part.dimension.name, True


def _numbers(part: _Part, point: Point) -> Iterator[float]:
    dimension = part.dimension
    active = is_active(dimension, point)
    if part.is_category:
        yield float(_index(dimension, point)) if active else -1.0
        return
    yield _position(dimension, dimension.value_in(point)) if active else INACTIVE_POSITION
    if part.has_indicator:
        yield float(active)


def _index(dimension: Dimension, point: Point) -> int:
    """Return the index of a category; the only value of an interval with equal bounds has the index 0."""
    return dimension.position(dimension.value_in(point)) if isinstance(dimension, Choice | Zip) else 0


def _position(dimension: Dimension, value: Any) -> float:
    if isinstance(dimension, Zip):
        raise TypeError("a zip is a category")
    if isinstance(dimension, Choice):
        return dimension.position(value) / (len(dimension.values) - 1)
    return intervals.unit_at(dimension.low, dimension.high, dimension.log, value)
