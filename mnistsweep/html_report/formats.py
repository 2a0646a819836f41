"""How numbers are written on the page."""

from __future__ import annotations

from mnistsweep.analysis.accuracy import Interval


def percent(share: float, decimals: int = 2) -> str:
    """A share as it is read.

    Args:
        share: 0 to 1.
        decimals: Digits behind the point.

    Example:
        >>> percent(0.99213)
        '99.21 %'
    """
    return f"{100 * share:.{decimals}f} %"


def percents(low: float, high: float) -> str:
    """An interval of shares.

    Args:
        low: Its lower end, 0 to 1.
        high: Its upper end.

    Example:
        >>> percents(0.9902, 0.9937)
        '99.02 to 99.37 %'
    """
    return f"{100 * low:.2f} to {100 * high:.2f} %"


def between(interval: Interval) -> str:
    """An interval of shares, as `percents` writes it."""
    return percents(interval.low, interval.high)
