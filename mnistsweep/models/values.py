"""Checks of single values of a configuration."""

from __future__ import annotations

import math
import numbers
import sys
from typing import Any


def is_number(value: Any) -> bool:
    """Whether a value is a finite real number; true and false are not.

    Example:
        >>> is_number(0.5), is_number(True), is_number(float("nan"))
        (True, False, False)
    """
    if isinstance(value, numbers.Integral):  # `math.isfinite` fails for one that no float can represent
        return not isinstance(value, bool) and abs(int(value)) <= sys.float_info.max
    return isinstance(value, numbers.Real) and math.isfinite(value)


def is_whole_number(value: Any, minimum: int, maximum: int) -> bool:
    """Whether a value is an integer within bounds, both included; true and false are not.

    Example:
        >>> is_whole_number(1, 1, 9), is_whole_number(0, 1, 9), is_whole_number(1.0, 1, 9)
        (True, False, False)
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and minimum <= int(value) <= maximum
