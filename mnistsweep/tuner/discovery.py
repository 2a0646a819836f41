"""Discovery of the hyperparameters that a user's hypermodel declares, as dimensions of the search.

A hypermodel declares its hyperparameters by calls while it builds a model: ``hp.Int("units", 32, 512)``. So discovery
builds the model several times, with the first and the last value of each number and with every value of each choice,
until no new hyperparameter appears, and then at joint points of the space. If the hypermodel has a `fit` of its own, it
is called with a few examples; `model.fit` trains nothing there.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as kt

from mnistsweep.config.overrides import HYPERPARAMETERS
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.dimensions import Choice, Column, Condition
from mnistsweep.errors import ConfigError, MnistSweepError, SpaceError, suggest
from mnistsweep.keras_session import clear_session
from mnistsweep.models import hypermodels
from mnistsweep.training.compilation import compile_model
from mnistsweep.tuner.declared_ranges import DeclaredRanges
from mnistsweep.tuner.fit_rehearsal import call_with, rehearse_fit
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel
from mnistsweep.tuner.hyperparameters import to_dimension
from mnistsweep.user_code import exits_as_failures, explained

# Of a choice with more values than this, only the first and the last are tried: each one costs a build.
MAX_TRIED_VALUES = 20

Values = dict[str, Any]
Build = Callable[[Values, bool], keras_tuner.HyperParameters | None]

# Part of KerasTuner's message about the values of a choice.
_WRONG_CHOICE = "`Choice` can contain only"


def discover(config: Config, dataset: Dataset, swept: Sequence[Column] = ()) -> list[Column]:
    """Return the hyperparameters that a user's hypermodel declares, with the conditions under which they are active.

    A hyperparameter that is declared in a loop (`hp.Int(f"units_{i}", ...)`) is always active, as in KerasTuner. A
    hyperparameter with a single value is a constant, and not a dimension.

    Args:
        config: Configuration of a trial; hyperparameters with a value under `model.hp` are fixed.
        dataset: Data set that gives the input shape and the classes of the model.
        swept: Dimensions `model.hp.<name>` for which the user has given a range that replaces the declared one.

    Returns:
        A dimension `model.hp.<name>` for each hyperparameter that is neither fixed nor swept.

    Raises:
        ConfigError: The model cannot be built.
        SpaceError: A fixed or swept hyperparameter is not declared, or a hyperparameter is declared twice, or with
            ranges that depend on other hyperparameters.
    """
    fixed = dict(config.model.get("hp") or {})
    ranges = {d.key.removeprefix(HYPERPARAMETERS): d for d in swept if d.key.startswith(HYPERPARAMETERS)}
    declared = _explore(_Builder(config, dataset).try_build, fixed, ranges)
    clear_session()
    names = {hyperparameter.name for hyperparameter in declared}
    for name in (*fixed, *ranges):
        if name not in names:
            raise SpaceError(
                f"{HYPERPARAMETERS}{name}: the model declares no such hyperparameter; {suggest(name, names)}"
            )
    return _to_dimensions([hyperparameter for hyperparameter in declared if hyperparameter.name not in ranges], fixed)


class _Builder:
    """Builds the model with given values, and calls the hypermodel's own `fit` if there is one.

    The first call of `fit` runs to its end, the later ones up to `model.fit`: evaluations that follow take a while.

    Args:
        config: Configuration of a trial.
        dataset: Data set of the model.
    """

    def __init__(self, config: Config, dataset: Dataset) -> None:
        self._config = config
        self._dataset = dataset
        self._has_rehearsed = False
        self._has_own_loop = False

    def __call__(self, values: Values) -> keras_tuner.HyperParameters:
        clear_session(free_memory=False)  # freeing takes longer than building
        hypermodel = ConfiguredHyperModel(
            replace(self._config, model={**self._config.model, "hp": values}), self._dataset
        )
        model = hypermodel.build(keras_tuner.HyperParameters())
        if hypermodel.has_own_fit and not self._has_own_loop:
            self._fit(hypermodel, model)
        return hypermodel.hyperparameters

    def try_build(self, values: Values, is_first: bool) -> keras_tuner.HyperParameters | None:
        """Return the hyperparameters of a build; None if it fails, because a trial with these values will fail, too.

        Raises:
            ConfigError: The first build fails, or a build declares a choice that KerasTuner does not allow.
        """
        try:
            with explained(lambda reason: _build_failed(reason, self._config.model)):
                return self(values)
        except MnistSweepError as error:
            if is_first or _WRONG_CHOICE in str(error):
                raise
            return None

    def _fit(self, hypermodel: ConfiguredHyperModel, model: Any) -> None:
        forms = compile_model(model, self._config, self._dataset)
        # An error is ignored: the hyperparameters that were declared before it are known, and a trial reports it.
        with contextlib.suppress(_FitReached, Exception), exits_as_failures():
            if self._has_rehearsed:
                call_with(_stop, hypermodel, model, forms)
                return
            self._has_rehearsed = True
            rehearse_fit(hypermodel, model, forms)
            self._has_own_loop = getattr(model, "history", None) is None  # one call of a loop is enough


class _FitReached(BaseException):
    """Raised in place of training; `except Exception` in a user's code does not catch it."""


def _stop(*args: Any, **keywords: Any) -> None:
    raise _FitReached


def _explore(build: Build, fixed: Mapping[str, Any], ranges: Mapping[str, Column]) -> list[Any]:
    """Return all hyperparameters in the order in which they appear.

    Args:
        build: Function that builds the model with some values, and returns the hyperparameters that it declared; None
            if it fails. Its second argument says whether it is the first build.
        fixed: Values that every build uses.
        ranges: Ranges that the user has given; their ends are tried too.
    """
    declared = DeclaredRanges(fixed, ranges)
    waiting: list[Values] = [{}] + [{name: value} for name, range_ in ranges.items() for value in _ends(range_)]
    tried: set[str] = set()
    while waiting or (waiting := declared.joint_points()):
        values = {**waiting.pop(0), **fixed}
        if (text := json.dumps(values, sort_keys=True, default=str)) in tried:
            continue
        hp = build(values, not tried)
        tried.add(text)
        if hp is None:
            continue
        for entry in hp.space:
            if declared.add(entry, hp.values):
                needed = {**values, **{condition.name: condition.values[0] for condition in entry.conditions}}
                waiting += [{**needed, entry.name: value} for value in _values_to_try(entry) if value != entry.default]
        waiting += [{condition.name: condition.values[0] for condition in scope} for scope in hp.inactive_scopes]
    return declared.entries


def _build_failed(reason: str, config: Mapping[str, Any]) -> ConfigError:
    """Error for a model that cannot be built, with a hint for two causes that its message does not show."""
    failed = f"model._target_: building the model to find its hyperparameters failed: {reason}"
    if _WRONG_CHOICE in reason:
        return ConfigError(
            f"{failed}; KerasTuner's Choice takes values of one type (int, float, str or bool) and no None: write "
            'texts, hp.Choice("norm", ["none", "l2"]), and translate them (None if norm == "none" else norm)'
        )
    if (name := hypermodels.unnamed_parameter(config)) is not None:
        return ConfigError(
            f"{failed} ({name}, the first parameter, has no value, so it got KerasTuner's hyperparameters; "
            f"model.{name}=VALUE gives it a value)"
        )
    return ConfigError(failed)


def _values_to_try(hyperparameter: Any) -> Iterable[Any]:
    """Return values of a hyperparameter with which the model may declare others."""
    if isinstance(hyperparameter, kt.Fixed):
        return ()
    if isinstance(hyperparameter, kt.Choice | kt.Boolean):
        values = tuple(hyperparameter.values)
        return values if len(values) <= MAX_TRIED_VALUES else (values[0], values[-1])
    return hyperparameter.min_value, hyperparameter.max_value


def _ends(dimension: Column) -> Iterable[Any]:
    return dimension.values if isinstance(dimension, Choice) else (dimension.low, dimension.high)


def _to_dimensions(declared: Iterable[Any], fixed: Mapping[str, Any]) -> list[Column]:
    """Return hyperparameters as dimensions.

    Hyperparameters with a single value are constants. A condition on a constant is evaluated: if it does not hold, the
    hyperparameter is left out.
    """
    constants = dict(fixed)
    dimensions: dict[str, Column] = {}
    for entry in declared:
        decided = [condition for condition in entry.conditions if condition.name in constants]
        if entry.name in fixed or not all(constants[condition.name] in condition.values for condition in decided):
            continue
        conditions = tuple(
            Condition(f"{HYPERPARAMETERS}{condition.name}", tuple(condition.values))
            for condition in entry.conditions
            if condition not in decided
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
