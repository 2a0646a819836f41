"""Ranges of a search space as a Python program writes them: `Int`, `Float` and `Choice`, without a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from mnistsweep import dimensions
from mnistsweep.config.overrides import param_text
from mnistsweep.dimensions import Column
from mnistsweep.errors import SpaceError


@dataclass(frozen=True)
class Int:
    """A whole number between two bounds, both included.

    Args:
        low: Smallest value.
        high: Largest value.
        log: Whether values are drawn uniformly on a logarithmic scale; needs a `low` above zero.

    Example:
        >>> Int(16, 256, log=True).dimension("units")
        Int(key='units', low=16, high=256, log=True, conditions=())
    """

    low: int
    high: int
    log: bool = False

    def dimension(self, key: str) -> Column:
        """The dimension of the search with this range.

        Args:
            key: Key of the dimension.

        Raises:
            SpaceError: A bound is no whole number, or the bounds are contradictory.
        """
        _check_bounds(key, self, Integral, "whole numbers")
        return dimensions.Int(key, int(self.low), int(self.high), bool(self.log))


@dataclass(frozen=True)
class Float:
    """A real number between two bounds, both included.

    Args:
        low: Smallest value.
        high: Largest value.
        log: Whether values are drawn uniformly on a logarithmic scale; needs a `low` above zero.

    Example:
        >>> Float(1e-4, 1e-1, log=True).dimension("rate")
        Float(key='rate', low=0.0001, high=0.1, log=True, conditions=())
    """

    low: float
    high: float
    log: bool = False

    def dimension(self, key: str) -> Column:
        """The dimension of the search with this range.

        Args:
            key: Key of the dimension.

        Raises:
            SpaceError: A bound is no number, or the bounds are contradictory.
        """
        _check_bounds(key, self, Real, "numbers")
        return dimensions.Float(key, float(self.low), float(self.high), bool(self.log))


class Choice:
    """One of some values: numbers, texts, booleans, None, or lists and dictionaries of these.

    Args:
        values: Values; a single list or tuple is the list of the values.

    Example:
        >>> Choice("relu", "gelu") == Choice(["relu", "gelu"])
        True
    """

    def __init__(self, *values: Any) -> None:
        is_list = len(values) == 1 and isinstance(values[0], list | tuple | range)
        self.values: tuple[Any, ...] = tuple(values[0]) if is_list else values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choice) and self.values == other.values

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"Choice({', '.join(map(repr, self.values))})"

    def dimension(self, key: str) -> Column:
        """The dimension of the search with these values.

        Args:
            key: Key of the dimension.

        Raises:
            SpaceError: There is no value, a value is listed twice, or it is no plain value.
        """
        return dimensions.Choice(key, self.plain_values(key))

    def plain_values(self, key: str) -> tuple[Any, ...]:
        """The values as YAML can store them, in the order given, which the key `zip` needs; a dimension sorts numbers.

        Args:
            key: Key of the dimension, for the message.

        Raises:
            SpaceError: One is no plain value.
        """
        return tuple(plain_value(key, value) for value in self.values)


Range = Int | Float | Choice


def as_range(value: Any) -> Range | None:
    """The range that a value of a space stands for: a list is a choice; None for a fixed value.

    Example:
        >>> as_range(["relu", "gelu"]), as_range("relu")
        (Choice('relu', 'gelu'), None)
    """
    if isinstance(value, Int | Float | Choice):
        return value
    return Choice(value) if isinstance(value, list | tuple | range) else None


def plain_value(key: str, value: Any) -> Any:
    """A value as YAML can store it: numbers of NumPy become Python's, tuples become lists.

    Args:
        key: Key of the value, for the message.
        value: Value of a space or of a keyword argument.

    Raises:
        SpaceError: It is an object of another kind.
    """
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [plain_value(key, item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain_value(key, item) for name, item in value.items()}
    raise SpaceError(
        f"{key}: values must be numbers, texts, booleans, None, or lists and dictionaries of these, because each trial "
        f"records them; received {type(value).__name__}; give a name for it, and look the name up in your function."
    )


def range_text(given: Range, key: str) -> str:
    """A range in the grammar of overrides; the values of a choice in the order given.

    Args:
        given: Range of a space.
        key: Key of the dimension, for the message.

    Example:
        >>> range_text(Choice(3, 1, None), "x"), range_text(Int(1, 9, log=True), "x")
        ('3,1,null', 'int(tag(log, interval(1, 9)))')
    """
    return param_text(list(given.plain_values(key))) if isinstance(given, Choice) else given.dimension(key).describe()


def _check_bounds(key: str, given: Int | Float, kind: type, words: str) -> None:
    for bound in (given.low, given.high):
        if not isinstance(bound, kind) or isinstance(bound, bool):
            raise SpaceError(f"{key}: the bounds of {type(given).__name__} must be {words}; received {bound!r}.")
