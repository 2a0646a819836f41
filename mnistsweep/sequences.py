"""Grid, random and quasi-random search as sequences: the point of a trial is a function of the seed and its number.

That is what makes the table of results the same with one worker or eight, killed or not. Each sequence is without
repetition: a point that came before is passed over, and a finite space ends the sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mnistsweep.errors import SpaceError, suggest
from mnistsweep.space import Point, SearchSpace, canonical, is_active

KINDS = ("grid", "random", "quasi_random")

# After so many repetitions in a row a space of continuous and discrete dimensions counts as used up.
MOST_REPETITIONS = 1000

# Sobol points are drawn in blocks: powers of two keep their balance (Owen, 2020, "On dropping the first Sobol' point").
BLOCK = 64


class PointSequence:
    """The points of trials 0, 1, 2, ... without repetition.

    Args:
        space: What varies.
        kind: ``grid`` (in order), ``shuffled_grid``, ``random`` or ``quasi_random`` (Sobol, scrambled).
        seed: 0 is a seed like any other.
        enqueued: Points to begin with, in full or in part; what is missing is drawn at random.

    Example:
        >>> from mnistsweep.space import Choice
        >>> sequence = PointSequence(SearchSpace((Choice("x", (1, 2)),)), "grid", seed=0)
        >>> [sequence.point(number) for number in range(3)]
        [{'x': 1}, {'x': 2}, None]
    """

    def __init__(self, space: SearchSpace, kind: str, seed: int, enqueued: Sequence[Mapping[str, Any]] = ()) -> None:
        self.space = space
        self._rest = np.random.default_rng([seed, 1])
        self._points: list[Point] = [complete(space, given, self._rest) for given in enqueued]
        self._seen = {canonical(point) for point in self._points}
        self._source = _SOURCES[kind](space, seed)
        self._size = space.size()

    def point(self, number: int) -> Point | None:
        """The point of a trial; None where the space is used up before."""
        while len(self._points) <= number:
            fresh = self._next()
            if fresh is None:
                return None
            self._seen.add(canonical(fresh))
            self._points.append(fresh)
        return self._points[number]

    def _next(self) -> Point | None:
        if self._size is not None and len(self._seen) >= self._size:
            return None
        for repetitions, point in enumerate(self._source):
            if canonical(point) not in self._seen:
                return point
            if self._size is None and repetitions >= MOST_REPETITIONS:
                return None
            if self._size is not None and repetitions >= max(MOST_REPETITIONS, 2 * self._size):
                break
        return untried(self.space, self._seen, self._rest)


def complete(space: SearchSpace, given: Mapping[str, Any], rng: np.random.Generator) -> Point:
    """A whole point from a part of one: what is given stays, the other dimensions are drawn at random."""
    point: Point = {}
    for dimension, unit in zip(space.dimensions, rng.random(len(space.dimensions)).tolist(), strict=True):
        if is_active(dimension, point):
            point[dimension.key] = given.get(dimension.key, dimension.value(unit))
    return point


def untried(space: SearchSpace, seen: set[str], rng: np.random.Generator) -> Point | None:
    """A random point of a finite space that is not among those seen; None where there is none, or the space is infinite."""
    if space.size() is None:
        return None
    left = [point for point in space.grid() if canonical(point) not in seen]
    return left[int(rng.integers(len(left)))] if left else None


def check_enqueued(space: SearchSpace, enqueued: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the configurations to try first: unknown keys, values outside the space."""
    faults = []
    for index, given in enumerate(enqueued):
        if not isinstance(given, Mapping):
            faults.append(f"enqueue[{index}]: a configuration is {{key: value, ...}}, received {given!r}.")
            continue
        for key, value in given.items():
            if key not in space.keys:
                faults.append(
                    f"enqueue[{index}].{key}: not a dimension of this sweep; {suggest(str(key), space.keys)}."
                )
            elif not space[key].contains(value):
                faults.append(f"enqueue[{index}].{key}: {value!r} is outside {space[key].describe()}.")
    return faults


def _grid(space: SearchSpace, seed: int) -> Iterator[Point]:
    return space.grid()


def _shuffled_grid(space: SearchSpace, seed: int) -> Iterator[Point]:
    points = list(space.grid())
    return (points[index] for index in np.random.default_rng([seed, 0]).permutation(len(points)))


def _random(space: SearchSpace, seed: int) -> Iterator[Point]:
    rng = np.random.default_rng([seed, 0])
    while True:
        yield space.point(rng.random(len(space.dimensions)).tolist())


def _quasi_random(space: SearchSpace, seed: int) -> Iterator[Point]:
    from scipy.stats import qmc  # half a second to import

    if len(space.dimensions) > qmc.Sobol.MAXDIM:
        raise SpaceError(
            f"oracle: quasi_random takes up to {qmc.Sobol.MAXDIM} dimensions, received {len(space.dimensions)}."
        )
    sampler = qmc.Sobol(len(space.dimensions), scramble=True, rng=np.random.default_rng([seed, 0]))
    while True:
        for units in sampler.random(BLOCK):
            yield space.point([float(unit) for unit in units])


_SOURCES = {"grid": _grid, "shuffled_grid": _shuffled_grid, "random": _random, "quasi_random": _quasi_random}
