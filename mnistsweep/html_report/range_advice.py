"""Advice on ranges of the search space that should be extended, because the best trials are at one of their ends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from mnistsweep.dimensions import Choice, Column, Int, Zip
from mnistsweep.html_report.figures.axes import make_axis
from mnistsweep.html_report.scored_trials import ScoredTrials
from mnistsweep.intervals import number_beyond

# The best trials are this share of at least `MIN_TRIALS` trials, and at least `MIN_BEST`.
BEST_SHARE, MIN_BEST, MIN_TRIALS = 0.1, 3, 10

# The end of an interval is this share of it; the end of a choice of numbers is its first or last value.
END_SHARE = 0.1

# Advice is given where this many of the best trials at one end have at most this probability by chance.
MAX_PROBABILITY = 0.05


def range_advice(trials: ScoredTrials) -> list[str]:
    """Return a sentence for each end of a range with more of the best trials than chance explains.

    Args:
        trials: Scored trials.
    """
    if len(trials.values) < MIN_TRIALS:
        return []
    best = trials.order[: max(MIN_BEST, math.ceil(BEST_SHARE * len(trials.values)))]
    if len(best) < MIN_BEST:
        return []
    single = [dimension for dimension in trials.space.dimensions if not isinstance(dimension, Zip)]
    return [sentence for dimension in single for sentence in _sentences(trials, dimension, best)]


def _sentences(trials: ScoredTrials, dimension: Column, best: Any) -> Iterator[str]:
    scale = make_axis(trials.space, dimension.key)
    if not scale.ordered or scale.high == scale.low:
        return
    positions = scale.positions([trials.points[index] for index in best])
    places = (positions[np.isfinite(positions)] - scale.low) / (scale.high - scale.low)
    share = 1 / len(dimension.values) if isinstance(dimension, Choice) else END_SHARE
    margin = 0.0 if isinstance(dimension, Choice) else END_SHARE
    for end, there in (("lower", places <= margin), ("upper", places >= 1 - margin)):
        beyond = _beyond(dimension, end)
        if beyond is None or not _unlikely(int(there.sum()), len(places), share):
            continue
        which = f"{int(there.sum())} of the {len(places)} best trials"
        which = f"all {len(places)} best trials" if there.all() else which
        if isinstance(dimension, Choice):
            value = dimension.values[0 if end == "lower" else -1]
            yield (
                f"Add {beyond:g} to the values of {dimension.key}: {which} have the "
                f"{'smallest' if end == 'lower' else 'largest'} value, {value:g}."
            )
        else:
            yield (
                f"Extend the range of {dimension.key} to {beyond:g}: {which} are in the {end} tenth of the range, "
                f"{dimension.low:g} to {dimension.high:g}."
            )


def _unlikely(there: int, best: int, share: float) -> bool:
    """Return whether this number of the best trials in this share of the range is unlikely (binomial tail)."""
    from scipy.stats import binom

    return 2 * there > best >= MIN_BEST and bool(binom.sf(there - 1, best, share) <= MAX_PROBABILITY)


def _beyond(dimension: Column, end: str) -> float | None:
    """Return a value beyond an end of a range, on the same scale; None where the range ends at a natural bound."""
    if isinstance(dimension, Choice):
        near, inner = dimension.values[:2] if end == "lower" else dimension.values[:-3:-1]
        whole = all(isinstance(value, int) for value in dimension.values)
        log = near > 0 and inner > 0 and _geometric(dimension.values)
        other = inner
    else:
        near, other = (dimension.low, dimension.high) if end == "lower" else (dimension.high, dimension.low)
        whole, log = isinstance(dimension, Int), dimension.log
    far = number_beyond(float(near), float(other), log, 1.0 if isinstance(dimension, Choice) else 1 / 3)
    if not math.isfinite(far):
        return None
    far = float(round(far)) if whole else float(f"{far:.2g}")
    if not log and not whole and 0 < near < 1 <= far and other < 1:  # a share, such as dropout, stays below 1
        far = float(f"{(1 + near) / 2:.2g}")
    if end == "lower":
        return far if 0 < far < near else None
    return far if far > near else None


def _geometric(values: tuple[Any, ...]) -> bool:
    """Return whether numbers grow by a constant factor rather than by a constant step."""
    numbers = np.array(values, dtype=float)
    if numbers[0] <= 0:
        return False
    with np.errstate(over="ignore", invalid="ignore"):  # infinite and NaN compare as "not geometric"
        ratios, steps = numbers[1:] / numbers[:-1], np.diff(numbers)
        return bool(np.ptp(ratios) / ratios.mean() < np.ptp(steps) / steps.mean())
