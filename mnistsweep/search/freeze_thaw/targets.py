"""Values of the objective as targets of the Gaussian process: larger is better, in units of their spread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Share of the smallest error seen that is added to all errors, so that an error of 0 has a logarithm.
ERROR_OFFSET_SHARE = 0.1

# A value further below the median than this many times the distance from the median to the best is a diverged run. It
# is raised to this limit, because how far it diverged is not informative and would set the scale of all others.
MAX_FALL = 2.0

# Larger values, of either sign, are reduced to this size, so that their squares are numbers.
MAX_SIZE = 1e100


@dataclass(frozen=True)
class Scale:
    """Translation of values of the objective to targets.

    A score of at most 1 becomes ``-log(1 - score)``, and a loss of at least 0 becomes ``-log(loss)``: improvements near
    the optimum, which are small in themselves, count as much as the large ones before. Other values are only
    standardized.

    Attributes:
        sign: 1 if larger values of the objective are better, otherwise -1.
        limit: Best value that the objective can have; None: unknown, no logarithm.
        offset: Number added to the error before its logarithm.
        lowest: Smallest logarithm; NaN, infinite and absurd values are raised to it.
        mean: Mean of the logarithms.
        deviation: Standard deviation of the logarithms.
    """

    sign: float
    limit: float | None
    offset: float
    lowest: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Iterable[float], maximize: bool) -> Scale:
        """Return the scale for the values seen so far.

        Args:
            values: Values of the objective, NaN and infinite ones included.
            maximize: Whether larger values are better.
        """
        given = np.fromiter(values, dtype=np.float64)
        finite = np.clip(given[np.isfinite(given)], -MAX_SIZE, MAX_SIZE)
        sign = 1.0 if maximize else -1.0
        if not finite.size:
            return cls(sign, None, 0.0, 0.0, 0.0, 1.0)
        limit = _limit(finite, maximize)
        errors = np.empty(0) if limit is None else np.abs(limit - finite)
        offset = ERROR_OFFSET_SHARE * float(errors[errors > 0].min(initial=np.inf))
        raw = cls(sign, limit, offset if np.isfinite(offset) else 1e-6, -np.inf, 0.0, 1.0)
        targets = raw.targets(finite)
        best, middle = float(targets.max()), float(np.median(targets))
        lowest = max(float(targets.min()), middle - MAX_FALL * (best - middle)) if best > middle else middle
        clipped = np.maximum(targets, lowest)
        if finite.size < given.size:
            clipped = np.append(clipped, np.full(given.size - finite.size, lowest))
        deviation = float(clipped.std())
        return cls(sign, limit, raw.offset, lowest, float(clipped.mean()), deviation if deviation > 1e-12 else 1.0)

    def targets(self, values: Iterable[float]) -> Array:
        """Return the targets of values of the objective."""
        given = np.fromiter(values, dtype=np.float64)
        finite = np.isfinite(given)
        safe = np.where(finite, np.clip(given, -MAX_SIZE, MAX_SIZE), 0.0)
        if self.limit is None:
            raw = self.sign * safe
        else:
            raw = -np.log(np.maximum(self.sign * (self.limit - safe), 0.0) + self.offset)
        raw = np.where(finite, np.maximum(raw, self.lowest), self.lowest)
        return np.asarray((raw - self.mean) / self.deviation)


def _limit(finite: Array, maximize: bool) -> float | None:
    """Return the best value that an objective with these values can have; None if it is unknown."""
    if not maximize:
        return 0.0 if finite.min() >= 0 else None
    if finite.max() <= 0:
        return 0.0
    return 1.0 if finite.max() <= 1 else None
