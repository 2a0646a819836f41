"""Translation between dimensions and KerasTuner's hyperparameters, in both directions."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as kt

from mnistsweep.config.grammar import MAX_VALUES
from mnistsweep.config.overrides import HYPERPARAMETERS
from mnistsweep.dimensions import Choice, Column, Condition, Float, Int, is_active
from mnistsweep.errors import SpaceError
from mnistsweep.json_values import exact_text
from mnistsweep.space import Point, SearchSpace


def to_hyperparameters(space: SearchSpace, point: Mapping[str, Any] | None = None) -> keras_tuner.HyperParameters:
    """Return a space as KerasTuner's hyperparameters, each with the dimension's key as its name.

    The values of a KerasTuner choice have one type, and none of them is null or a list. Other choices become JSON.

    Args:
        space: Search space.
        point: Values of the hyperparameters; None: the first value of each dimension.
    """
    hp = keras_tuner.HyperParameters()
    for dimension in space.columns:
        with contextlib.ExitStack() as scopes:
            for condition in dimension.conditions:
                parent = space[condition.key]
                scopes.enter_context(hp.conditional_scope(parent.key, _encode(parent, condition.values)))
            _declare(hp, dimension)
    if point is not None:
        hp.values = {key: _encode(space[key], [value])[0] for key, value in point.items()}
    return hp


def to_point(space: SearchSpace, values: Mapping[str, Any]) -> Point:
    """Return KerasTuner's values as a point of a space; inactive and unknown hyperparameters are left out.

    Args:
        space: Search space.
        values: KerasTuner's values by the dimension's key.
    """
    point: Point = {}
    for dimension in space.columns:
        if dimension.key in values and is_active(dimension, point):
            point[dimension.key] = _decode(dimension, values[dimension.key])
    return point


def to_dimension(hyperparameter: Any, conditions: tuple[Condition, ...] = ()) -> Column:
    """Return a hyperparameter that a hypermodel declares as a dimension.

    A hyperparameter with a step becomes a choice of the values that the step reaches. One with the sampling
    ``reverse_log`` and without a step becomes a linear interval.

    Args:
        hyperparameter: Boolean, Choice, Int or Float of KerasTuner.
        conditions: Conditions under which the dimension is active.

    Raises:
        SpaceError: The hyperparameter is of another type, or its step reaches too many values.
    """
    key = f"{HYPERPARAMETERS}{hyperparameter.name}"
    if isinstance(hyperparameter, kt.Boolean):
        return Choice(key, (False, True), conditions)
    if isinstance(hyperparameter, kt.Choice):
        return Choice(key, tuple(dict.fromkeys(hyperparameter.values)), conditions)
    if not isinstance(hyperparameter, kt.Int | kt.Float):
        raise SpaceError(f"{key}: a hyperparameter of type {type(hyperparameter).__name__} cannot be searched.")
    is_int, log = isinstance(hyperparameter, kt.Int), hyperparameter.sampling == "log"
    if hyperparameter.step is not None and not (is_int and hyperparameter.step == 1):
        return Choice(key, _step_values(key, hyperparameter), conditions)
    if is_int:
        return Int(key, int(hyperparameter.min_value), int(hyperparameter.max_value), log, conditions)
    return Float(key, float(hyperparameter.min_value), float(hyperparameter.max_value), log, conditions)


def _step_values(key: str, hyperparameter: Any) -> tuple[float, ...]:
    """Return the values that a step reaches: it is a summand, or with a logarithmic sampling a factor.

    The values are rounded to 12 digits, so that 0.1 + 2 * 0.1 is 0.3.
    """
    low, high, step = hyperparameter.min_value, hyperparameter.max_value, hyperparameter.step
    linear = hyperparameter.sampling == "linear"
    num_steps = (high - low) / step if linear else (math.log(high) - math.log(low)) / math.log(step)
    if not 0 <= num_steps < MAX_VALUES:
        rule = f"a step reaches at most {MAX_VALUES:,} values"
        raise SpaceError(f"{key}: {rule}; received {low} to {high} with the step {step}; leave out the step.")
    count = math.floor(num_steps + 1e-9) + 1
    values = [
        # Two powers, because one of 400 decades would overflow.
        low + step * index if linear else low * step ** (index // 2) * step ** (index - index // 2)
        for index in range(count)
    ]
    if hyperparameter.sampling == "reverse_log":
        values = [high + low - value for value in values]
    is_int = isinstance(hyperparameter, kt.Int)
    return tuple(int(value) if is_int else float(f"{value:.12g}") for value in values)


def _declare(hp: keras_tuner.HyperParameters, dimension: Column) -> None:
    if isinstance(dimension, Choice):
        hp.Choice(dimension.key, _encode(dimension, dimension.values))
    else:
        declare = hp.Int if isinstance(dimension, Int) else hp.Float
        declare(dimension.key, dimension.low, dimension.high, sampling="log" if dimension.log else "linear")


def _encode(dimension: Column, values: Sequence[Any]) -> list[Any]:
    """Return values in KerasTuner's form: the values of a choice have one type, and none is a list."""
    types = {type(listed) for listed in dimension.values} if isinstance(dimension, Choice) else set()
    if not isinstance(dimension, Choice) or (len(types) == 1 and types <= {int, float, str, bool}):
        return list(values)
    if types <= {int, float}:
        return list(map(float, values))
    return list(map(exact_text, values))


def _decode(dimension: Column, raw: Any) -> Any:
    """Return the dimension's value for a value of KerasTuner, which has NumPy's numbers, and 0 and 1 for booleans."""
    if isinstance(dimension, Choice):
        return dimension.values[_encode(dimension, dimension.values).index(raw)]
    number = float(raw) if isinstance(dimension, Float) else int(raw)
    return min(max(number, dimension.low), dimension.high)  # KerasTuner's rounding may exceed a bound
