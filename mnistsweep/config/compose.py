"""Composition: from a recipe (folders, primary configuration, overrides) to a typed `Config`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import GrammarParseError, OmegaConfBaseException

from mnistsweep.config.hydra_errors import describe_hydra_error, refused_key
from mnistsweep.config.overrides import Override, parse_overrides, texts_of
from mnistsweep.config.preset_keys import without_stray_keys
from mnistsweep.config.recipe import HYDRA_ERRORS, Recipe
from mnistsweep.config.references import references, unresolved_error, with_texts
from mnistsweep.config.schema import Config
from mnistsweep.config.structure import read_config
from mnistsweep.errors import ConfigError, suggest

_compose_once = cache(without_stray_keys)


def compose(recipe: Recipe) -> DictConfig:
    """Compose a configuration, with Hydra's own part under ``hydra``; the result may be changed.

    Raises:
        ConfigError: Every key, preset or group that does not exist, with the nearest that does.
    """
    return compose_shared(recipe).copy()


def compose_own(recipe: Recipe) -> DictConfig:
    """Compose a configuration without Hydra's own part, which is larger than the rest; the result may be changed.

    Raises:
        ConfigError: Every key, preset or group that does not exist, with the nearest that does.
    """
    return _own_part(recipe).copy()


def compose_shared(recipe: Recipe) -> DictConfig:
    """The result of `compose` for callers that only read it: it must not be changed.

    Raises:
        ConfigError: Every key, preset or group that does not exist, with the nearest that does.
    """
    try:
        return _compose_once(recipe)
    except HYDRA_ERRORS as error:
        raise ConfigError("\n".join(_faults_of(recipe))) from error


@cache
def _own_part(recipe: Recipe) -> DictConfig:
    """The result of `compose_own`, which must not be changed."""
    return without_hydra(compose_shared(recipe))


def drop_invalid_overrides(recipe: Recipe, overrides: Sequence[Override]) -> tuple[list[Override], list[str]]:
    """Drop each override that cannot be applied to a recipe.

    Args:
        recipe: Recipe without overrides.
        overrides: Overrides in the order in which they are applied.

    Returns:
        The overrides that can be applied together, and one message for each other override.

    Raises:
        ConfigError: A file is wrong, so that no choice of overrides can be composed.
    """
    valid, faults = list[Override](), list[str]()
    for override in overrides:
        fault = _fault_of(override, recipe)
        faults += fault
        valid += [] if fault else [override]
    while True:
        whole = recipe.with_overrides(*texts_of(valid))
        try:
            _compose_once(whole)
            return valid, faults
        except HYDRA_ERRORS as error:
            faults.append(describe_hydra_error(error, whole, valid))
            refused = refused_key(error)
            left = [override for override in valid if override.key != refused]
            if len(left) == len(valid):
                raise ConfigError("\n".join(faults)) from error
            valid = left


def _fault_of(override: Override, recipe: Recipe) -> list[str]:
    """Faults of an override by itself: a range for one of Hydra's keys, an interpolation that is not closed, a config
    group with a value that is no name.
    """
    if override.is_range:
        return [f"{override.key}: Hydra's own keys cannot be swept; received {override.text!r}."] * override.is_hydra
    if override.is_deleted:
        return []
    try:
        OmegaConf.create({"value": override.value})
    except GrammarParseError:
        rule = "'${' begins the value of another key, ${key}"
        return [f"{override.key}: {rule}; received {override.value!r}; for the characters themselves write '\\${{'."]
    known = recipe.options(override.key)
    if override.key and (not known or _names_presets(override.value)):
        return []
    rule = "a config group is set to the name of a preset" if override.key else "an override is key=value"
    received = "null" if override.value is None else repr(override.value)
    return [f"{override.key or override.text}: {rule}; received {received}; {suggest('', known)}".rstrip("; ") + "."]


def _names_presets(value: Any) -> bool:
    """Whether Hydra can use a value as the presets of a config group: a name, names, or names by package."""
    return isinstance(value, str | dict) or (isinstance(value, list) and all(isinstance(name, str) for name in value))


def _faults_of(recipe: Recipe) -> list[str]:
    overrides, faults = parse_overrides(recipe.overrides, recipe.options)
    _, found = drop_invalid_overrides(replace(recipe, overrides=()), overrides)
    return [*faults, *found]


def to_plain(config: DictConfig) -> dict[str, Any]:
    """A composed configuration as plain dictionaries and lists, interpolations resolved, without Hydra's own part.

    Raises:
        ConfigError: An interpolation refers to a key that does not exist, or a value is ``???``.
    """
    own = without_hydra(config)
    try:
        missing = sorted(OmegaConf.missing_keys(own))
        plain: Any = OmegaConf.to_container(own, resolve=True)
    except OmegaConfBaseException as error:
        raise unresolved_error(error) from error
    if missing:  # the files of a sweep with such a value could not be read
        rule = "a value is required; received ???, which stands for a missing one"
        raise ConfigError("\n".join(f"{key}: {rule}; write {key}=VALUE." for key in missing))
    return dict(plain)


def to_kept(config: DictConfig, plain: Mapping[str, Any]) -> dict[str, Any]:
    """The result of `to_plain` as it is written to files: with references in place of secrets.

    Args:
        config: Composed configuration.
        plain: Result of `to_plain`.
    """
    return dict(with_texts(plain, references(without_hydra(config), plain)))


def without_hydra(config: DictConfig) -> DictConfig:
    """A composed configuration without Hydra's own part."""
    if "hydra" in config:
        config = config.copy()
        with open_dict(config):
            config.pop("hydra")
    return config


def to_config(config: DictConfig) -> Config:
    """A composed configuration as a typed record, its groups as plain dictionaries.

    Raises:
        ConfigError: A value has the wrong type, or an interpolation refers to a key that does not exist.
    """
    return from_plain(to_plain(config))


def from_plain(plain: Mapping[str, Any]) -> Config:
    """Plain dictionaries and lists as a typed record.

    Raises:
        ConfigError: A value has the wrong type.
    """
    record, faults = read_config(plain, [key for key in plain if key not in Config.__dataclass_fields__])
    if faults:
        raise ConfigError("\n".join(faults))
    return record
