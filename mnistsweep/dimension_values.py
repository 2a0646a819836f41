"""Values of dimensions: which of them are the same, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import Any

from mnistsweep.json_values import exact_text, sorted_text

Value = Any


def canonical_value(value: Value) -> Value:
    """Return one form for equal numbers: 64.0 becomes 64; every other value is returned unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def identity(value: Value) -> Hashable:
    """Return an object that is equal for the same values only: 64 and 64.0 are the same, True and 1 are not.

    Args:
        value: Value of a dimension, also a list or a mapping.
    """
    if isinstance(value, list | tuple | dict):
        return (list, exact_text(value))
    return (bool, value) if isinstance(value, bool) else value


def different_values(values: Iterable[Value]) -> tuple[Value, ...]:
    """Return each value once, in the order of their first places.

    Example:
        >>> different_values([5, 3, 5.0, True])
        (5, 3, True)
    """
    different: dict[Hashable, Value] = {}
    for value in values:
        different.setdefault(identity(value), value)
    return tuple(different.values())


def contains_nan(value: Value) -> bool:
    """Return whether a value is NaN, or a list or mapping that contains it: NaN is not even equal to itself."""
    if isinstance(value, list | tuple):
        return any(map(contains_nan, value))
    if isinstance(value, dict):
        return any(map(contains_nan, value.values()))
    return isinstance(value, float) and math.isnan(value)


def value_text(value: Value) -> str:
    """Return a value in the override grammar; a number with six digits if these represent it exactly."""
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return value if isinstance(value, str) else sorted_text(value)
