"""The hyperparameters that a user's hypermodel declares, as dimensions of the search.

A hypermodel tells what it can vary only while it builds: `hp.Int("units", 32, 512)` is a call. So it is built several
times, with the first and the last value of each number and every value of each choice, until nothing new turns up. A
`fit` of its own is called too, on a handful of examples; where it comes to `model.fit`, it is stopped.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine import hyperparameters as kt

from mnistsweep.config.schema import Config
from mnistsweep.config.trials import HYPERPARAMETERS
from mnistsweep.data import Dataset
from mnistsweep.dimensions import Choice, Condition, Dimension, Float, Int
from mnistsweep.errors import ConfigError, MnistSweepError, SpaceError, describe_error, suggest
from mnistsweep.models import losses
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel

NUM_EXAMPLES = 8

# Of a choice with more values only the first and the last are tried out: each costs a build.
MAX_VALUES = 20

Values = dict[str, Any]
Rehearse = Callable[[Values], keras_tuner.HyperParameters]


def discover(config: Config, dataset: Dataset, swept: Sequence[Dimension] = ()) -> list[Dimension]:
    """The hyperparameters that a user's hypermodel declares, with the conditions under which they exist.

    A hyperparameter that is declared in a loop (`hp.Int(f"units_{i}", ...)`) exists always, as in KerasTuner; one with
    a single value is none to search.

    Args:
        config: Of a trial; values under `model.hp` are fixed and leave the space.
        dataset: Its shape and classes are what the model is built for.
        swept: Hyperparameters (`model.hp.<name>`) with a range of the user's in place of the declared one.

    Returns:
        A dimension `model.hp.<name>` for each that is neither fixed nor swept.

    Raises:
        ConfigError: The model cannot be built.
        SpaceError: A fixed or swept one that is not declared; two declarations that differ.
    """
    fixed = dict(config.model.get("hp") or {})
    ranges = {d.key.removeprefix(HYPERPARAMETERS): d for d in swept if d.key.startswith(HYPERPARAMETERS)}
    declared = _explore(_Rehearsal(config, dataset), fixed, ranges)
    keras.utils.clear_session()
    names = {entry.name for entry in declared}
    for name in (*fixed, *ranges):
        if name not in names:
            raise SpaceError(
                f"{HYPERPARAMETERS}{name}: the model declares no such hyperparameter; {suggest(name, names)}"
            )
    return _dimensions([entry for entry in declared if entry.name not in ranges], fixed)


class _Rehearsal:
    """Builds the model with some values, and fits it where the hypermodel has a `fit` of its own."""

    def __init__(self, config: Config, dataset: Dataset) -> None:
        self._config = config
        self._dataset = dataset
        self._trained = False

    def __call__(self, values: Values) -> keras_tuner.HyperParameters:
        keras.utils.clear_session(free_memory=False)  # freeing takes longer than building
        hypermodel = ConfiguredHyperModel(
            replace(self._config, model={**self._config.model, "hp": values}), self._dataset
        )
        model = hypermodel.build(keras_tuner.HyperParameters())
        if hypermodel.has_own_fit and not self._trained:
            self._fit(hypermodel, model)
        return hypermodel.hyperparameters

    def _fit(self, hypermodel: ConfiguredHyperModel, model: Any) -> None:
        few = slice(NUM_EXAMPLES)
        labels = losses.encode(self._dataset.train.labels[few], self._dataset.classes, self._config.trainer.loss)
        examples = self._dataset.train.images[few], labels
        model.fit = _stop
        with contextlib.suppress(_FitReached, Exception):  # what it declared until then is known
            hypermodel.call_own_fit(
                model, examples, validation_data=examples, epochs=1, batch_size=NUM_EXAMPLES, callbacks=[], verbose=0
            )
            self._trained = True  # by a loop of its own: once is enough


class _FitReached(BaseException):
    """Raised in place of training; no `except Exception` of a user's code holds it up."""


def _stop(*args: Any, **keywords: Any) -> None:
    raise _FitReached


def _explore(rehearse: Rehearse, fixed: Mapping[str, Any], ranges: Mapping[str, Dimension]) -> list[Any]:
    """All hyperparameters that turn up, in the order in which they do."""
    declared: list[Any] = []
    waiting: list[Values] = [{}] + [{name: value} for name, range_ in ranges.items() for value in _ends(range_)]
    tried: set[str] = set()
    while waiting:
        values = {**waiting.pop(0), **fixed}
        if (name := json.dumps(values, sort_keys=True, default=str)) in tried:
            continue
        tried.add(name)
        try:
            hp = rehearse(values)
        except Exception as error:
            if len(tried) > 1:  # such a trial will fail; others need not
                continue
            if isinstance(error, MnistSweepError):
                raise
            raise ConfigError(
                f"model._target_: building the model to find its hyperparameters failed: {describe_error(error)}"
            ) from error
        for entry in hp.space:
            if not any(entry.name == known.name and entry.conditions == known.conditions for known in declared):
                declared.append(entry)
                needed = {**values, **{condition.name: condition.values[0] for condition in entry.conditions}}
                waiting += [{**needed, entry.name: value} for value in _values(entry) if value != entry.default]
        waiting += [{condition.name: condition.values[0] for condition in scope} for scope in hp.inactive_scopes]
    return declared


def _values(entry: Any) -> Iterable[Any]:
    """The values of a hyperparameter that may bring others into being."""
    if isinstance(entry, kt.Fixed):
        return ()
    if isinstance(entry, kt.Choice | kt.Boolean):
        values = tuple(entry.values)
        return values if len(values) <= MAX_VALUES else (values[0], values[-1])
    return entry.min_value, entry.max_value


def _ends(dimension: Dimension) -> Iterable[Any]:
    return dimension.values if isinstance(dimension, Choice) else (dimension.low, dimension.high)


def _dimensions(declared: Iterable[Any], fixed: Mapping[str, Any]) -> list[Dimension]:
    """Hyperparameters as dimensions; those with one value are constants, and conditions on constants are settled."""
    constants = dict(fixed)
    dimensions: dict[str, Dimension] = {}
    for entry in declared:
        settled = [condition for condition in entry.conditions if condition.name in constants]
        if entry.name in fixed or not all(constants[condition.name] in condition.values for condition in settled):
            continue
        conditions = tuple(
            Condition(f"{HYPERPARAMETERS}{condition.name}", tuple(condition.values))
            for condition in entry.conditions
            if condition not in settled
        )
        if isinstance(entry, kt.Fixed):
            constants[entry.name] = entry.value
            continue
        dimension = to_dimension(entry, conditions)
        if dimension.size == 1:
            constants[entry.name] = dimension.grid()[0]
        elif dimension.key in dimensions:
            raise SpaceError(
                f"{dimension.key}: declared twice, under different conditions; give each its own name (hp.name_scope)."
            )
        else:
            dimensions[dimension.key] = dimension
    return list(dimensions.values())


def to_dimension(entry: Any, conditions: tuple[Condition, ...] = ()) -> Dimension:
    """A KerasTuner hyperparameter as a dimension.

    With a step it is a choice of the values that the step reaches. The sampling ``reverse_log`` without a step is
    searched as linear.

    Args:
        entry: A `keras_tuner` Boolean, Choice, Int or Float.
        conditions: When it exists.

    Raises:
        SpaceError: Another kind of hyperparameter.
    """
    key = f"{HYPERPARAMETERS}{entry.name}"
    if isinstance(entry, kt.Boolean):
        return Choice(key, (False, True), conditions)
    if isinstance(entry, kt.Choice):
        return Choice(key, tuple(dict.fromkeys(entry.values)), conditions)
    if not isinstance(entry, kt.Int | kt.Float):
        raise SpaceError(f"{key}: a hyperparameter of type {type(entry).__name__} cannot be searched.")
    whole, log = isinstance(entry, kt.Int), entry.sampling == "log"
    if entry.step is not None and not (whole and entry.step == 1):
        return Choice(key, _steps(entry), conditions)
    if whole:
        return Int(key, int(entry.min_value), int(entry.max_value), log, conditions)
    return Float(key, float(entry.min_value), float(entry.max_value), log, conditions)


def _steps(entry: Any) -> tuple[float, ...]:
    """The values that a step reaches: it is added, or with a logarithmic sampling multiplied.

    They are rounded to 12 digits, so that 0.1 + 2 * 0.1 is 0.3.
    """
    low, high, step = entry.min_value, entry.max_value, entry.step
    if entry.sampling == "linear":
        count = math.floor((high - low) / step + 1e-9) + 1
        values = [low + step * index for index in range(count)]
    else:
        count = math.floor(math.log(high / low, step) + 1e-9) + 1
        values = [low * step**index for index in range(count)]
    if entry.sampling == "reverse_log":
        values = [high + low - value for value in values]
    return tuple(int(value) if isinstance(entry, kt.Int) else float(f"{value:.12g}") for value in values)
