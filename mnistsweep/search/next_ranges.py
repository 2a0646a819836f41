"""Ranges to search next: wider where the best trials are at an end of a range, else narrower around the good ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.value_groups import ValueGroups
from mnistsweep.dimensions import Choice, Column, Dimension, Float, Int, Zip
from mnistsweep.intervals import MAX_WHOLE, number_beyond, unit_at
from mnistsweep.space import Point

# An end of a range has won where this many of at least `MIN_BEST` best trials at the end have at most this probability
# by chance.
MIN_BEST, MAX_PROBABILITY = 3, 0.05

# The end of an interval is this share of it; the end of a choice of numbers is its first or last value.
END_SHARE = 0.1

# An end has not won where at least this many trials are nearer to it than the nearest of the best ones.
MIN_FURTHER = 3

# A wider interval is longer by this share, and a logarithmic one by at most a factor of ten.
WIDER_SHARE = 1 / 3

# A narrower interval is at most this share of the interval; otherwise the interval stays as it is.
MAX_NARROWED = 0.8


def end_that_won(dimension: Dimension, best: Sequence[Point], tried: Sequence[Point]) -> str | None:
    """Return the end of a range of numbers where more of the best trials are than chance explains.

    An end has not won where several trials are nearer to it than each of the best ones: they are worse.

    Args:
        dimension: Dimension of the search space.
        best: Points of the best trials at which the dimension is active.
        tried: Points of all trials at which the dimension is active.

    Returns:
        ``lower``, ``upper``, or None.
    """
    if isinstance(dimension, Zip) or (isinstance(dimension, Choice) and not dimension.is_ordered):
        return None
    if len(best) < MIN_BEST:
        return None
    share = 1 / len(dimension.values) if isinstance(dimension, Choice) else END_SHARE
    margin = 0.0 if isinstance(dimension, Choice) else END_SHARE
    places, all_places = _places(dimension, best), _places(dimension, tried)
    for end, distances, others in (("lower", places, all_places), ("upper", 1 - places, 1 - all_places)):
        is_inner = int((others < distances.min()).sum()) >= MIN_FURTHER
        if not is_inner and _unlikely(int((distances <= margin).sum()), len(best), share):
            return end
    return None


def _places(dimension: Column, points: Sequence[Point]) -> NDArray[np.float64]:
    """Return the position of each point in a range of numbers, from 0 to 1."""
    values = [dimension.value_in(point) for point in points]
    if isinstance(dimension, Choice):
        return np.array([dimension.position(value) for value in values]) / max(len(dimension.values) - 1, 1)
    low, high = float(dimension.low), float(dimension.high)
    return np.array([unit_at(low, high, dimension.log, float(value)) for value in values])


def wider(groups: ValueGroups, end: str, keep: NDArray[np.bool_]) -> Column | None:
    """Return a range of numbers that goes beyond an end, without what is clearly worse at the other end.

    Args:
        groups: Groups of the dimension.
        end: ``lower`` or ``upper``.
        keep: Whether each group is to be searched again, ``(groups,)``.

    Returns:
        The wider range; None where the range ends at a natural bound.
    """
    dimension = groups.dimension
    assert not isinstance(dimension, Zip)
    beyond = _beyond(dimension, end)
    if beyond is None:
        return None
    first, last = _run(keep, at_least=2)
    if isinstance(dimension, Choice):
        low, high = groups.bounds(0 if end == "lower" else first, last if end == "lower" else groups.count - 1)
        kept = [value for value in dimension.values if low <= value <= high]
        return replace(dimension, values=(*kept, beyond))
    narrowed = narrower(groups, keep)
    narrowed = narrowed if isinstance(narrowed, Int | Float) else dimension
    low, high = (beyond, narrowed.high) if end == "lower" else (narrowed.low, beyond)
    return _interval(dimension, low, high)


def narrower(groups: ValueGroups, keep: NDArray[np.bool_]) -> Dimension | None:
    """Return the dimension with the values of some groups; None where this is (nearly) the whole dimension.

    Args:
        groups: Groups of the dimension.
        keep: Whether each group is to be searched again, ``(groups,)``; of numbers, the groups between two such ones
            are searched, too.
    """
    dimension = groups.dimension
    kept = _hull(keep) if groups.is_ordered else keep
    if kept.all() or not kept.any():
        return None
    if isinstance(dimension, Zip):
        return replace(dimension, values=tuple(row for row, one in zip(dimension.values, kept, strict=True) if one))
    if isinstance(dimension, Choice) and not groups.is_ordered:
        return replace(dimension, values=tuple(value for value, one in zip(dimension.values, kept, strict=True) if one))
    low, high = groups.bounds(*_run(kept))
    if isinstance(dimension, Choice):
        return replace(dimension, values=tuple(value for value in dimension.values if low <= value <= high))
    return _rounded(dimension, low, high)


def _rounded(dimension: Int | Float, low: float, high: float) -> Column | None:
    """Return an interval within another one, with bounds of few digits; None where it is nearly the same."""
    if isinstance(dimension, Int):
        low, high = max(dimension.low, math.floor(low)), min(dimension.high, math.ceil(high))
    else:
        step = None if dimension.log else high - low
        low = max(dimension.low, _round(low, step, ROUND_FLOOR))
        high = min(dimension.high, _round(high, step, ROUND_CEILING))
    places = [unit_at(dimension.low, dimension.high, dimension.log, bound) for bound in (low, high)]
    if low > high or (dimension.log and low <= 0) or places[1] - places[0] > MAX_NARROWED:
        return None
    return _interval(dimension, low, high)


def _interval(dimension: Int | Float, low: float, high: float) -> Column:
    """Return an interval with other bounds."""
    if isinstance(dimension, Int):
        return replace(dimension, low=int(low), high=int(high))
    return replace(dimension, low=low, high=high)


def _round(number: float, width: float | None, rounding: str) -> float:
    """Return a number with two digits, or with the digits that matter in an interval of a width."""
    size = abs(number) if width is None else width
    if number == 0 or not 0 < size < math.inf:
        return number
    digits = Decimal((0, (1,), math.floor(math.log10(size)) - 1))
    exact = Decimal(repr(float(number)))
    if exact.adjusted() - digits.adjusted() > 20:  # more digits than the number has
        return number
    return float(exact.quantize(digits, rounding=rounding))


def _hull(keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the groups from the first to the last that is kept."""
    hull = np.zeros(len(keep), bool)
    if keep.any():
        places = np.flatnonzero(keep)
        hull[places[0] : places[-1] + 1] = True
    return hull


def _run(keep: NDArray[np.bool_], at_least: int = 1) -> tuple[int, int]:
    """Return the first and the last group that is kept, with neighbours where there are too few."""
    places = np.flatnonzero(keep)
    first, last = (int(places[0]), int(places[-1])) if len(places) else (0, len(keep) - 1)
    if last - first + 1 < at_least:
        first, last = max(first - 1, 0), min(last + 1, len(keep) - 1)
    return first, last


def _unlikely(there: int, best: int, share: float) -> bool:
    """Return whether this number of the best trials in this share of the range is unlikely (binomial tail)."""
    from scipy.special import bdtrc

    return 2 * there > best and bool(bdtrc(there - 1, best, share) <= MAX_PROBABILITY)


def _beyond(dimension: Column, end: str) -> float | None:
    """Return a value beyond an end of a range, on the same scale; None where the range ends at a natural bound.

    It is a whole number if all values of the range are.
    """
    if isinstance(dimension, Choice):
        near, inner = dimension.values[:2] if end == "lower" else dimension.values[:-3:-1]
        whole = all(isinstance(value, int) for value in dimension.values)
        log = near > 0 and inner > 0 and _geometric(dimension.values)
        other = inner
    else:
        near, other = (dimension.low, dimension.high) if end == "lower" else (dimension.high, dimension.low)
        whole, log = isinstance(dimension, Int), dimension.log
    share = 1.0 if isinstance(dimension, Choice) else WIDER_SHARE
    if log and not isinstance(dimension, Choice):
        decades = abs(math.log10(near) - math.log10(other))
        share = min(share, 1 / decades) if decades else share
    far = number_beyond(float(near), float(other), log, share)
    if not math.isfinite(far) or (whole and abs(far) > MAX_WHOLE):
        return None
    far = round(far) if whole else float(f"{far:.2g}")
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
