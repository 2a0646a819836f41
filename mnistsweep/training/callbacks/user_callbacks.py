"""Callbacks that the configuration asks for."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from mnistsweep import targets
from mnistsweep.config.schema import Config
from mnistsweep.data.structure import describe
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import ConfigError

# Keys with a meaning of their own, as in Hydra.
_TARGET, _PARTIAL = "_target_", "_partial_"


def build_user_callbacks(config: Config) -> list[keras.callbacks.Callback]:
    """Create the callbacks that the configuration names under `trainer.callbacks`.

    `_target_` names a class, a function that returns a callback or a list of callbacks, or a callback that a module has
    created, which is copied. An argument may be a mapping with a `_target_` of its own, which is called; with
    ``_partial_: true`` the function itself is the argument.

    Args:
        config: Configuration of the trial.

    Returns:
        New objects at each call.

    Raises:
        ConfigError: A target does not exist, does not accept its arguments, or is no callback.

    Example:
        ``{_target_: keras.callbacks.LearningRateScheduler, schedule: {_target_: my_module.halved, _partial_: true}}``
    """
    callbacks = list[keras.callbacks.Callback]()
    for index, entry in enumerate(config.trainer.callbacks):
        key = f"trainer.callbacks[{index}]"
        made = _make(key, entry)
        for one in made if isinstance(made, list | tuple) else [made]:
            if not isinstance(one, keras.callbacks.Callback):
                rule = "must be a class of Keras callbacks, a function that returns one, or a callback"
                raise ConfigError(f"{key}: {rule}; {entry[_TARGET]} gave {describe(one)}")
            callbacks.append(one)
    return callbacks


def may_add_metrics(config: Config) -> bool:
    """Whether a callback of the configuration may add values to the logs of an epoch, beside the learning rate.

    Callbacks of Keras do not, nor do classes without an `on_epoch_end` of their own. Nothing is created.

    Args:
        config: Configuration of the trial.

    Raises:
        ConfigError: A target does not exist.
    """
    entries = enumerate(config.trainer.callbacks)
    found = [targets.resolve(entry[_TARGET], f"trainer.callbacks[{index}].{_TARGET}") for index, entry in entries]
    return any(map(_may_add, found))


def has_only_keras_callbacks(config: Config) -> bool:
    """Whether no callback of the configuration runs code of the user. Nothing is created or imported.

    Args:
        config: Configuration of the trial.
    """
    return all(target.startswith("keras.") for target in _targets_in(config.trainer.callbacks))


def build_early_stopping(config: Config, direction: str) -> list[keras.callbacks.Callback]:
    """Create Keras's `EarlyStopping` for `trainer.patience`.

    Args:
        config: Configuration of the trial.
        direction: ``max`` or ``min``.

    Returns:
        One callback, or none if `trainer.patience` is null.
    """
    if config.trainer.patience is None:
        return []
    return [keras.callbacks.EarlyStopping(config.first_objective, patience=config.trainer.patience, mode=direction)]


def _targets_in(value: Any) -> Iterator[str]:
    """Yield each `_target_` of entries and of their arguments."""
    if isinstance(value, Mapping):
        if _TARGET in value:
            yield str(value[_TARGET])
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _targets_in(item)


def _may_add(target: Any) -> bool:
    is_class = isinstance(target, type) and issubclass(target, keras.callbacks.Callback)
    if not is_class or target is keras.callbacks.LambdaCallback:
        return True
    is_keras = target.__module__.partition(".")[0] == "keras"
    return not is_keras and target.on_epoch_end is not keras.callbacks.Callback.on_epoch_end


def _make(key: str, entry: Mapping[str, Any]) -> Any:
    """Call a target with its arguments; a callback that exists already is copied."""
    target = targets.resolve(entry[_TARGET], f"{key}.{_TARGET}")
    arguments = {name: _argument(f"{key}.{name}", value) for name, value in entry.items() if name != _PARTIAL}
    if isinstance(target, keras.callbacks.Callback):
        return _copy(key, target, arguments)
    if not callable(target):
        raise ConfigError(f"{key}.{_TARGET}: must be callable; {entry[_TARGET]} is {describe(target)}")
    if entry.get(_PARTIAL):
        return functools.partial(target, **{name: value for name, value in arguments.items() if name != _TARGET})
    return targets.call(key, target, arguments, {})


def _copy(key: str, callback: keras.callbacks.Callback, arguments: Mapping[str, Any]) -> keras.callbacks.Callback:
    """Copy a callback, so that each training begins with the state in which its module created it."""
    if faults := targets.unknown_keys(key, arguments[_TARGET], [name for name in arguments if name != _TARGET], []):
        raise ConfigError("\n".join(faults))
    try:
        return copy.deepcopy(callback)
    except Exception as error:  # whatever its attributes raise
        raise ConfigError(
            f"{key}: each training needs a callback of its own, and {arguments[_TARGET]} cannot be copied: "
            f"{describe_error(error)}; write a function that returns it"
        ) from error


def _argument(key: str, value: Any) -> Any:
    if isinstance(value, Mapping) and _TARGET in value:
        return _make(key, value)
    if isinstance(value, list):
        return [_argument(f"{key}[{index}]", item) for index, item in enumerate(value)]
    return value
