"""Residuals of predicted numbers against another variable: whether the errors depend on it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Floats

# Number of bins, each with about the same number of examples.
NUM_BINS = 10

# Minimum number of examples in a bin, so that its interval means something.
MIN_IN_BIN = 5


@dataclass(frozen=True, eq=False)
class ResidualTrend:
    """Mean residual in bins of a variable. A residual is ``prediction - target``.

    Attributes:
        centre: Median of the variable in each bin, ``(bins,)``.
        mean: Mean residual in each bin.
        low: Lower end of its 95 % interval (normal approximation).
        high: Upper end of its 95 % interval.
        correlation: Rank correlation of the residuals with the variable (Spearman 1904), -1 to 1; NaN where the
            variable or the residual is constant.
        p_value: Probability of such a correlation by chance; NaN where it is not defined.
    """

    centre: Floats
    mean: Floats
    low: Floats
    high: Floats
    correlation: float
    p_value: float


def residual_trend(variable: Any, residuals: Any) -> ResidualTrend:
    """Measure how residuals depend on a variable.

    Args:
        variable: Values of the variable, ``(n,)``.
        residuals: ``prediction - target``, ``(n,)``.

    Example:
        >>> found = residual_trend(np.arange(100), np.arange(100) / 100)
        >>> round(found.correlation, 6), len(found.mean)
        (1.0, 10)
    """
    values, errors = np.asarray(variable, np.float64), np.asarray(residuals, np.float64)
    order = np.argsort(values, kind="stable")
    number = int(np.clip(len(values) // MIN_IN_BIN, 1, NUM_BINS))
    bins = _bins(values[order], number)
    rows = [(np.median(values[order][part]), *_interval(errors[order][part])) for part in bins]
    centre, mean, low, high = np.array(rows, np.float64).T
    return ResidualTrend(centre, mean, low, high, *_correlation(values, errors))


def _bins(ordered: Floats, number: int) -> list[slice]:
    """Slices of about equal size; equal values are in the same one."""
    cuts = np.linspace(0, len(ordered), number + 1).astype(int)
    cuts = np.unique([0, *(np.searchsorted(ordered, ordered[cut]) for cut in cuts[1:-1]), len(ordered)])
    return [slice(int(start), int(end)) for start, end in itertools.pairwise(cuts)]


def _interval(errors: Floats) -> tuple[float, float, float]:
    mean = float(errors.mean())
    half = 1.96 * float(errors.std(ddof=1)) / len(errors) ** 0.5 if len(errors) > 1 else 0.0
    return mean, mean - half, mean + half


def _correlation(values: Floats, errors: Floats) -> tuple[float, float]:
    from scipy.stats import spearmanr

    if len(values) < 3 or np.ptp(values) == 0 or np.ptp(errors) == 0:
        return float("nan"), float("nan")
    found = spearmanr(values, errors)
    return float(found.statistic), float(found.pvalue)
