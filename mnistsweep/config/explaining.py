"""Hydra's errors in this project's words: the key, the value received, the nearest right one; all, not the first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from mnistsweep.config import grammar
from mnistsweep.config.held import key_of
from mnistsweep.errors import ConfigError, suggest

if TYPE_CHECKING:
    from mnistsweep.config.compose import Recipe

# What Hydra raises while it composes: ValueError where a group is set to a number, YAMLError for a file that is none.
HYDRA_ERRORS = (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError)

# Keys that the sweeper sets for its own jobs: nobody means them.
_INTERNAL = {"worker", "session"}


def mend(recipe: Recipe) -> tuple[Recipe, list[str]]:
    """Leave out each override that cannot be applied.

    Returns:
        A recipe that can be composed, and what was wrong with the overrides that it lacks.

    Raises:
        ConfigError: A file is wrong, so that no choice of overrides can be composed.
    """
    faults: list[str] = []
    good = []
    for text in recipe.overrides:
        fault = _fault_by_itself(text, recipe)
        faults += fault
        good += [] if fault else [text]
    mended = replace(recipe, overrides=tuple(good))
    while True:
        try:
            mended.compose_once()
            return mended, faults
        except HYDRA_ERRORS as error:
            faults.append(explain(error, mended))
            culprit = _culprit(error)
            left = tuple(text for text in mended.overrides if culprit is None or key_of(text) != culprit)
            if len(left) == len(mended.overrides) or culprit is None:
                raise ConfigError("\n".join(faults)) from error
            mended = replace(mended, overrides=left)


def _fault_by_itself(text: str, recipe: Recipe) -> list[str]:
    """What is wrong with an override whatever stands beside it: it cannot be read, or a group is no preset's name."""
    try:
        request = grammar.parse([text], options=recipe.options)
    except ConfigError as error:
        return str(error).splitlines()
    key = key_of(text)
    if request.dimensions and key.startswith("hydra"):
        return [f"{key}: Hydra's own keys cannot be swept, received {text!r}."]
    if text.startswith("~") or not request.fixed or "=" not in text:
        return []
    value = grammar.value_of(text)
    known = recipe.options(key) if key else []
    if not key or (known and not isinstance(value, str | list | dict)):
        rule = "a config group is set to the name of a preset" if key else "an override is key=value"
        received = "null" if value is None else repr(value)
        return [f"{key or text}: {rule}, received {received}; {suggest('', known)}".rstrip("; ") + "."]
    return []


def _culprit(error: Exception) -> str | None:
    """The key of the override that Hydra could not apply."""
    first = str(error).splitlines()[0]
    if isinstance(error, MissingConfigException):
        return str(error.missing_cfg_file or "").rpartition("/")[0] or None
    if isinstance(error, OverrideParseException):
        return key_of(error.override)
    for words in ("Could not override", "Could not delete from config."):
        if first.startswith(words) and first.count("'") >= 2:
            return first.split("'")[1].split("@")[0]
    for words in ("Error merging override ", "Could not append to config. An item is already at '"):
        if first.startswith(words):
            return key_of(first.removeprefix(words).rstrip("'.").split(":", 1)[0])
    return None


def explain(error: Exception, recipe: Recipe) -> str:
    """One error of Hydra's in a line."""
    first = str(error).splitlines()[0].rstrip(".")
    if isinstance(error, MissingConfigException):
        group, _, name = str(error.missing_cfg_file or "").rpartition("/")
        known = list(error.options or recipe.options(group))
        return f"{group or '--config-name'}: there is no {name!r}; {suggest(name, known)}."
    if isinstance(error, yaml.YAMLError):
        return f"this is no YAML: {' '.join(str(error).split())}."
    if first.startswith("Could not override"):
        key = first.split("'")[1].split("@")[0]
        groups = tuple(text for text in recipe.overrides if recipe.options(key_of(text)))
        return unknown_key(key, known_keys(replace(recipe, overrides=groups).compose_once()), recipe)
    if first.startswith("Could not delete"):
        key = first.split("'")[1]
        return f"{key}: there is no such key to delete."
    cause = error.__cause__
    detail = f": {str(cause).splitlines()[0]}" if cause is not None and str(cause) else ""
    return f"{first}{detail}."


def unknown_key(key: str, known: Any, recipe: Recipe, verb: str = "added") -> str:
    """The message for a key that does not exist; where other presets of its group have it, they are named.

    Args:
        key: What the user typed.
        known: The keys that exist.
        recipe: Tells which presets there are.
        verb: What a leading ``+`` would do.
    """
    having = recipe.presets_with(key)
    if having:
        group = key.partition(".")[0]
        return f"{key}: this {group} has no such key; it belongs to {', '.join(f'{group}={name}' for name in having)}."
    return f"{key}: there is no such key; {suggest(key, known)}. (A new key is {verb} with +{key}=...)"


def known_keys(config: DictConfig, prefix: str = "") -> list[str]:
    """Every dotted key of a configuration, inner nodes included, Hydra's own part left out."""
    keys: list[str] = []
    for key in config:
        path = prefix + str(key)
        if path == "hydra" or path in _INTERNAL:
            continue
        keys.append(path)
        node = config._get_node(key)
        if isinstance(node, DictConfig) and not (node._is_none() or node._is_missing() or node._is_interpolation()):
            keys += known_keys(node, f"{path}.")
    return keys
