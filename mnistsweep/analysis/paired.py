"""Differences of scores that were taken in pairs, with the same seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Floats
from mnistsweep.errors import DataError

# Of each interval, by itself.
LEVEL = 0.95

# Differences of the same two fractions of a set differ by so little.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class PairedDifference:
    """A paired difference of scores, with a t interval over seeds.

    Attributes:
        values: One a seed, ``(seeds,)``.
        mean: Theirs.
        low: Of the 95 % interval; NaN where there is no spread to judge by: one seed, or all differ by the same.
        high: Likewise.
    """

    values: Floats
    mean: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def paired_difference(scores: Any, reference: Any) -> PairedDifference:
    """The mean difference of scores that were taken with the same seeds: ``mean ± t(0.975, n - 1) s / sqrt(n)``.

    Student (1908). The interval is over seeds: it says nothing about other validation images.

    Args:
        scores: One a seed, ``(seeds,)``.
        reference: Likewise, in the same order.

    Raises:
        DataError: They are not as many.

    Example:
        >>> difference = paired_difference([0.93, 0.94, 0.95], [0.92, 0.92, 0.92])
        >>> f"{difference.mean:.3f} ({difference.low:.4f} to {difference.high:.4f})"
        '0.020 (-0.0048 to 0.0448)'
    """
    from scipy import stats

    ours, theirs = np.asarray(scores, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if ours.ndim != 1 or ours.shape != theirs.shape or not len(ours):
        raise DataError(f"scores: one a seed, for both; received the shapes {ours.shape} and {theirs.shape}.")
    values = ours - theirs
    mean, count = float(values.mean()), len(values)
    if np.ptp(values) < ROUNDING:
        return PairedDifference(values, mean, float("nan"), float("nan"))
    half = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * values.std(ddof=1) / np.sqrt(count))
    return PairedDifference(values, mean, mean - half, mean + half)


def format_points(difference: PairedDifference) -> str:
    """A difference of accuracies in percentage points, with its interval.

    Example:
        >>> format_points(PairedDifference(np.array([0.01, 0.02]), 0.015, -0.0485, 0.0785))
        '+1.50 points (-4.85 to +7.85)'
    """
    has_interval = np.isfinite(difference.low)
    interval = f" ({100 * difference.low:+.2f} to {100 * difference.high:+.2f})" if has_interval else ""
    return f"{100 * difference.mean:+.2f} points{interval}"
