"""Points of a search space at which its configurations are checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mnistsweep.config.checks import Faults
from mnistsweep.dimensions import Choice, Dimension, Zip
from mnistsweep.errors import SpaceError
from mnistsweep.space import Point, SearchSpace

# Number of values that are checked of a choice of more numbers, and of a choice of more other values (a check takes
# 1 ms): evenly spaced, with the first and the last.
MAX_PROBED_NUMBERS, MAX_PROBED_NAMES = 16, 500


def probes(space: SearchSpace, faults: Faults) -> Iterator[Point]:
    """Points that cover every value of every choice and both ends of every interval.

    Of a choice with many values, `MAX_PROBED_NUMBERS` or `MAX_PROBED_NAMES` values are covered.

    Args:
        space: Search space.
        faults: Collects conditions that are never met.
    """
    centre = [0.0] * len(space.dimensions)
    yield space.point_at(centre)
    for index, dimension in enumerate(space.dimensions):
        with faults.collecting():
            active = _active_units(space, dimension, centre)
            for unit in _units(dimension):
                active[index] = unit
                yield space.point_at(active)


def _units(dimension: Dimension) -> list[float]:
    """Positions in the unit interval that cover the values of a dimension."""
    if not isinstance(dimension, Choice | Zip):
        return [0.0, 0.4, 1.0]  # both ends, and a position between them that is not a whole number
    count = len(dimension.values)
    is_ordered = isinstance(dimension, Choice) and dimension.is_ordered
    most = MAX_PROBED_NUMBERS if is_ordered else MAX_PROBED_NAMES
    shown = list(range(count))
    if count > most:
        shown = [round(step * (count - 1) / (most - 1)) for step in range(most)]
    return [(position + 0.5) / count for position in shown]


def _active_units(space: SearchSpace, dimension: Dimension, centre: Sequence[float]) -> list[float]:
    """A position in the unit cube at which a dimension is active.

    Raises:
        SpaceError: The conditions of the dimension are never met.
    """
    units = list(centre)
    for condition in dimension.conditions:
        place = space.index_of(condition.key)
        parent = space.dimensions[place]
        units = [max(a, b) for a, b in zip(units, _active_units(space, parent, centre), strict=True)]
        steps = len(parent.values) if isinstance(parent, Choice | Zip) else 1000
        met = [unit for unit in ((step + 0.5) / steps for step in range(steps))
               if condition.holds(parent.entries(parent.value_at(unit)))]  # fmt: skip
        if not met:
            wanted = " or ".join(map(str, condition.values))
            raise SpaceError(
                f"{dimension.name}: its condition, {condition.key} = {wanted}, is never met; {condition.key} is "
                f"{space[condition.key].describe()}."
            )
        units[place] = met[0]
    if dimension.keys[0] not in space.point_at(units):
        raise SpaceError(f"{dimension.name}: its conditions are never met together.")
    return units
