"""Paired differences of scores that were measured with the same seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Floats
from mnistsweep.errors import DataError

# Confidence level of each interval; there is no correction for several intervals.
CONFIDENCE_LEVEL = 0.95

# Differences with a smaller range count as equal: rounding makes differences of equal fractions differ slightly.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class PairedDifference:
    """Paired difference of scores, with a t interval over seeds.

    Attributes:
        values: Difference for each seed, ``(seeds,)``.
        mean: Mean of the differences.
        low: Lower end of the 95 % interval; NaN without spread: with one seed, or if all differences are equal.
        high: Upper end of the 95 % interval; NaN without spread.
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
    """Mean difference of scores that were measured with the same seeds: ``mean ± t(0.975, n - 1) s / sqrt(n)``.

    The interval is that of the paired t test (Student 1908). It covers the variation over seeds, not over validation
    images.

    Args:
        scores: Score of each seed, ``(seeds,)``.
        reference: Score of each seed to subtract, ``(seeds,)``, in the same order.

    Raises:
        DataError: The arrays are empty or differ in length.

    Example:
        >>> difference = paired_difference([0.93, 0.94, 0.95], [0.92, 0.92, 0.92])
        >>> f"{difference.mean:.3f} ({difference.low:.4f} to {difference.high:.4f})"
        '0.020 (-0.0048 to 0.0448)'
    """
    from scipy.stats import ttest_rel

    ours, theirs = np.asarray(scores, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if ours.ndim != 1 or ours.shape != theirs.shape or not len(ours):
        raise DataError(
            f"scores: must be (seeds,) for both, one score per seed, received the shapes {ours.shape} and "
            f"{theirs.shape}."
        )
    values = ours - theirs
    mean = float(values.mean())
    if np.ptp(values) < ROUNDING:
        return PairedDifference(values, mean, float("nan"), float("nan"))
    interval = ttest_rel(ours, theirs).confidence_interval(CONFIDENCE_LEVEL)
    return PairedDifference(values, mean, float(interval.low), float(interval.high))


def format_points(difference: PairedDifference) -> str:
    """Format a difference of accuracies in percentage points, with its interval.

    Example:
        >>> format_points(PairedDifference(np.array([0.01, 0.02]), 0.015, -0.0485, 0.0785))
        '+1.50 points (-4.85 to +7.85)'
    """
    has_interval = np.isfinite(difference.low)
    interval = f" ({100 * difference.low:+.2f} to {100 * difference.high:+.2f})" if has_interval else ""
    return f"{100 * difference.mean:+.2f} points{interval}"
