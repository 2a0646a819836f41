"""Grid, random and quasi-random search: the point of a trial is a function of the seed and the trial's number.

Therefore the table of results is the same with one worker or with eight, and after interruptions. A sequence has no
repetitions: an earlier point is skipped, and the sequence ends when a finite space is exhausted.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import optuna

from mnistsweep.search.enqueued import complete
from mnistsweep.search.oracle import Oracle, Proposal
from mnistsweep.space import Point, SearchSpace, canonical

# Number of repetitions in a row after which an infinite space counts as exhausted, and the untried points of a finite
# space are listed.
MAX_REPETITIONS = 1000

# Sobol points are drawn in blocks: powers of two keep their balance (Owen, 2020, "On dropping the first Sobol' point").
SOBOL_BLOCK = 64


class PointSequence:
    """The points of trials 0, 1, 2, ... without repetitions.

    Args:
        space: Search space of the sweep.
        kind: ``grid`` (in order), ``shuffled_grid``, ``random`` or ``quasi_random`` (scrambled Sobol points).
        seed: Seed of the sweep; 0 is a seed as well.
        enqueued: First points, in full or in part; missing values are drawn at random, and equal points are tried
            once.

    Attributes:
        num_enqueued: Number of enqueued points.

    Example:
        >>> from mnistsweep.dimensions import Choice
        >>> sequence = PointSequence(SearchSpace((Choice("x", (1, 2)),)), "grid", seed=0)
        >>> [sequence.point(number) for number in range(3)]
        [{'x': 1}, {'x': 2}, None]
    """

    def __init__(self, space: SearchSpace, kind: str, seed: int, enqueued: Sequence[Mapping[str, Any]] = ()) -> None:
        self.space = space
        self._rng = np.random.default_rng([seed, 1])
        self._points: list[Point] = []
        self._seen: set[str] = set()
        self._source = _SOURCES[kind](space, seed)
        for given in enqueued:
            self._append_enqueued(given)
        self.num_enqueued = len(self._points)

    def point(self, number: int) -> Point | None:
        """Return the point of a trial; None if the space has fewer points."""
        while len(self._points) <= number:
            point = self._next()
            if point is None:
                return None
            self._append(point)
        return self._points[number]

    def _append_enqueued(self, given: Mapping[str, Any]) -> None:
        for _ in range(MAX_REPETITIONS):
            point = complete(self.space, given, self._rng)
            if canonical(point) not in self._seen:
                self._append(point)
                return

    def _append(self, point: Point) -> None:
        self._seen.add(canonical(point))
        self._points.append(point)

    def _next(self) -> Point | None:
        size = self.space.size()
        if size is not None and len(self._seen) >= size:
            return None
        for point in itertools.islice(self._source, MAX_REPETITIONS):
            if canonical(point) not in self._seen:
                return point
        return draw_untried(self.space, self._seen, self._rng)


class SequenceOracle(Oracle):
    """Grid, random or quasi-random search: it proposes the points of a sequence and does not read the ledger.

    Args:
        sequence: Points by the number of the trial.
    """

    def __init__(self, sequence: PointSequence) -> None:
        super().__init__(sequence.space)
        self._sequence = sequence

    def prepare(self, number: int) -> None:
        """Compute the sequence up to a trial."""
        self._sequence.point(number)

    def propose(self, number: int, study: optuna.Study) -> Proposal | None:
        """Return the sequence's point of a trial; None if the search space is exhausted."""
        point = self._sequence.point(number)
        return None if point is None else Proposal(point)


def draw_untried(space: SearchSpace, seen: Container[str], rng: np.random.Generator) -> Point | None:
    """Return a random point of a finite space that was not tried.

    Args:
        space: Search space of the sweep.
        seen: Tried points, each as the text of `canonical`.
        rng: Generator of the random choice.

    Returns:
        An untried point; None if the space is infinite or all its points were tried.
    """
    if space.size() is None:
        return None
    untried = [point for point in space.grid() if canonical(point) not in seen]
    return untried[int(rng.integers(len(untried)))] if untried else None


def _grid(space: SearchSpace, seed: int) -> Iterator[Point]:
    return space.grid()


def _shuffled_grid(space: SearchSpace, seed: int) -> Iterator[Point]:
    order = np.random.default_rng([seed, 0]).permutation(space.size() or 0)
    if all(not dimension.conditions for dimension in space.dimensions):
        return (_grid_point(space, int(index)) for index in order)  # a million points are not listed
    points = list(space.grid())
    return (points[index] for index in order)


def _grid_point(space: SearchSpace, index: int) -> Point:
    """Return the point at an index of the grid of a space without conditions; the last dimension varies fastest."""
    point: Point = {}
    for dimension in reversed(space.dimensions):
        values = dimension.grid()
        index, position = divmod(index, len(values))
        point = dimension.entries(values[position]) | point
    return point


def _random(space: SearchSpace, seed: int) -> Iterator[Point]:
    rng = np.random.default_rng([seed, 0])
    while True:
        yield space.point_at(rng.random(len(space.dimensions)).tolist())


def _quasi_random(space: SearchSpace, seed: int) -> Iterator[Point]:
    from scipy.stats import qmc  # half a second to import

    sampler = qmc.Sobol(len(space.dimensions), scramble=True, rng=np.random.default_rng([seed, 0]))
    while True:
        for units in sampler.random(SOBOL_BLOCK):
            yield space.point_at([float(unit) for unit in units])


_SOURCES = {"grid": _grid, "shuffled_grid": _shuffled_grid, "random": _random, "quasi_random": _quasi_random}
