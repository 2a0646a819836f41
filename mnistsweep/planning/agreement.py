"""Whether a trial of a former sweep holds for another sweep, and at which point of its space.

It holds if the other sweep would train the same configuration at some point of its space. So the whole configurations
are compared, and it does not matter which of the two sweeps searched a key and which one fixed it. Only the number of
epochs may differ, where a training of more epochs contains that of fewer (`nesting`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mnistsweep.config.added_keys import without_added_keys
from mnistsweep.config.constraints import PARAMETERS
from mnistsweep.config.overrides import GROUPS
from mnistsweep.config.trials import path_of
from mnistsweep.dimensions import Column, Value, summary
from mnistsweep.models.hypermodels import has_own_fit
from mnistsweep.planning.nesting import reason_of_configuration
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.trial_contents import is_same
from mnistsweep.redaction import mask_values
from mnistsweep.space import Point
from mnistsweep.study.nested_epochs import EPOCHS

IGNORED = ("trainer.threads", "trainer.deterministic")
"""Keys that change a training by rounding alone."""

MOVABLE = "data.path"
"""Key of the data's place: the checksum of the data is compared in its place, unless data sets or places are searched.

The checksum is that of the first of them.
"""

DATA = "data"

ABSENT = "absent"


@dataclass(frozen=True)
class Difference:
    """A key for which a former trial does not hold.

    Attributes:
        key: Key of the configuration.
        theirs: Value of the former trial, without secrets.
        ours: Value of the other sweep, or a text of its values, without secrets.
    """

    key: str
    theirs: Any
    ours: Any


class Agreement:
    """Compares the trials of a former sweep with the configurations of another one.

    Args:
        plan: Plan of the sweep that starts warm.
        former: Plan of the former sweep.
    """

    def __init__(self, plan: Plan, former: Plan) -> None:
        self._plan = plan
        self._former = former
        is_moved = {MOVABLE, DATA}.isdisjoint((*plan.space.keys, *former.space.keys))
        self._ignored = {*IGNORED, *([MOVABLE] if is_moved else [])}

    def find(self, point: Point) -> Point | list[Difference]:
        """Return the point at which the sweep would train the configuration of a former trial, or what prevents it.

        Args:
            point: Point of the former trial in the space of its own sweep.
        """
        content = _content(self._former, point)
        values = {column.key: self._values(column, point, content) for column in self._plan.space.columns}
        theirs, found = self._leaves(content), list[list[Difference]]()
        for candidate in self._plan.space.product(values):
            ours = _content(self._plan, candidate)
            differences = _differences(theirs, self._leaves(ours))
            if not differences or ([one.key for one in differences] == [EPOCHS] and self._is_nested(ours)):
                return candidate
            found.append(differences)
        if found:
            return min(found, key=len)
        outside = [column for column in self._plan.space.columns if not values[column.key]]
        return [Difference(one.key, mask_values(_at(content, one.key), one.key), summary(one)) for one in outside]

    def _values(self, column: Column, point: Point, content: Mapping[str, Any]) -> Sequence[Value]:
        """Return the values of a dimension that a former trial may have: of a config group, all presets."""
        if column.key in point:
            value = point[column.key]
        elif column.key in self._plan.groups:
            return column.grid()
        else:
            value = _at(content, column.key)
        return [column.cast(value)] if value is not ABSENT and column.contains(value) else []

    def _is_nested(self, content: Mapping[str, Any]) -> bool:
        """Return whether a training of more epochs contains that of fewer."""
        plan = self._plan
        is_measured = any(one.name != PARAMETERS for one in plan.constraints)
        is_free = plan.program is None and EPOCHS not in plan.space.keys and not is_measured
        is_free = is_free and not plan.not_nested
        return is_free and not reason_of_configuration(content) and not self._has_own_fit

    @cached_property
    def _has_own_fit(self) -> bool:
        return any(map(has_own_fit, self._plan.own_models()))

    def _leaves(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values by dotted key, without those that do not count and without secrets."""
        leaves = dict(_flat(mask_values(without_added_keys(content))))
        return {key: value for key, value in leaves.items() if key not in self._ignored}


def _content(plan: Plan, point: Point) -> dict[str, Any]:
    """Return what a trial trains: keys of the configuration, or those of the program that it runs."""
    if plan.program is None:
        plain = plan.composer.plain(point, plan.config.seed)
        return {key: plain[key] for key in ("trainer", *GROUPS)}
    content = copy.deepcopy(dict(plan.program.get("config", {})))
    for key, value in point.items():
        inner, (*above, name) = content, key.split(".")
        for part in above:
            if not isinstance(inner.get(part), dict):
                inner[part] = {}
            inner = inner[part]
        inner[name] = value
    return content


def _flat(content: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if not isinstance(content, Mapping) or not content:
        return [(prefix, content)]
    return [leaf for key, value in content.items() for leaf in _flat(value, f"{prefix}.{key}".lstrip("."))]


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[Difference]:
    """Return the keys with different values, in the order of the former trial."""
    keys = dict.fromkeys([*theirs, *ours])
    pairs = {key: (theirs.get(key, ABSENT), ours.get(key, ABSENT)) for key in keys}
    return [
        Difference(key, their, our)
        for key, (their, our) in pairs.items()
        if not is_same(their, our) or isinstance(their, bool) != isinstance(our, bool)
    ]


def _at(content: Any, key: str) -> Any:
    for part in path_of(key):
        content = content.get(part, ABSENT) if isinstance(content, Mapping) else ABSENT
    return content
