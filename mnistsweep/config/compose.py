"""Composition: from a recipe (folders, a primary configuration, overrides) to a typed `Config`, for a sweep or one trial.

Composing with Hydra takes some 60 ms. A sweep has few combinations of config groups and many trials, so `Composer`
composes once for each combination and sets the other values of a trial on a copy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from mnistsweep import targets
from mnistsweep.config.schema import Config, register
from mnistsweep.errors import ConfigError, suggest

PRIMARY = "config"
VERSION_BASE = "1.3"

# The scheme of the plugin that shows a folder's files as the group `sweeps`.
SWEEPS = "mnistsweep"


def resources() -> Path:
    """The folder that holds ``conf/`` and ``sweeps/``: inside the installed package, or the checkout's root."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_resources"
    return packaged if packaged.is_dir() else package.parent


def conf_folder() -> Path:
    """The folder of the configuration groups."""
    return resources() / "conf"


def default_folders() -> tuple[str, ...]:
    """Where configurations are looked for: the package's groups and sweeps, then ``sweeps/`` in the working directory."""
    folders = [f"file://{conf_folder()}", f"{SWEEPS}://{resources() / 'sweeps'}"]
    own = Path.cwd() / "sweeps"
    return tuple(dict.fromkeys([*folders, *([f"{SWEEPS}://{own}"] if own.is_dir() else [])]))


def searchpath(folders: Sequence[str]) -> str:
    """The override that puts folders, given as URLs, on Hydra's search path."""
    return f"hydra.searchpath=[{','.join(map(quoted, folders))}]"


@dataclass(frozen=True)
class Recipe:
    """All that is needed to compose a configuration again, in any process.

    Args:
        overrides: What holds for every trial, in Hydra's grammar.
        config_name: The primary configuration.
        folders: Where configurations are looked for, as URLs; the first holds the primary one.
    """

    overrides: tuple[str, ...] = ()
    config_name: str = PRIMARY
    folders: tuple[str, ...] = ()

    @classmethod
    def from_hydra(cls, hydra: Any, overrides: Sequence[str]) -> Recipe:
        """The recipe of a configuration that Hydra has composed from a command line.

        Args:
            hydra: The configuration's part ``hydra``.
            overrides: The command line's.
        """
        name = str(hydra.job.config_name)
        known = [source for source in hydra.runtime.config_sources if source.schema in ("file", SWEEPS)]
        known.sort(key=lambda source: source.schema != "file" or not (Path(source.path) / f"{name}.yaml").is_file())
        return cls(tuple(overrides), name, tuple(dict.fromkeys(f"{s.schema}://{s.path}" for s in known)))

    def with_overrides(self, *overrides: str) -> Recipe:
        """The same recipe with more overrides behind those it has."""
        return replace(self, overrides=(*self.overrides, *overrides))

    def options(self, group: str) -> list[str]:
        """The presets of a config group."""
        places = [url.partition("://") for url in self.folders or default_folders()]
        folders = [Path(path) / ("" if scheme == SWEEPS else group) for scheme, _, path in places
                   if (scheme == SWEEPS) == (group == "sweeps")]  # fmt: skip
        return sorted({path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.yaml")})

    def to_json(self) -> dict[str, Any]:
        """The recipe as plain values, for `sweep.yaml`."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Recipe:
        """Read what `to_json` wrote."""
        return cls(tuple(record["overrides"]), record["config_name"], tuple(record["folders"]))

    def compose(self) -> DictConfig:
        """Compose the configuration, with Hydra's own part under ``hydra``.

        Raises:
            ConfigError: A key, a value, a preset or a group that does not exist, with the nearest that does.
        """
        return _compose(self).copy()

    def clean(self, composed: DictConfig) -> DictConfig:
        """Drop what a preset left behind where the user replaced its `_target_`.

        ``model._target_=my_model.build`` on top of the default preset would hand that preset's keys to a function that
        never asked for them; keys that the user typed stay.
        """
        typed = [override.lstrip("+").split("=", 1)[0] for override in self.overrides]
        groups = [key.removesuffix("._target_") for key in typed if key.endswith("._target_") and key.count(".") == 1]
        if not groups:
            return composed
        presets = replace(self, overrides=tuple(o for o in self.overrides if "." not in o.split("=", 1)[0])).compose()
        with open_dict(composed):
            for group in groups:
                own = [key.removeprefix(f"{group}.") for key in typed if key.startswith(f"{group}.")]
                preset = OmegaConf.select(presets, group) or {}
                composed[group] = targets.without_preset_keys(composed[group], preset, own)
        return composed


@cache
def _compose(recipe: Recipe) -> DictConfig:
    register()
    first, *others = recipe.folders or default_folders()
    search = [searchpath(others)] if others else []
    own = [text for text in recipe.overrides if not text.startswith("hydra.searchpath=")]
    with _own_hydra(first.removeprefix("file://")):
        try:
            composed = compose(recipe.config_name, overrides=[*search, *own], return_hydra_config=True)
        except HydraException as error:
            raise explain(error, recipe) from error
        except OmegaConfBaseException as error:
            raise ConfigError(str(error).splitlines()[0]) from error
    return recipe.clean(composed)


@contextlib.contextmanager
def _own_hydra(folder: str) -> Iterator[None]:
    """Hydra initialized on a folder, and afterwards as it was: a worker may itself be a Hydra job."""
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(folder, version_base=VERSION_BASE, job_name="mnistsweep"):
            yield
    finally:
        GlobalHydra.instance().clear()
        if running is not None:
            GlobalHydra.instance().initialize(running)


class Composer:
    """Composes the configuration of each trial of a sweep.

    Args:
        recipe: What holds for all trials.
        groups: Which swept keys are config groups.
    """

    def __init__(self, recipe: Recipe, groups: frozenset[str]) -> None:
        self.recipe = recipe
        self.groups = groups
        self._variant = cache(self._compose_variant)

    def _compose_variant(self, choices: tuple[str, ...]) -> DictConfig:
        return self.recipe.with_overrides(*choices).compose()

    def _choices(self, point: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(f"{key}={value}" for key, value in point.items() if key in self.groups)

    def presets(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """Which preset each config group has at a point."""
        return dict(self._variant(self._choices(point)).hydra.runtime.choices)

    def trial(self, point: Mapping[str, Any], seed: int | None = None) -> DictConfig:
        """The configuration at a point of the space, groups first, then single values, without Hydra's own part.

        Args:
            point: From swept keys to values.
            seed: Of the trial; None leaves the configuration's own.
        """
        config = self._variant(self._choices(point)).copy()
        with open_dict(config):
            config.pop("hydra", None)
            for key, value in point.items():
                if key not in self.groups:
                    set_value(config, key, value)
            if seed is not None:
                config.seed = seed
        return config


def set_value(config: DictConfig, key: str, value: Any) -> None:
    """Set one dotted key, made if it is not there; a hyperparameter's own name may hold dots and slashes."""
    prefix, mark, name = key.partition(HYPERPARAMETERS)
    if mark:
        held = OmegaConf.select(config, prefix + mark.rstrip("."))
        OmegaConf.update(config, prefix + mark.rstrip("."), {**(held or {}), name: value}, merge=False, force_add=True)
    else:
        OmegaConf.update(config, key, value, merge=False, force_add=True)


# Where a KerasTuner HyperModel's own hyperparameters live in the configuration: `model.hp.<name>`.
HYPERPARAMETERS = "model.hp."


def to_config(config: DictConfig) -> Config:
    """The composed configuration as a typed record, interpolations resolved, groups as plain dictionaries."""
    own = OmegaConf.masked_copy(config, [key for key in config if key in Config.__dataclass_fields__])
    try:
        record = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), own))
    except OmegaConfBaseException as error:
        raise ConfigError(f"{getattr(error, 'full_key', '')}: {str(error).splitlines()[0]}") from error
    assert isinstance(record, Config)
    return record


def trial_seed(seed: int, number: int) -> int:
    """The seed of a trial, from the sweep's seed (0 is one like any other) and the trial's number."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def known_keys(config: DictConfig, prefix: str = "") -> list[str]:
    """Every dotted key of a configuration, inner nodes included, Hydra's own part left out."""
    keys: list[str] = []
    for key in config:
        path = f"{prefix}{key}"
        if path == "hydra":
            continue
        keys.append(path)
        node = config._get_node(key)
        if isinstance(node, DictConfig) and not (node._is_none() or node._is_missing()):
            keys += known_keys(node, f"{path}.")
    return keys


def explain(error: HydraException, recipe: Recipe) -> ConfigError:
    """Hydra's error in this project's words: the key, the value received, and the nearest right one."""
    cause = error.__cause__
    first = str(error).splitlines()[0]
    if isinstance(error, MissingConfigException):
        group, _, name = str(error.missing_cfg_file or "").rpartition("/")
        known = error.options or recipe.options(group)
        return ConfigError(f"{group or 'configuration'}: there is no {name!r}; {suggest(name, known)}.")
    if isinstance(error, OverrideParseException):
        return ConfigError(f"{error.override!r} is no override: {first}.")
    if "Could not override" in first:
        key = first.split("'")[1].split("@")[0]
        base = Recipe((), recipe.config_name, recipe.folders)
        known = known_keys(base.compose()) if recipe.overrides else []
        return ConfigError(f"{key}: there is no such key; {suggest(key, known)}. (A new key is added with +{key}=...)")
    detail = f": {str(cause).splitlines()[0]}" if cause is not None else ""
    return ConfigError(f"{first}{detail}")


def quoted(text: str) -> str:
    """A text as a value of Hydra's grammar, whatever stands in it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
