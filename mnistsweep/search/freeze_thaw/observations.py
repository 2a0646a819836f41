"""The values that the Gaussian process learns from: a limited number of those in the ledger."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mnistsweep.search.freeze_thaw.kernel import Array
from mnistsweep.search.scheduler import Curve, Phase

MAX_OBSERVATIONS = 160
"""Number of values that the process is conditioned on; its cost grows with the third power."""

MAX_FITTED = 64
"""Number of values that its hyperparameters are fitted to; this needs some twenty times the operations."""

FIRST_FIT, FIT_GROWTH = 8, 1.2
"""Number of trials before the first growth, and growth of their number after which new trials are fitted too."""

NUM_BEST_FITTED = 6
"""Number of the best early trials that are always among the fitted ones."""


@dataclass(frozen=True)
class Observation:
    """A value of the objective.

    Attributes:
        curve: Trial.
        epoch: Epoch after which the value was measured.
        value: Value of the objective; NaN for the epoch at which a trial failed.
    """

    curve: Curve
    epoch: int
    value: float


def thinned(curve: Curve) -> list[Observation]:
    """Return the values of a trial after 1, 2, 4, 8, ... epochs and after the last one.

    Neighbouring epochs say nearly the same. A failed trial has a NaN after its last epoch: a value worse than all.
    """
    last = curve.epochs
    kept = [epoch for epoch in _powers_of_two(last) if epoch in curve.values]
    if last and last not in kept:
        kept.append(last)
    observations = [Observation(curve, epoch, curve.values[epoch]) for epoch in kept]
    if curve.phase is Phase.FAILED:
        observations.append(Observation(curve, min(last + 1, curve.max_epochs), math.nan))
    return observations


def best_value(curve: Curve, sign: float) -> float:
    """Return the best finite value of a trial times a sign; minus infinity if it has none."""
    if curve.phase is Phase.FAILED:
        return -math.inf
    finite = filter(math.isfinite, curve.values.values())
    return max(finite, default=-math.inf) if sign > 0 else -min(finite, default=math.inf)


def ranked(curves: Sequence[Curve], sign: float) -> list[Curve]:
    """Return the trials, the one with the best value first; ties go to the lower number."""
    return sorted(curves, key=lambda curve: (-best_value(curve, sign), curve.number))


def known_values(ranking: Sequence[Curve], former: Sequence[Curve] = ()) -> list[Observation]:
    """Return the values to learn from: those of this search, and as many of former trials as there is room for.

    Args:
        ranking: Trials, the best first.
        former: Trials of former sweeps, the best first; a quarter of the room is theirs in any case.
    """
    reserved = sum(1 for _ in itertools.islice(_values_of(former), MAX_OBSERVATIONS // 4))
    own = informative(ranking, MAX_OBSERVATIONS - reserved)
    return _in_order([*informative(former, MAX_OBSERVATIONS - len(own)), *own])


def informative(ranking: Sequence[Curve], limit: int = MAX_OBSERVATIONS) -> list[Observation]:
    """Return informative values: all if they are few, otherwise those of the best trials and the latest others.

    Half of the limit goes to whole curves of the best trials. The other half goes to the last values of other trials:
    of the next best and of the latest in equal parts.

    Args:
        ranking: Trials, the best first.
        limit: Largest number of values.
    """
    every = list(itertools.islice(_values_of(ranking), limit + 1))
    if len(every) <= limit:
        return _in_order(every)
    whole, others = every[: limit // 2], list(ranking)
    del others[: len({one.curve.number for one in whole})]
    next_best, latest = others[: limit // 4], sorted(others[limit // 4 :], key=lambda curve: -curve.number)
    last = [one for curve in (*next_best, *latest[: limit // 4]) for one in thinned(curve)[-1:]]
    return _in_order([*whole, *last])


def num_early(count: int) -> int:
    """Return the largest number of trials up to a count at which the fit is repeated: 8, 9, 10, 12, 14, 16, 19, ...

    Args:
        count: Number of trials that have a value or failed.
    """
    size = FIRST_FIT
    while (following := int(size * FIT_GROWTH)) <= count:
        size = following
    return size


def fitted(
    ranking: Sequence[Curve], last_early: int, limit: int = MAX_FITTED, former: Sequence[Curve] = ()
) -> list[Observation]:
    """Return the values that hyperparameters are fitted to: those of early trials, the best of them first.

    New trials are taken into account when their number has grown by a fifth. The values of most early trials no longer
    change, so the fit need not be repeated for each decision. Former trials fill the room that is left.

    Args:
        ranking: Trials, the best first.
        last_early: Largest number of an early trial: of the first `num_early` that have a value or failed.
        limit: Largest number of values.
        former: Trials of former sweeps, the best first.
    """
    candidates = [curve for curve in ranking if curve.number <= last_early]
    first = sorted(candidates[NUM_BEST_FITTED:], key=lambda curve: curve.number)
    before = [*former[:NUM_BEST_FITTED], *sorted(former[NUM_BEST_FITTED:], key=lambda curve: -curve.number)]
    return _in_order(itertools.islice(_values_of([*candidates[:NUM_BEST_FITTED], *first, *before]), limit))


class Timeline:
    """Translates epochs to time columns: the logarithm of the epoch, and the progress of the training.

    The progress t / T is a column only if trials differ in their numbers of epochs T: learning-rate schedules make a
    curve depend on both.

    Args:
        curves: All trials.
    """

    def __init__(self, curves: Sequence[Curve]) -> None:
        lengths = {curve.max_epochs for curve in curves}
        self._has_progress = len(lengths) > 1
        self._longest = math.log(max(2, *lengths)) if lengths else 1.0

    def columns(self, epochs: Sequence[int], max_epochs: Sequence[int]) -> Array:
        """Return the columns of some epochs of trials with some numbers of epochs."""
        reached = np.array(epochs, dtype=np.float64)
        logs = np.log(np.maximum(reached, 1.0)) / self._longest
        columns = [logs, reached / np.array(max_epochs, dtype=np.float64)] if self._has_progress else [logs]
        return np.stack(columns, axis=1).reshape(len(reached), len(columns))


def _values_of(curves: Iterable[Curve]) -> Iterator[Observation]:
    return (one for curve in curves for one in thinned(curve))


def _powers_of_two(last: int) -> list[int]:
    return [2**power for power in range(last.bit_length())]


def _in_order(observations: Iterable[Observation]) -> list[Observation]:
    """Return observations by trial and epoch, so that sums do not depend on the ranking."""
    return sorted(observations, key=lambda one: (one.curve.number, one.epoch))
