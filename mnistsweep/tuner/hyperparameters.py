"""The search space as `keras_tuner.HyperParameters`, and a HyperModel's own hyperparameters as dimensions."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Mapping
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine import hyperparameters as kt

from mnistsweep import models
from mnistsweep.config.compose import HYPERPARAMETERS
from mnistsweep.errors import SpaceError
from mnistsweep.space import Choice, Condition, Dimension, Float, Int, Point, SearchSpace


def name_of(key: str) -> str:
    """The hyperparameter's name of a dimension: its key, without the prefix of a HyperModel's own."""
    return key.removeprefix(HYPERPARAMETERS)


def to_hyperparameters(space: SearchSpace, point: Mapping[str, Any] | None = None) -> keras_tuner.HyperParameters:
    """The space, and the values of a point in it, as KerasTuner knows them."""
    hp = keras_tuner.HyperParameters()
    for dimension in space.dimensions:
        with contextlib.ExitStack() as scopes:
            for condition in dimension.conditions:
                scopes.enter_context(
                    hp.conditional_scope(name_of(condition.key), [_plain(v) for v in condition.values])
                )
            _declare(hp, dimension)
    if point is not None:
        choices = {d.key: d for d in space.dimensions}
        hp.values = {name_of(key): _as_choice(choices[key], value) for key, value in point.items()}
    return hp


def to_point(space: SearchSpace, values: Mapping[str, Any]) -> Point:
    """KerasTuner's values as a point of the space."""
    point: Point = {}
    for dimension in space.dimensions:
        if name_of(dimension.key) not in values or not all(c.holds(point) for c in dimension.conditions):
            continue
        raw = values[name_of(dimension.key)]
        if isinstance(dimension, Choice):
            raw = next(value for value in dimension.values if _as_choice(dimension, value) == raw)
        point[dimension.key] = raw
    return point


def discover(config: Mapping[str, Any], input_shape: tuple[int, ...], classes: int) -> list[Dimension]:
    """The hyperparameters that a user's hypermodel declares, by building it once for each of its conditions.

    Args:
        config: The group `model`; values under its key `hp` are fixed and leave the space.
        input_shape: Of one example.
        classes: Their number.

    Raises:
        SpaceError: A kind of hyperparameter that has no dimension.
    """
    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.RandomSearch(
            lambda hp: models.build_hypermodel(config, hp, input_shape, classes),
            objective=keras_tuner.Objective("objective", "max"),
            max_trials=1,
            directory=folder,
        )
        declared = tuner.oracle.get_space().space
    fixed = config.get("hp") or {}
    found = [_dimension(entry) for entry in declared if not isinstance(entry, kt.Fixed) and entry.name not in fixed]
    return [dimension for dimension in found if dimension.size != 1]


def _declare(hp: keras_tuner.HyperParameters, dimension: Dimension) -> None:
    name = name_of(dimension.key)
    if isinstance(dimension, Choice):
        hp.Choice(name, [_as_choice(dimension, value) for value in dimension.values])
    else:
        declare = hp.Int if isinstance(dimension, Int) else hp.Float
        declare(name, dimension.low, dimension.high, sampling="log" if dimension.log else "linear")


def _as_choice(dimension: Dimension, value: Any) -> Any:
    """A value as KerasTuner takes it: of one type for all values of a choice, and never a list."""
    if not isinstance(dimension, Choice):
        return value
    kinds = {type(known) for known in dimension.values}
    if len(kinds) == 1 and kinds <= {int, float, str, bool}:
        return value
    if kinds <= {int, float}:
        return float(value)
    return json.dumps(value, sort_keys=True)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | bool) else json.dumps(value, sort_keys=True)


def _dimension(entry: Any) -> Dimension:
    key = f"{HYPERPARAMETERS}{entry.name}"
    conditions = tuple(Condition(f"{HYPERPARAMETERS}{c.name}", tuple(c.values)) for c in entry.conditions)
    if isinstance(entry, kt.Boolean):
        return Choice(key, (False, True), conditions)
    if isinstance(entry, kt.Choice):
        return Choice(key, tuple(entry.values), conditions)
    if isinstance(entry, kt.Int | kt.Float):
        log = entry.sampling == "log"
        if entry.step is not None and not (isinstance(entry, kt.Int) and entry.step == 1 and not log):
            return Choice(key, _steps(entry, log), conditions)
        if isinstance(entry, kt.Int):
            return Int(key, int(entry.min_value), int(entry.max_value), log, conditions)
        return Float(key, float(entry.min_value), float(entry.max_value), log, conditions)
    raise SpaceError(f"{key}: a hyperparameter of type {type(entry).__name__} cannot be searched.")


def _steps(entry: Any, log: bool) -> tuple[Any, ...]:
    """The values of a hyperparameter with a step: added, or multiplied where the sampling is logarithmic."""
    if log:
        count = int(np.floor(np.log(entry.max_value / entry.min_value) / np.log(entry.step) + 1e-9)) + 1
        values = [entry.min_value * entry.step**index for index in range(count)]
    else:
        count = int(np.floor((entry.max_value - entry.min_value) / entry.step + 1e-9)) + 1
        values = [entry.min_value + entry.step * index for index in range(count)]
    return tuple(int(value) if isinstance(entry, kt.Int) else float(value) for value in values)
