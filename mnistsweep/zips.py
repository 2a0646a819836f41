"""Swept keys that go together: the first value of each with the first of the others, the second with the second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mnistsweep.conditions import Condition
from mnistsweep.dimension_values import Value, contains_nan, identity, value_text
from mnistsweep.errors import SpaceError

Row = tuple[Value, ...]
"""One value for each key of a zip."""


@dataclass(frozen=True)
class Zip:
    """A dimension of several keys. An oracle searches it as one choice; tables have a column for each key.

    Attributes:
        keys: Configuration keys that the dimension varies, at least two.
        values: Combinations, each with one value for each key, in the order given.
        conditions: Conditions under which all the keys are active; empty: always.

    Raises:
        SpaceError: There are fewer than two keys or no combination, a value is NaN, a combination is listed twice, or
            does not have one value for each key.

    Example:
        >>> zipped = Zip(("model.filters", "model.kernel_size"), ((16, 5), (32, 3)))
        >>> zipped.size, zipped.entries(zipped.value_at(0.6))
        (2, {'model.filters': 32, 'model.kernel_size': 3})
    """

    keys: tuple[str, ...]
    values: tuple[Row, ...]
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        if len(self.keys) < 2 or not self.values or any(len(row) != len(self.keys) for row in self.values):
            raise SpaceError(f"{self.name}: a zip has two keys or more, and combinations of a value for each.")
        for key, column in zip(self.keys, zip(*self.values, strict=True), strict=True):
            if contains_nan(column):
                raise SpaceError(f"{key}: NaN cannot be a value of a zip; remove it.")
        counts = Counter(map(_row_identity, self.values))
        repeated = next((row for row in self.values if counts[_row_identity(row)] > 1), None)
        if repeated is not None:
            shown = ", ".join(f"{key}={value_text(value)}" for key, value in self.entries(repeated).items())
            raise SpaceError(f"zip: each combination is listed once; received {shown} more than once.")

    @property
    def name(self) -> str:
        """Name of the dimension: its keys, joined by commas."""
        return ",".join(self.keys)

    @property
    def size(self) -> int | None:
        """Number of combinations."""
        return len(self.values)

    @cached_property
    def _positions(self) -> dict[Hashable, int]:
        return {_row_identity(row): position for position, row in enumerate(self.values)}

    def grid(self) -> Sequence[Row]:
        """Return all combinations."""
        return self.values

    def value_at(self, unit: float) -> Row:
        """Return the combination at a position in [0, 1); each covers the same length."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def position(self, row: Row) -> int:
        """Return the index of a combination.

        Raises:
            SpaceError: The zip does not have this combination.
        """
        position = self._positions.get(_row_identity(row))
        if position is None:
            raise SpaceError(f"{self.name}: must be one of {self.describe()}; received {row!r}.")
        return position

    def entries(self, row: Row) -> dict[str, Value]:
        """Return a combination as a part of a point."""
        return dict(zip(self.keys, row, strict=True))

    def value_in(self, point: Mapping[str, Value]) -> Row:
        """Return the combination of a point where the zip is active."""
        return tuple(point[key] for key in self.keys)

    def rows(self, allowed: Mapping[str, Sequence[Value]]) -> list[Row]:
        """Return the combinations with certain values.

        Args:
            allowed: Values that a key may have, by key; a key that is missing may have any value.

        Example:
            >>> Zip(("a", "b"), ((1, 5), (1, 7), (2, 7))).rows({"b": [7]})
            [(1, 7), (2, 7)]
        """
        identities = {key: set(map(identity, allowed[key])) for key in self.keys if key in allowed}
        return [
            row
            for row in self.values
            if all(
                identity(value) in identities.get(key, (identity(value),)) for key, value in self.entries(row).items()
            )
        ]

    def describe(self) -> str:
        """Return the combinations as text, such as ``zip((16, 5), (32, 3))``."""
        rows = (", ".join(map(value_text, row)) for row in self.values)
        return f"zip({', '.join(f'({row})' for row in rows)})"


def _row_identity(row: Row) -> Hashable:
    return tuple(map(identity, row))
