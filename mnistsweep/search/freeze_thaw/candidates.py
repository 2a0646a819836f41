"""Untried points that a decision compares: random ones, and variations of the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep import intervals
from mnistsweep.dimensions import Choice, Dimension, Int, Zip, is_active
from mnistsweep.search.freeze_thaw.encoding import Encoder
from mnistsweep.search.freeze_thaw.kernel import Array
from mnistsweep.space import Point, SearchSpace, canonical

MAX_LISTED = 400
"""A space of at most this number of points is listed instead of sampled."""

NUM_RANDOM, TRIALS_OF_RANDOM = 160, 32
"""Number of random points, and number of trials after which they are drawn again."""

NUM_VARIATIONS, TRIALS_OF_VARIATIONS = 16, 8
"""Number of variations of each of the best points, and number of trials after which they are drawn again."""

CHANGE_PROBABILITY = 0.4
CHANGE_DEVIATION = 0.12
"""A variation changes each value with this probability: a number by a normal step of this standard deviation (as a
share of the range), a category to a random one."""

MAX_CACHED = 16
"""Number of lists of points that are kept."""


@dataclass(frozen=True)
class Pool:
    """Points to compare.

    Attributes:
        points: Points, of which some may have been tried.
        rows: Encoded points.
        max_epochs: Number of epochs of the whole training of each point.
    """

    points: list[Point]
    rows: Array
    max_epochs: list[int]

    def up_to(self, epochs: int) -> Pool:
        """Return the points of which the whole training has at most a number of epochs."""
        kept = [at for at, longest in enumerate(self.max_epochs) if longest <= epochs]
        return Pool([self.points[at] for at in kept], self.rows[kept], [self.max_epochs[at] for at in kept])


class Candidates:
    """Draws points to compare. They are functions of the seed, the number of the trial, and the best points.

    Args:
        space: Search space of the sweep.
        encoder: Encoder of the space.
        max_epochs: Function that returns the number of epochs of the whole training of a point.
        seed: Seed of the sweep.
        always: Points that are compared in every decision.
    """

    def __init__(
        self,
        space: SearchSpace,
        encoder: Encoder,
        max_epochs: Callable[[Point], int],
        seed: int,
        always: Sequence[Point] = (),
    ) -> None:
        self._space = space
        self._encoder = encoder
        self._max_epochs = max_epochs
        self._seed = seed
        size = space.size()
        self._is_listed = size is not None and size <= MAX_LISTED
        self._drawn: dict[tuple[int, str], Pool] = {}
        self._always = [] if self._is_listed else [self._pool(always)]

    def around(self, number: int, best: Sequence[Point]) -> Pool:
        """Return points to compare.

        Args:
            number: Number of the trial that would be started.
            best: Points to vary.
        """
        pools = [self._cached(0 if self._is_listed else number // TRIALS_OF_RANDOM, None)]
        if not self._is_listed:
            pools += [self._cached(number // TRIALS_OF_VARIATIONS, point) for point in best]
            pools += self._always
        return Pool(
            [point for pool in pools for point in pool.points],
            np.concatenate([pool.rows for pool in pools]),
            [epochs for pool in pools for epochs in pool.max_epochs],
        )

    def _cached(self, block: int, best: Point | None) -> Pool:
        key = (block, "" if best is None else canonical(best))
        if key not in self._drawn:
            while len(self._drawn) >= MAX_CACHED:
                self._drawn.pop(next(iter(self._drawn)))
            points = self._random(block) if best is None else self._variations(block, best)
            self._drawn[key] = self._pool(points)
        return self._drawn[key]

    def _pool(self, points: Sequence[Point]) -> Pool:
        return Pool(list(points), self._encoder.rows(points), list(map(self._max_epochs, points)))

    def _random(self, block: int) -> list[Point]:
        if self._is_listed:
            return list(self._space.grid())
        rng = np.random.default_rng([self._seed, 4, block])
        return [self._space.point_at(row) for row in rng.random((NUM_RANDOM, len(self._space.dimensions))).tolist()]

    def _variations(self, block: int, best: Point) -> list[Point]:
        rng = np.random.default_rng([self._seed, 5, block])
        return [self._vary(best, rng) for _ in range(NUM_VARIATIONS)]

    def _vary(self, point: Point, rng: np.random.Generator) -> Point:
        dimensions = self._space.dimensions
        units = []
        for dimension, changes, step, fresh in zip(
            dimensions, rng.random(len(dimensions)), rng.normal(size=len(dimensions)), rng.random(len(dimensions)),
            strict=True,
        ):  # fmt: skip
            if not is_active(dimension, point):
                units.append(float(fresh))
            elif changes >= CHANGE_PROBABILITY:
                units.append(_unit(dimension, point))
            elif isinstance(dimension, Zip) or (isinstance(dimension, Choice) and not dimension.is_ordered):
                units.append(float(fresh))
            else:
                smallest = 0.0 if dimension.size is None else 1 / dimension.size
                moved = _unit(dimension, point) + float(step) * max(CHANGE_DEVIATION, smallest)
                units.append(min(max(moved, 0.0), 1 - 1e-12))
        return self._space.point_at(units)


def _unit(dimension: Dimension, point: Point) -> float:
    """Return the position at which a dimension has its value at a point; the inverse of its `value_at`."""
    value: Any = dimension.value_in(point)
    if isinstance(dimension, Choice | Zip):
        return (dimension.position(value) + 0.5) / len(dimension.values)
    if isinstance(dimension, Int):
        return intervals.unit_at(dimension.low - 0.5, dimension.high + 0.5, dimension.log, value)
    return intervals.unit_at(dimension.low, dimension.high, dimension.log, value) if dimension.size is None else 0.0
