"""The search space as `keras_tuner.HyperParameters` and back; each dimension goes by its key."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import keras_tuner

from mnistsweep.dimensions import Choice, Dimension, Float, Int, is_active
from mnistsweep.space import Point, SearchSpace


def to_hyperparameters(space: SearchSpace, point: Mapping[str, Any] | None = None) -> keras_tuner.HyperParameters:
    """The space, and the values of a point in it, as KerasTuner knows them.

    A KerasTuner choice has values of one type, and none of them null or a list: other choices are spelled as JSON.

    Args:
        space: What varies.
        point: Its values; None: the first value of each dimension.
    """
    hp = keras_tuner.HyperParameters()
    for dimension in space.dimensions:
        with contextlib.ExitStack() as scopes:
            for condition in dimension.conditions:
                parent = space[condition.key]
                scopes.enter_context(hp.conditional_scope(parent.key, [_encode(parent, v) for v in condition.values]))
            _declare(hp, dimension)
    if point is not None:
        hp.values = {key: _encode(space[key], value) for key, value in point.items()}
    return hp


def to_point(space: SearchSpace, values: Mapping[str, Any]) -> Point:
    """KerasTuner's values as a point of the space; what is not active there, or not of the space, is left out."""
    point: Point = {}
    for dimension in space.dimensions:
        if dimension.key in values and is_active(dimension, point):
            point[dimension.key] = _decode(dimension, values[dimension.key])
    return point


def _declare(hp: keras_tuner.HyperParameters, dimension: Dimension) -> None:
    if isinstance(dimension, Choice):
        hp.Choice(dimension.key, [_encode(dimension, value) for value in dimension.values])
    else:
        declare = hp.Int if isinstance(dimension, Int) else hp.Float
        declare(dimension.key, dimension.low, dimension.high, sampling="log" if dimension.log else "linear")


def _encode(dimension: Dimension, value: Any) -> Any:
    """A value as KerasTuner takes it: of one type for all values of a choice, and never a list."""
    if not isinstance(dimension, Choice):
        return value
    kinds = {type(known) for known in dimension.values}
    if len(kinds) == 1 and kinds <= {int, float, str, bool}:
        return value
    if kinds <= {int, float}:
        return float(value)
    return json.dumps(value, sort_keys=True)


def _decode(dimension: Dimension, raw: Any) -> Any:
    """The dimension's own value: KerasTuner has numbers of numpy's and, for booleans, 0 and 1."""
    if isinstance(dimension, Choice):
        return next(value for value in dimension.values if _encode(dimension, value) == raw)
    return float(raw) if isinstance(dimension, Float) else int(raw)
