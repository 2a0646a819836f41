"""Enqueued points (config key `enqueue`): the user gives them in full or in part, and the first trials try them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mnistsweep.dimensions import Condition, Zip, is_active, summary
from mnistsweep.errors import suggest
from mnistsweep.space import Point, SearchSpace


def check_enqueued(space: SearchSpace, enqueued: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a message for each error in the enqueued points.

    Errors are unknown keys, values outside the space, and values that exclude each other by the space's conditions.

    Args:
        space: Search space of the sweep.
        enqueued: Enqueued points, in full or in part.
    """
    faults = []
    for index, given in enumerate(enqueued):
        where = f"enqueue[{index}]"
        if not isinstance(given, Mapping):
            faults.append(f"{where}: a point is {{key: value, ...}}, received {given!r}.")
            continue
        for key, value in given.items():
            if key not in space.keys:
                faults.append(f"{where}.{key}: not a dimension of this sweep; {suggest(str(key), space.keys)}.")
            elif not space[key].contains(value):
                faults.append(f"{where}.{key}: {value!r} is outside {space[key].describe()}.")
        if not faults:
            faults += _contradictions(space, where, given)
    return faults


def complete(space: SearchSpace, given: Mapping[str, Any], rng: np.random.Generator) -> Point:
    """Return a full point from a partial one.

    Given values are kept. The other values are drawn at random, such that all given dimensions are active.

    Args:
        space: Search space of the sweep.
        given: Partial point that `check_enqueued` accepts.
        rng: Generator of the missing values.

    Example:
        >>> from mnistsweep.dimensions import Choice, Condition, Float
        >>> momentum = Float("optimizer.momentum", 0, 0.9, conditions=(Condition("optimizer", ("sgd",)),))
        >>> space = SearchSpace((Choice("optimizer", ("adam", "sgd", "rmsprop")), momentum))
        >>> complete(space, {"optimizer.momentum": 0.5}, np.random.default_rng(0))
        {'optimizer': 'sgd', 'optimizer.momentum': 0.5}
    """
    required = _required_values(space, given)
    point: Point = {}
    for dimension, unit in zip(space.dimensions, rng.random(len(space.dimensions)).tolist(), strict=True):
        if not is_active(dimension, point):
            continue
        if isinstance(dimension, Zip):
            rows = _rows(dimension, given, required)
            point |= dimension.entries(rows[int(unit * len(rows))])
        elif dimension.key in given:
            point[dimension.key] = dimension.cast(given[dimension.key])
        elif dimension.key in required:
            values = required[dimension.key]
            point[dimension.key] = values[int(unit * len(values))]
        else:
            point[dimension.key] = dimension.value_at(unit)
    return point


def _rows(zipped: Zip, given: Mapping[str, Any], required: Mapping[str, list[Any]]) -> list[tuple[Any, ...]]:
    """Return the combinations of a zip with the given and the required values."""
    return zipped.rows({**required, **{key: [value] for key, value in given.items()}})


def _required_values(space: SearchSpace, given: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the values that parents must have so that all given dimensions are active, by the parent's key."""
    required: dict[str, list[Any]] = {}
    for dimension in reversed(space.columns):
        if dimension.key in given or dimension.key in required:
            for condition in dimension.conditions:
                parent = space[condition.key]
                default = [value for value in condition.values if parent.contains(value)]
                values = required.get(condition.key, default)
                required[condition.key] = [parent.cast(v) for v in values if condition.holds({condition.key: v})]
    return required


def _contradictions(space: SearchSpace, where: str, given: Mapping[str, Any]) -> list[str]:
    """Return a message for each given dimension that is inactive with the other given values."""
    required = _required_values(space, given)
    faults = []
    for parent, values in required.items():
        if not values or (parent in given and not Condition(parent, tuple(values)).holds(given)):
            children = [d.key for d in space.columns if any(c.key == parent for c in d.conditions)]
            child = next(key for key in children if key in given or key in required)
            allowed = " or ".join(map(str, values)) or "no value that they share"
            received = f"{parent}={given.get(parent)}"
            faults.append(f"{where}.{child}: exists only with {parent}={allowed}, received {received}.")
    if not faults:
        zips = [dimension for dimension in space.dimensions if isinstance(dimension, Zip)]
        apart = [one for one in zips if not _rows(one, given, required)]
        faults += [f"{where}: {', '.join(one.keys)} go together, as one of {summary(one)}." for one in apart]
    return faults
