"""Targets: what the dotted paths of a configuration (`_target_`) name, imported and called.

A path is ``package.module.name`` or ``package.module:name``; modules in the working directory are found too.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from omegaconf import OmegaConf

from mnistsweep.devices import silence_backend
from mnistsweep.errors import ConfigError, suggest
from mnistsweep.target_source import check, public_names
from mnistsweep.user_code import explained

RESERVED = ("_target_", "hp")
"""Keys that are not arguments of the target: `hp` has fixed values of the hyperparameters that a target declares."""

_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as plain dictionaries and lists, with interpolations resolved.

    Example:
        >>> plain(OmegaConf.create({"filters": [20, 50]}))
        {'filters': [20, 50]}
    """
    if OmegaConf.is_config(config):
        return dict(OmegaConf.to_container(config, resolve=True))  # type: ignore[arg-type]
    return dict(config)


def resolve(dotted: str, key: str) -> Any:
    """Import what a dotted path names, and return it.

    Args:
        dotted: Dotted path, for example ``"package.module.function"`` or ``"package.module:Class"``.
        key: Configuration key of the path, for the message.

    Raises:
        ConfigError: The text is not a dotted path, its module or name does not exist, or the import fails.

    Example:
        >>> resolve("collections:OrderedDict", "model._target_").__name__
        'OrderedDict'
    """
    faults = check(dotted, key)
    if faults:
        raise ConfigError("\n".join(faults))
    module, names = _import_longest(dotted, key)
    found: Any = module
    with explained(lambda reason: ConfigError(f"{key}: {dotted!r} cannot be read: {reason}")):
        for name in names:
            if not hasattr(found, name):
                raise ConfigError(f"{key}: {_label(found)} has no {name!r}; {suggest(name, public_names(dir(found)))}")
            found = getattr(found, name)
    return found


def _import_longest(dotted: str, key: str) -> tuple[Any, list[str]]:
    """Import the longest prefix that is a module; return the module and the names that follow it."""
    parts = dotted.replace(":", ".").split(".")
    longest = dotted.partition(":")[0].count(".") + 1 if ":" in dotted else len(parts) - 1
    for length in range(longest, 0, -1):
        name = ".".join(parts[:length])
        with explained(functools.partial(_import_failed, key, name)):
            if (module := _import(name)) is not None:
                return module, parts[length:]
    raise ConfigError(f"{key}: there is no module {parts[0]!r}, from {dotted!r}")


def _import(name: str) -> Any:
    """Import a module; None if there is none of this name, because its last part is a class or a function."""
    silence_backend()  # a user's module imports Keras
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # If a module that this module imports is missing, this is reported.
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise
        return None


def _import_failed(key: str, name: str, reason: str) -> ConfigError:
    return ConfigError(f"{key}: importing {name!r} failed: {reason}")


def call(
    group: str, target: Callable[..., Any], config: Mapping[str, Any], offered: Mapping[str, Any], *first: Any
) -> Any:
    """Call a target with the keys of its configuration, and return what it returns.

    Args:
        group: Key of the configuration, for example ``"model"``, for messages.
        target: Function, class or other callable.
        config: Configuration of the target; `_target_` is quoted in messages, the other keys are arguments.
        offered: Further arguments; each is passed if the target declares it and the configuration does not set it.
        first: Positional arguments that precede the others.

    Raises:
        ConfigError: The target does not accept one of the keys, or a required argument is missing.
    """
    label = config.get("_target_", _label(target))
    keys = {name: value for name, value in config.items() if name not in RESERVED}
    try:
        signature = inspect.signature(target)
    except ValueError:  # a compiled callable may have no signature; then the call itself reports errors
        return target(*first, **keys)
    named = [name for name, parameter in signature.parameters.items() if parameter.kind not in _VARIADIC]
    accepted = named[len(first) :]
    if inspect.Parameter.VAR_KEYWORD not in {parameter.kind for parameter in signature.parameters.values()}:
        faults = unknown_keys(group, label, keys, accepted)
        if faults:
            raise ConfigError("\n".join(faults))
    keywords = {name: value for name, value in offered.items() if name in accepted} | keys
    try:
        signature.bind(*first, **keywords)
    except TypeError as error:
        raise ConfigError(f"{group}: {label}: {error}; set it as a key beside {group}._target_") from error
    return target(*first, **keywords)


def unknown_keys(group: str, label: str, received: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return a message for each key that a target does not accept, with the most similar key that it accepts.

    Args:
        group: Key of the configuration, for example ``"model"``.
        label: Name of the target.
        received: Keys of the configuration.
        known: Keys that the target accepts.

    Example:
        >>> unknown_keys("model", "my.net", ["witdh"], ["width", "depth"])
        ["model.witdh: my.net takes no such key; did you mean 'width'? Known: 'width', 'depth'"]
    """
    known = list(known)
    return [
        f"{group}.{key}: {label} takes no such key; {suggest(key, known)}".rstrip("; ")
        for key in received
        if key not in known
    ]


def without_preset_keys(config: Mapping[str, Any], preset: Mapping[str, Any], typed: Iterable[str]) -> dict[str, Any]:
    """Remove the keys of a preset from a configuration that replaces the preset's `_target_`.

    ``model._target_=my_model.build`` on top of the default preset leaves this preset's `conv_layers`, `dropout`, ...
    in the configuration, although the user's function does not accept them.

    Args:
        config: Composed group, for example `config.model`.
        preset: Group as the preset's file defines it.
        typed: Keys of the group that the user sets or sweeps; they are kept, so that a misspelt one is reported.

    Returns:
        The configuration unchanged if it has the preset's target, otherwise without the preset's keys.

    Example:
        >>> without_preset_keys({"_target_": "a.b", "dropout": 0.0}, {"_target_": "c.d", "dropout": 0.0}, [])
        {'_target_': 'a.b'}
    """
    if config.get("_target_") == preset.get("_target_"):
        return dict(config)
    kept = {"_target_", *typed}
    return {key: value for key, value in config.items() if key in kept or key not in preset}


def _label(target: Any) -> str:
    """Return the name of a target, for messages."""
    if isinstance(target, functools.partial):
        return _label(target.func)
    return str(getattr(target, "__qualname__", getattr(target, "__name__", type(target).__name__)))
