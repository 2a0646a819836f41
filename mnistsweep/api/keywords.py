"""Keyword arguments of `mnistsweep.sweep` as overrides of the configuration."""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from mnistsweep.api.space import plain_value
from mnistsweep.config.overrides import written
from mnistsweep.config.schema import Config, TrainerConfig, TrialConfig
from mnistsweep.data.settings import OWN_KEYS
from mnistsweep.errors import ConfigError, suggest

# Keys that `mnistsweep.sweep` has parameters for, or that a Python program gives in another way.
_PARAMETERS = ("data", "model")

# Sections of the configuration that a sweep of a function of a trial has not.
_KERAS_SECTIONS = ("data", "model", "optimizer", "schedule", "trainer", "report", "clean")

# Keys in these sections that count there, too.
_ANY_PROGRAM = ("trainer.epochs", "trainer.threads")


def known_names(for_keras: bool) -> dict[str, str]:
    """Keyword arguments with the keys of the configuration that they set.

    Keys of the sections `trainer`, `trial` and `data` are written without their section, ``epochs=5``.

    Args:
        for_keras: Whether the trials train Keras models of the configuration.

    Example:
        >>> known_names(True)["batch_size"], known_names(True)["hours"], "batch_size" in known_names(False)
        ('trainer.batch_size', 'hours', False)
    """
    names = {entry.name: entry.name for entry in fields(Config) if entry.name not in _PARAMETERS}
    names |= {key: f"data.{key}" for key in OWN_KEYS if key != "_target_"}
    for section, record in (("trainer", TrainerConfig), ("trial", TrialConfig)):
        names |= {entry.name: f"{section}.{entry.name}" for entry in fields(record)}
    names["learning_rate"] = "optimizer.learning_rate"
    if for_keras:
        return names
    return {name: key for name, key in names.items() if _is_allowed(key, for_keras)}


def overrides_of(
    keywords: Mapping[str, Any],
    for_keras: bool,
    key_of: Callable[[str], str],
    path_of: Callable[[Any, str], str],
) -> list[str]:
    """Overrides that set the keys of keyword arguments.

    Args:
        keywords: Keyword arguments; a name with a dot is a key of the configuration.
        for_keras: Whether the trials train Keras models of the configuration.
        key_of: Function from a key of the search space, as the program writes it, to the key of the dimension.
        path_of: Function from an object and a name for it to its dotted path.

    Raises:
        ConfigError: There is no such keyword, or its value cannot be written to a file.
    """
    names, faults, overrides = known_names(for_keras), list[str](), list[str]()
    for name, value in keywords.items():
        if name not in names and ("." not in name or not _is_allowed(name, for_keras)):
            faults.append(
                f"{name}: mnistsweep.sweep takes no such argument{_of_what(for_keras)}; {suggest(name, names)}"
            )
            continue
        key = names.get(name, name)
        overrides += _overrides(key, _with_keys(name, _with_paths(key, value, path_of), key_of))
    if faults:
        raise ConfigError("\n".join(faults))
    return overrides


def _overrides(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, Mapping) and key != "conditions":  # the keys of a section
        for name, inner in value.items():
            yield from _overrides(f"{key}.{name}", inner)
        return
    plus = "++" if key.partition(".")[0] in ("optimizer", "schedule", "oracle", "pruner") and "." in key else ""
    yield f"{plus}{key}={written(plain_value(key, value))}"


def _with_paths(key: str, value: Any, path_of: Callable[[Any, str], str]) -> Any:
    """The value of a keyword in which the dotted paths of functions replace them."""
    if key == "trainer.loss" and callable(value):
        return path_of(value, "loss")
    if key == "trainer.metrics" and isinstance(value, list | tuple):
        return [path_of(entry, f"metric_{index}") if callable(entry) else entry for index, entry in enumerate(value)]
    if key == "trainer.callbacks" and isinstance(value, list | tuple):
        return [
            entry if isinstance(entry, Mapping) else {"_target_": path_of(_factory(entry), f"callback_{index}")}
            for index, entry in enumerate(value)
        ]
    return value


def _factory(callback: Any) -> Any:
    """A function that makes a callback: a class and a function are one, of an instance each trial gets a copy."""
    is_factory = callable(callback) and not hasattr(type(callback), "on_epoch_end")
    return callback if is_factory else functools.partial(copy.deepcopy, callback)


def _with_keys(name: str, value: Any, key_of: Callable[[str], str]) -> Any:
    """The value of a keyword in which keys of the search space are those of the dimensions."""
    if name == "enqueue" and isinstance(value, list | tuple):
        return [{key_of(key): item for key, item in point.items()} if isinstance(point, Mapping) else point
                for point in value]  # fmt: skip
    if name == "zip" and isinstance(value, list | tuple):
        return [list(map(key_of, keys)) if isinstance(keys, list | tuple) else keys for keys in value]
    if name == "conditions" and isinstance(value, Mapping):
        return {
            key_of(key): {key_of(parent): values for parent, values in parents.items()}
            if isinstance(parents, Mapping)
            else parents
            for key, parents in value.items()
        }
    return value


def _is_allowed(key: str, for_keras: bool) -> bool:
    return for_keras or key in _ANY_PROGRAM or _section(key) not in _KERAS_SECTIONS


def _section(key: str) -> str:
    return key.partition(".")[0]


def _of_what(for_keras: bool) -> str:
    return "" if for_keras else " for a function of a trial"
