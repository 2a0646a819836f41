"""Intervals of numbers: limits of their bounds, and positions of numbers in them, on a linear or a logarithmic scale.

A position is a number from 0 (the lower bound) to 1 (the upper bound). The functions also hold where ``high - low`` or
``high / low`` is too large for a floating-point number.
"""

from __future__ import annotations

import math

from mnistsweep.errors import SpaceError

MAX_WHOLE = 2**53 - 1
"""Largest whole number of a search, and of a key: a floating-point number, and so JSON and Optuna's storage, represents
each whole number up to this one, and no other number is rounded to it."""

MAX_ORDINARY_WHOLE = 10**12
"""Largest whole number that Optuna's samplers can handle as such: to them, a number n is the interval from n - 0.5 to
n + 0.5, the probability of which would otherwise be rounded to zero."""

# Optuna's samplers add, square and divide numbers of an interval. Its results are right where the numbers (of a linear
# interval: their distances too) are in this range, and where the bounds differ by at least this share.
MIN_ORDINARY, MAX_ORDINARY, MIN_ORDINARY_SHARE = 1e-100, 1e100, 1e-9


def check_bounds(key: str, low: float, high: float, log: bool) -> None:
    """Check the bounds of an interval.

    Args:
        key: Key of the dimension, for messages.
        low: Smallest number.
        high: Largest number.
        log: Whether the scale is logarithmic.

    Raises:
        SpaceError: A bound is not finite, the bounds are in the wrong order, or `log` with a `low` of zero or less.
    """
    if not (is_finite(low) and is_finite(high)):
        raise SpaceError(f"{key}: the bounds of an interval are finite numbers, received {low} and {high}.")
    if low > high:
        raise SpaceError(
            f"{key}: the first bound of an interval is the smaller one, received {low} > {high}; "
            f"write interval({high}, {low})."
        )
    if log and low <= 0:
        raise SpaceError(f"{key}: a logarithmic interval starts above zero, received {low}; raise the lower bound.")


def check_whole(key: str, number: int, received: str, fix: str | None = None) -> None:
    """Check that a whole number is one that floating-point numbers represent.

    Args:
        key: Key of the dimension, for messages.
        number: Number to check.
        received: Range as the user wrote it, or the number.
        fix: What to write instead; None: the nearest valid number.

    Raises:
        SpaceError: The number is below ``-MAX_WHOLE`` or above `MAX_WHOLE`.
    """
    if abs(number) > MAX_WHOLE:
        nearest = MAX_WHOLE if number > 0 else -MAX_WHOLE
        raise SpaceError(
            f"{key}: a whole number is between {-MAX_WHOLE} and {MAX_WHOLE}, because larger ones would be rounded; "
            f"received {received}; {fix or f'the nearest valid number is {nearest}'}."
        )


def is_finite(number: float) -> bool:
    """Return whether a number is finite; a whole number of any size is."""
    return isinstance(number, int) or math.isfinite(number)


def number_at(low: float, high: float, log: bool, unit: float) -> float:
    """Return the number at a position, on the scale of the interval; rounding may put it slightly outside the bounds.

    Args:
        low: Smallest number.
        high: Largest number.
        log: Whether the scale is logarithmic.
        unit: Position from 0 to 1.

    Example:
        >>> number_at(1e-4, 1e-2, log=True, unit=0.5), number_at(1e-200, 1e200, log=True, unit=0.5)
        (0.001, 1.0)
    """
    if not log:
        span = high - low
        return low + unit * span if math.isfinite(span) else low * (1 - unit) + high * unit
    ratio = high / low
    if math.isfinite(ratio):
        return float(low * ratio**unit)
    return math.exp(math.log(low) * (1 - unit) + math.log(high) * unit)


def unit_at(low: float, high: float, log: bool, number: float) -> float:
    """Return the position of a number, from 0 to 1; the inverse of `number_at`.

    Args:
        low: Smallest number.
        high: Largest number, above `low`.
        log: Whether the scale is logarithmic.
        number: Number within the bounds.

    Example:
        >>> unit_at(-1e308, 1e308, log=False, number=0.0)
        0.5
    """
    if log:
        low, high, number = math.log(low), math.log(high), math.log(number)
        if low == high:  # neighbouring numbers with equal logarithms
            return 0.5
    elif not math.isfinite(high - low):
        low, high, number = low / 2, high / 2, number / 2
    return min(max((number - low) / (high - low), 0.0), 1.0)


def number_beyond(near: float, other: float, log: bool, share: float) -> float:
    """Return the number beyond one bound, at a share of the distance between the bounds; infinite if it is too large.

    Args:
        near: Bound beyond which the number is.
        other: Other bound.
        log: Whether the scale is logarithmic.
        share: Distance from `near`, as a share of the distance between the bounds.
    """
    if not log:
        return near + share * (near - other)
    ratio = near / other
    try:
        return float(near * ratio**share)
    except (OverflowError, ZeroDivisionError):
        return math.inf if near > other else 0.0


def is_ordinary(low: float, high: float, log: bool) -> bool:
    """Return whether Optuna's arithmetic holds in an interval of real numbers.

    Args:
        low: Smallest number.
        high: Largest number.
        log: Whether the scale is logarithmic.
    """
    if low == high:
        return True
    size = max(abs(low), abs(high))
    smallest = low if log else high - low
    return size <= MAX_ORDINARY and smallest >= MIN_ORDINARY and high - low >= MIN_ORDINARY_SHARE * size
