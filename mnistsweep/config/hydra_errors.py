"""Hydra's errors in this project's words: the key, the value received, the nearest valid one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import yaml
from hydra.errors import MissingConfigException
from omegaconf import DictConfig, OmegaConf

from mnistsweep.config.overrides import Override, texts_of
from mnistsweep.config.recipe import HYDRA_ERRORS, Recipe, compose_raw
from mnistsweep.errors import suggest
from mnistsweep.yaml_errors import describe_yaml_error

# Beginning of the keys of the launcher.
LAUNCHER_KEYS = "hydra.launcher."

# Presets of `hydra/launcher` that an extra of this package installs: the package, and the extra.
EXTRAS = {
    "joblib": ("hydra-joblib-launcher", "joblib"),
    "submitit_slurm": ("hydra-submitit-launcher", "slurm"),
    "submitit_local": ("hydra-submitit-launcher", "slurm"),
}


def describe_hydra_error(error: Exception, recipe: Recipe, overrides: Sequence[Override]) -> str:
    """One of Hydra's errors in one line.

    Args:
        error: One of `recipe.HYDRA_ERRORS`, raised when `recipe` was composed.
        recipe: The recipe that was composed.
        overrides: The overrides of the recipe.
    """
    if isinstance(error, UnicodeDecodeError):
        return describe_yaml_error(error, recipe.file_with(bytes(error.object)))
    if isinstance(error, yaml.YAMLError):
        return describe_yaml_error(error)
    first = _first_line(error).rstrip(".")
    if isinstance(error, MissingConfigException):
        return describe_missing_preset(error, recipe.options)
    if first.startswith("Could not override"):
        return _describe_override(error, first.split("'")[1].split("@")[0], recipe, overrides)
    if first.startswith("Could not delete"):
        key = first.split("'")[1]
        return f"{key}: there is no such key to delete."
    cause = error.__cause__
    detail = f": {str(cause).splitlines()[0]}" if cause is not None and str(cause) and str(error) else ""
    return f"{first}{detail}."


def _describe_override(error: Exception, key: str, recipe: Recipe, overrides: Sequence[Override]) -> str:
    """The message for an override of a key that does not exist."""
    if key.startswith(LAUNCHER_KEYS):
        return f"{key}: there is no such key; {suggest(key, _launcher_keys(recipe, overrides))}."
    known = _keys_with_presets(recipe, overrides)
    inner = getattr(error.__cause__, "full_key", None)  # model={a: 1}: the key model exists, model.a does not
    return describe_unknown_key(inner if key in known and inner else key, known, recipe)


def _first_line(error: BaseException) -> str:
    """First line of an error's message, or else of its cause's; the name of its type if neither has one."""
    here: BaseException | None = error
    while here is not None:
        if lines := str(here).splitlines():
            return lines[0]
        here = here.__cause__
    return type(error).__name__


def describe_missing_preset(error: MissingConfigException, options: Callable[[str], Iterable[str]]) -> str:
    """The message for a preset, or a primary configuration, that does not exist.

    Args:
        error: Hydra's error.
        options: Function that returns the presets of a config group.
    """
    group, _, name = str(error.missing_cfg_file or "").rpartition("/")
    if group == "hydra/launcher" and name in EXTRAS:
        package, extra = EXTRAS[name]
        return f"{group}={name}: needs {package}, which is not installed; pip install 'mnistsweep[{extra}]'."
    known = list(error.options or options(group))
    return f"{group or '--config-name'}: there is no {name!r}; {suggest(name, known)}."


def _keys_with_presets(recipe: Recipe, overrides: Sequence[Override]) -> list[str]:
    """Every key of a configuration with the presets of its overrides; without them where they cannot be composed."""
    presets = texts_of(override for override in overrides if recipe.options(override.key))
    try:
        return known_keys(compose_raw(replace(recipe, overrides=presets)))
    except HYDRA_ERRORS:
        return known_keys(compose_raw(replace(recipe, overrides=())))


def _launcher_keys(recipe: Recipe, overrides: Sequence[Override]) -> list[str]:
    """Every key of the launcher that the overrides choose."""
    presets = texts_of(override for override in overrides if override.key == "hydra/launcher")
    launcher = compose_raw(replace(recipe, overrides=presets)).hydra.launcher
    return [f"{LAUNCHER_KEYS}{key}" for key in launcher if key != "_target_"]


def refused_key(error: Exception) -> str | None:
    """The key of the override that Hydra could not apply; None where the error is not about an override."""
    first = _first_line(error)
    if isinstance(error, MissingConfigException):
        return str(error.missing_cfg_file or "").rpartition("/")[0] or None
    for words in ("Could not override", "Could not delete from config."):
        if first.startswith(words) and first.count("'") >= 2:
            return first.split("'")[1].split("@")[0]
    for words in ("Error merging override ", "Could not append to config. An item is already at '"):
        if first.startswith(words):
            key = first.removeprefix(words).rstrip("'.").split(":", 1)[0]
            return key.lstrip("+~").split("=", 1)[0].split("@", 1)[0]
    return None


def describe_unknown_key(key: str, known: Iterable[str], recipe: Recipe, verb: str = "added") -> str:
    """The message for a key that does not exist; it names the presets of the key's group that have the key.

    Args:
        key: The key that the user typed.
        known: The keys that exist.
        recipe: The recipe whose presets are searched.
        verb: Verb of the hint at a leading ``+``: ``added`` for a fixed value, ``swept`` for a range.
    """
    having = recipe.presets_with(key)
    if having:
        group = key.partition(".")[0]
        return f"{key}: this {group} has no such key; it belongs to {', '.join(f'{group}={name}' for name in having)}."
    return f"{key}: there is no such key; {suggest(key, known)}. (A new key is {verb} with +{key}=...)"


def known_keys(config: DictConfig, prefix: str = "") -> list[str]:
    """Every dotted key of a configuration, inner nodes included, without Hydra's own part."""
    keys: list[str] = []
    key: Any  # a key of the user's may be an integer
    for key in config:
        if prefix + str(key) == "hydra":
            continue
        keys.append(prefix + str(key))
        if not (OmegaConf.is_missing(config, key) or OmegaConf.is_interpolation(config, key)):
            node = config.get(key)
            keys += known_keys(node, f"{prefix}{key}.") if isinstance(node, DictConfig) else []
    return keys
