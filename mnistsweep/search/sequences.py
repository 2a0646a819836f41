"""Grid, random and quasi-random search as sequences: the point of a trial is a function of the seed and its number.

That is what makes the table of results the same with one worker or eight, killed or not. Each sequence is without
repetition: a point that came before is passed over, and a finite space ends the sequence.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mnistsweep.errors import suggest
from mnistsweep.space import Condition, Point, SearchSpace, canonical, is_active

# After so many repetitions in a row a space counts as used up, or what is left of a finite one is listed.
MAX_REPETITIONS = 1000

# Sobol points are drawn in blocks: powers of two keep their balance (Owen, 2020, "On dropping the first Sobol' point").
BLOCK = 64


class PointSequence:
    """The points of trials 0, 1, 2, ... without repetition.

    Args:
        space: What varies.
        kind: ``grid`` (in order), ``shuffled_grid``, ``random`` or ``quasi_random`` (Sobol, scrambled).
        seed: 0 is a seed like any other.
        enqueued: Points to begin with, in full or in part; what is missing is drawn at random. One that is given twice
            is tried once.

    Example:
        >>> from mnistsweep.space import Choice
        >>> sequence = PointSequence(SearchSpace((Choice("x", (1, 2)),)), "grid", seed=0)
        >>> [sequence.point(number) for number in range(3)]
        [{'x': 1}, {'x': 2}, None]
    """

    def __init__(self, space: SearchSpace, kind: str, seed: int, enqueued: Sequence[Mapping[str, Any]] = ()) -> None:
        self.space = space
        self._rest = np.random.default_rng([seed, 1])
        self._points: list[Point] = []
        self._seen: set[str] = set()
        self._source = _SOURCES[kind](space, seed)
        for given in enqueued:
            self._begin_with(given)
        self.num_enqueued = len(self._points)

    def point(self, number: int) -> Point | None:
        """The point of a trial; None where the space is used up before."""
        while len(self._points) <= number:
            fresh = self._next()
            if fresh is None:
                return None
            self._seen.add(canonical(fresh))
            self._points.append(fresh)
        return self._points[number]

    def _begin_with(self, given: Mapping[str, Any]) -> None:
        for _ in range(MAX_REPETITIONS):
            point = complete(self.space, given, self._rest)
            if canonical(point) not in self._seen:
                self._seen.add(canonical(point))
                self._points.append(point)
                return

    def _next(self) -> Point | None:
        size = self.space.size()
        if size is not None and len(self._seen) >= size:
            return None
        for point in itertools.islice(self._source, MAX_REPETITIONS):
            if canonical(point) not in self._seen:
                return point
        return untried(self.space, self._seen, self._rest)


def complete(space: SearchSpace, given: Mapping[str, Any], rng: np.random.Generator) -> Point:
    """A whole point from a part of one: what is given stays, the rest is drawn such that what is given exists.

    Example:
        >>> from mnistsweep.space import Choice, Condition, Float
        >>> momentum = Float("optimizer.momentum", 0, 0.9, conditions=(Condition("optimizer", ("sgd",)),))
        >>> space = SearchSpace((Choice("optimizer", ("adam", "sgd", "rmsprop")), momentum))
        >>> complete(space, {"optimizer.momentum": 0.5}, np.random.default_rng(0))
        {'optimizer': 'sgd', 'optimizer.momentum': 0.5}
    """
    wanted = _implied(space, given)
    point: Point = {}
    for dimension, unit in zip(space.dimensions, rng.random(len(space.dimensions)).tolist(), strict=True):
        if not is_active(dimension, point):
            continue
        if dimension.key in given:
            point[dimension.key] = dimension.cast(given[dimension.key])
        elif dimension.key in wanted:
            values = wanted[dimension.key]
            point[dimension.key] = values[int(unit * len(values))]
        else:
            point[dimension.key] = dimension.value(unit)
    return point


def _implied(space: SearchSpace, given: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The values that other dimensions must have for those given to exist, by key."""
    wanted: dict[str, list[Any]] = {}
    for dimension in reversed(space.dimensions):
        if dimension.key in given or dimension.key in wanted:
            for condition in dimension.conditions:
                parent = space[condition.key]
                known = wanted.get(condition.key, [value for value in condition.values if parent.contains(value)])
                wanted[condition.key] = [parent.cast(v) for v in known if condition.holds({condition.key: v})]
    return wanted


def untried(space: SearchSpace, seen: Container[str], rng: np.random.Generator) -> Point | None:
    """A random point of a finite space that is not among those seen; None where there is none, or no end to them."""
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
        if not faults:
            faults += _contradictions(space, f"enqueue[{index}]", given)
    return faults


def _contradictions(space: SearchSpace, where: str, given: Mapping[str, Any]) -> list[str]:
    """What is given of dimensions that do not exist where the rest of what is given holds."""
    wanted = _implied(space, given)
    faults = []
    for parent, values in wanted.items():
        if not values or (parent in given and not Condition(parent, tuple(values)).holds(given)):
            children = [d.key for d in space.dimensions if any(c.key == parent for c in d.conditions)]
            child = next(key for key in children if key in given or key in wanted)
            allowed = " or ".join(map(str, values)) or "no value that they share"
            received = f"{parent}={given.get(parent)}"
            faults.append(f"{where}.{child}: exists only with {parent}={allowed}, received {received}.")
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

    sampler = qmc.Sobol(len(space.dimensions), scramble=True, rng=np.random.default_rng([seed, 0]))
    while True:
        for units in sampler.random(BLOCK):
            yield space.point([float(unit) for unit in units])


_SOURCES = {"grid": _grid, "shuffled_grid": _shuffled_grid, "random": _random, "quasi_random": _quasi_random}
