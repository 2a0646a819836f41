"""Axes of dimensions: positions of values, ticks and labels.

The values of a choice have equal distances, in the order of the space. The position of a number in an interval is the
number, or its decimal logarithm in a logarithmic interval; in an interval that figures cannot show, because its numbers
are too large or too close, it is a share of the interval from 0 to 1. An inactive dimension has no position.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import NDArray

from mnistsweep.dimensions import Choice, Column, Float, Int
from mnistsweep.intervals import is_ordinary, unit_at
from mnistsweep.space import Point, SearchSpace
from mnistsweep.text import value_label

# Maximum number of ticks of a choice.
MAX_TICKS = 8

# A choice of more numbers is drawn like an interval, and a choice of more names is not part of the map.
MAX_CATEGORIES = 96

# Label of trials in which a dimension is inactive.
INACTIVE = "\N{EN DASH}"


@dataclass(frozen=True, eq=False)
class Axis:
    """Axis of one dimension.

    Attributes:
        dimension: Dimension of the search space.
        name: Last part of its key, or the whole key where another key has the same last part.
        low: Position of the lower bound, or of the first value.
        high: Position of the upper bound, or of the last value.
        ticks: Positions of the ticks.
        labels: Labels of the ticks.
    """

    dimension: Column
    name: str
    low: float
    high: float
    ticks: Sequence[float]
    labels: Sequence[str]

    @property
    def categorical(self) -> bool:
        """Whether each position is drawn as a value of its own."""
        return isinstance(self.dimension, Choice) and not (self.ordered and self.crowded)

    @property
    def crowded(self) -> bool:
        """Whether there are more listed values than `MAX_CATEGORIES`."""
        return isinstance(self.dimension, Choice) and len(self.dimension.values) > MAX_CATEGORIES

    @property
    def ordered(self) -> bool:
        """Whether the order of the positions has a meaning."""
        return not isinstance(self.dimension, Choice) or self.dimension.is_ordered

    def position(self, value: Any) -> float:
        """Return the position of a value."""
        if isinstance(self.dimension, Choice):
            return float(self.dimension.position(value))
        return _place(self.dimension, value)

    def positions(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Return the position of each trial, ``(trials,)``; NaN where the dimension is inactive."""
        key = self.dimension.key
        return np.array([self.position(point[key]) if key in point else np.nan for point in points], dtype=np.float64)

    def apply_to(self, axes: Axes, which: str = "x") -> None:
        """Set ticks, labels and limits of an axis of a drawing; `which` is ``x`` or ``y``."""
        margin = 0.5 if self.categorical else 0.04 * (self.high - self.low or 1.0)
        (axes.set_xticks if which == "x" else axes.set_yticks)(list(self.ticks), labels=list(self.labels))
        (axes.set_xlim if which == "x" else axes.set_ylim)(self.low - margin, self.high + margin)
        if which == "x" and sum(map(len, self.labels)) > 28:
            axes.tick_params(axis="x", rotation=30)


def make_axis(space: SearchSpace, key: str) -> Axis:
    """Return the axis of a dimension.

    Args:
        space: Search space with the dimension.
        key: Key of the dimension.
    """
    dimension = space[key]
    if isinstance(dimension, Choice):
        last = len(dimension.values) - 1
        step = math.ceil(len(dimension.values) / MAX_TICKS)
        shown = range(0, last + 1, step)
        labels = [value_label(dimension.values[position]) for position in shown]
        return Axis(dimension, short_name(space, key), 0.0, float(last), list(map(float, shown)), labels)
    ticks = _ticks(dimension)
    low, high, *places = (_place(dimension, number) for number in (dimension.low, dimension.high, *ticks))
    return Axis(dimension, short_name(space, key), low, high, places, [value_label(_tidy(tick)) for tick in ticks])


def _is_drawn_as_it_is(dimension: Int | Float) -> bool:
    return dimension.log or is_ordinary(dimension.low, dimension.high, log=False)


def _place(dimension: Int | Float, number: float) -> float:
    """Return the position of a number in an interval."""
    if not _is_drawn_as_it_is(dimension):
        return unit_at(dimension.low, dimension.high, False, number)
    return math.log10(number) if dimension.log else float(number)


def _ticks(dimension: Int | Float) -> list[float]:
    """Return round numbers within the bounds of an interval."""
    low, high = float(dimension.low), float(dimension.high)
    if low == high:
        return [low]
    if not _is_drawn_as_it_is(dimension):
        return [low, high]
    if dimension.log:
        decades = high / low >= 100
        with np.errstate(over="ignore"):  # it also returns ticks beyond the bounds
            found = LogLocator(subs=(1.0,) if decades else (1.0, 2.0, 5.0), numticks=6).tick_values(low, high)
    else:
        whole = isinstance(dimension, Int)
        found = MaxNLocator(5, integer=whole, steps=[1, 2, 5, 10]).tick_values(low, high)
    slack = 1e-9 * (high - low)
    inside = [float(tick) for tick in found if low - slack <= tick <= high + slack]
    if dimension.log:  # a tick beyond all numbers is 0 or infinite
        inside = [tick for tick in inside if 0 < tick < math.inf]
    return inside if len(inside) > 1 else [low, high]


def short_name(space: SearchSpace, key: str) -> str:
    """Return the last part of a key, or the whole key where another key has the same last part."""
    last = key.rpartition(".")[2]
    alike = sum(other.rpartition(".")[2] == last for other in space.keys)
    return last if alike == 1 else key


def _tidy(number: float) -> float | int:
    return int(number) if float(number).is_integer() and abs(number) < 10_000 else number
