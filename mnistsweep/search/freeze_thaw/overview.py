"""The trials that a decision can depend on, found without reading all curves for each decision."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, count
from operator import is_not

import numpy as np
from numpy.typing import NDArray

from mnistsweep.search.freeze_thaw.kernel import Array
from mnistsweep.search.freeze_thaw.observations import (
    MAX_FITTED,
    MAX_OBSERVATIONS,
    NUM_BEST_FITTED,
    best_value,
    num_early,
)
from mnistsweep.search.scheduler import Curve, Phase

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Shortlist:
    """The trials that a decision can depend on: a limited number, however many the search has.

    `informative` and `fitted` choose the same values from these as from all trials.

    Attributes:
        ranking: Trials with a value, and failed ones, the best first: the best of all, the latest and the first.
        last_early: Largest number of an early trial, see `fitted`.
        running: Trials that a worker trains, in the order of their numbers.
        lengths: One trial of each number of epochs of a whole training.
    """

    ranking: Sequence[Curve]
    last_early: int
    running: Sequence[Curve]
    lengths: Sequence[Curve]


class Overview:
    """What is known of all trials, kept from decision to decision: only curves that have changed are read again.

    It is a function of the curves alone; what was known before only saves time.

    Args:
        sign: 1 if larger values of the objective are better, otherwise -1.

    Attributes:
        version: Number that changes whenever a curve has changed.
        epochs: Number of epochs that trials have trained or are training.
    """

    def __init__(self, sign: float) -> None:
        self._sign = sign
        self.version = 0
        self._clear()

    def _clear(self) -> None:
        self._curves: list[Curve] = []
        self._losses: Array = np.empty(0)
        self._is_ranked = np.empty(0, dtype=bool)
        self._running = set[int]()
        self._lengths = dict[int, int]()
        self.epochs = 0

    def update(self, curves: Sequence[Curve]) -> None:
        """Read the curves that have changed.

        Args:
            curves: All trials in the order of their numbers.
        """
        known, current = self._curves, list(curves)
        changed = [at for at in compress(count(), map(is_not, current, known)) if current[at] != known[at]]
        if len(current) < len(known) or any(current[at].max_epochs != known[at].max_epochs for at in changed):
            self._clear()
            known, changed = [], []
        self.epochs -= sum(_reached(known[at]) for at in changed)
        changed += range(len(known), len(current))
        self._curves = current
        num_new = len(current) - len(known)
        self._losses = np.append(self._losses, np.full(num_new, math.inf))
        self._is_ranked = np.append(self._is_ranked, np.zeros(num_new, dtype=bool))
        for at in changed:
            self._read(at, current[at])
        self.version += bool(changed)

    def _read(self, at: int, curve: Curve) -> None:
        self._losses[at] = -best_value(curve, self._sign)
        self._is_ranked[at] = bool(curve.values) or curve.phase is Phase.FAILED
        self._running.discard(at)
        if curve.phase is Phase.RUNNING and curve.until > curve.epochs:
            self._running.add(at)
        self._lengths.setdefault(curve.max_epochs, at)
        self.epochs += _reached(curve)

    @property
    def share_of_starts(self) -> float:
        """Share of first epochs in all epochs that trials have trained or are training."""
        return len(self._curves) / max(1, self.epochs)

    def shortlist(self) -> Shortlist:
        """Return the trials that a decision can depend on."""
        ranked = np.flatnonzero(self._is_ranked)
        early = ranked[: num_early(len(ranked))]
        # `informative` needs the best trials until they have more than the limit of values. Of the others it needs the
        # latest quarter of the limit, which are among the latest of all even if the best three quarters are, too.
        best, latest = self._best_of(ranked, MAX_OBSERVATIONS + 1), ranked[-MAX_OBSERVATIONS:]
        first = ranked[: MAX_FITTED + NUM_BEST_FITTED]
        chosen = np.unique(np.concatenate([best, latest, first, self._best_of(early, NUM_BEST_FITTED)]))
        return Shortlist(
            self._at(self._best_of(chosen, len(chosen)).tolist()),
            self._curves[early[-1]].number if len(early) else -1,
            self._at(sorted(self._running)),
            self._at(self._lengths.values()),
        )

    def _best_of(self, positions: Positions, limit: int) -> Positions:
        """Return the positions of the best trials, the best first; ties go to the lower number."""
        losses = self._losses[positions]
        if len(positions) > limit:
            is_near = losses <= np.partition(losses, limit - 1)[limit - 1]
            positions, losses = positions[is_near], losses[is_near]
        return positions[np.argsort(losses, kind="stable")][:limit]

    def _at(self, positions: Iterable[int]) -> list[Curve]:
        return [self._curves[at] for at in positions]


def _reached(curve: Curve) -> int:
    """Return the last epoch that a trial has trained or is training."""
    return max(curve.epochs, curve.until)
