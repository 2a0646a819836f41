"""A dimension as an axis: values as positions, with ticks and labels.

The values of a choice stand at equal distances in the order of the space, whatever they are; an interval keeps its
numbers, a logarithmic one their decimal logarithms. What is inactive has no position.
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

from mnistsweep.dimensions import Choice, Dimension, Float, Int
from mnistsweep.space import Point, SearchSpace
from mnistsweep.text import value_label

# Of a choice with many values not each has a tick.
MAX_TICKS = 8

# What stands where a dimension was not active.
INACTIVE = "\N{EN DASH}"


@dataclass(frozen=True, eq=False)
class Axis:
    """A dimension as an axis.

    Attributes:
        dimension: The dimension.
        name: The last word of its key, or all of it where another dimension ends alike.
        low: The position of the lower bound, or of the first value.
        high: The position of the upper bound, or of the last value.
        ticks: Positions of the ticks.
        labels: One a tick.
    """

    dimension: Dimension
    name: str
    low: float
    high: float
    ticks: Sequence[float]
    labels: Sequence[str]

    @property
    def categorical(self) -> bool:
        """Whether the positions count values."""
        return isinstance(self.dimension, Choice)

    @property
    def ordered(self) -> bool:
        """Whether neighbours are near each other."""
        return not isinstance(self.dimension, Choice) or self.dimension.is_ordered

    def position(self, value: Any) -> float:
        """Where a value stands."""
        if isinstance(self.dimension, Choice):
            return float(self.dimension.position(value))
        return math.log10(value) if self.dimension.log else float(value)

    def positions(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Where each trial stands, ``(trials,)``; NaN where the dimension is not active."""
        key = self.dimension.key
        return np.array([self.position(point[key]) if key in point else np.nan for point in points], dtype=np.float64)

    def apply_to(self, axes: Axes, which: str = "x") -> None:
        """Give an axes of a drawing the ticks, labels and limits; `which` is ``x`` or ``y``."""
        margin = 0.5 if self.categorical else 0.04 * (self.high - self.low or 1.0)
        (axes.set_xticks if which == "x" else axes.set_yticks)(list(self.ticks), labels=list(self.labels))
        (axes.set_xlim if which == "x" else axes.set_ylim)(self.low - margin, self.high + margin)
        if which == "x" and sum(map(len, self.labels)) > 28:
            axes.tick_params(axis="x", rotation=30)


def make_axis(space: SearchSpace, key: str) -> Axis:
    """The axis of a dimension.

    Args:
        space: With all dimensions.
        key: Of the dimension.
    """
    dimension = space[key]
    if isinstance(dimension, Choice):
        last = len(dimension.values) - 1
        step = math.ceil(len(dimension.values) / MAX_TICKS)
        shown = range(0, last + 1, step)
        labels = [value_label(dimension.values[position]) for position in shown]
        return Axis(dimension, short_name(space, key), 0.0, float(last), list(map(float, shown)), labels)
    ticks = _ticks(dimension)
    low, high, *places = (
        math.log10(number) if dimension.log else float(number) for number in (dimension.low, dimension.high, *ticks)
    )
    return Axis(dimension, short_name(space, key), low, high, places, [value_label(_tidy(tick)) for tick in ticks])


def _ticks(dimension: Int | Float) -> list[float]:
    """Round numbers within the bounds of an interval."""
    low, high = float(dimension.low), float(dimension.high)
    if low == high:
        return [low]
    if dimension.log:
        decades = high / low >= 100
        found = LogLocator(subs=(1.0,) if decades else (1.0, 2.0, 5.0), numticks=6).tick_values(low, high)
    else:
        whole = isinstance(dimension, Int)
        found = MaxNLocator(5, integer=whole, steps=[1, 2, 5, 10]).tick_values(low, high)
    slack = 1e-9 * (high - low)
    inside = [float(tick) for tick in found if low - slack <= tick <= high + slack]
    return inside if len(inside) > 1 else [low, high]


def short_name(space: SearchSpace, key: str) -> str:
    """The last word of a key, or all of it where another dimension ends alike."""
    last = key.rpartition(".")[2]
    alike = sum(other.rpartition(".")[2] == last for other in space.keys)
    return last if alike == 1 else key


def _tidy(number: float) -> float | int:
    return int(number) if float(number).is_integer() and abs(number) < 10_000 else number
