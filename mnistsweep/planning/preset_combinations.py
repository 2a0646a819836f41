"""The combinations of presets of a search, which are composed once for all trials."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mnistsweep.dimensions import Choice, Zip
from mnistsweep.space import Point, SearchSpace

# Largest number of combinations of presets in `sweep.yaml`: composing one takes about 60 ms and adds about 60 lines.
MAX_VARIANTS = 8


def preset_combinations(space: SearchSpace, groups: frozenset[str]) -> Iterator[Point]:
    """Yield the combinations of presets of a search if they are few; workers compose other combinations themselves.

    Args:
        space: Search space.
        groups: Swept keys that are config groups.
    """
    swept = [
        dimension
        for dimension in space.dimensions
        if isinstance(dimension, Choice | Zip) and not groups.isdisjoint(dimension.keys) and not dimension.conditions
    ]
    if math.prod(len(dimension.values) for dimension in swept) <= MAX_VARIANTS:
        for point in SearchSpace(tuple(swept)).grid():
            yield {key: value for key, value in point.items() if key in groups}
