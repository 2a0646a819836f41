"""Conditions: a dimension exists only where another one has certain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mnistsweep.dimension_values import Value, identity


@dataclass(frozen=True)
class Condition:
    """Rule that a dimension is active only where another dimension has one of some values.

    Attributes:
        key: Key of the other dimension (the parent).
        values: Values of the parent that meet the condition.
    """

    key: str
    values: tuple[Value, ...]

    def holds(self, point: Mapping[str, Value]) -> bool:
        """Return whether a point meets the condition; a point without the parent does not."""
        return self.key in point and identity(point[self.key]) in map(identity, self.values)
