"""Checks of single values of a configuration."""

from __future__ import annotations

import math
import numbers
from typing import Any


def is_number(value: Any) -> bool:
    """Whether a value is a finite real number; true and false are not.

    Example:
        >>> is_number(0.5), is_number(True), is_number(float("nan"))
        (True, False, False)
    """
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def is_whole_number(value: Any, minimum: int) -> bool:
    """Whether a value is an integer of at least `minimum`; true and false are not.

    Example:
        >>> is_whole_number(1, 1), is_whole_number(0, 1), is_whole_number(1.0, 1)
        (True, False, False)
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= minimum
