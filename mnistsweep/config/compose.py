"""Composition: from a recipe (folders, primary configuration, overrides) to a typed `Config`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hydra import __version__ as hydra_version
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from mnistsweep import targets
from mnistsweep.config.explaining import HYDRA_ERRORS, mend
from mnistsweep.config.held import GROUPS, is_inside, key_of
from mnistsweep.config.resources import PRIMARY, SWEEPS, conf_folder, default_folders
from mnistsweep.config.schema import Config, register
from mnistsweep.config.structure import read
from mnistsweep.errors import ConfigError

# Hydra 1.3 asks which version's defaults are meant; 1.4 has done with the question.
HYDRA_OPTIONS: dict[str, Any] = {"version_base": "1.3"} if hydra_version.startswith("1.3.") else {}

# Where a KerasTuner HyperModel's own hyperparameters live in the configuration: `model.hp.<name>`.
HYPERPARAMETERS = "model.hp."


def searchpath(folders: Sequence[str]) -> str:
    """The override that puts folders, given as URLs, on Hydra's search path."""
    return f"hydra.searchpath=[{','.join(map(quoted, folders))}]"


def quoted(text: str) -> str:
    """A text as a value of Hydra's grammar, whatever stands in it."""
    return QuotedString(text, Quote.single).with_quotes()


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
    folders: tuple[str, ...] = field(default_factory=default_folders)

    @classmethod
    def from_hydra(cls, hydra: Any, overrides: Sequence[str] | None = None) -> Recipe:
        """The recipe of a configuration that Hydra has composed from a command line.

        Args:
            hydra: The configuration's part ``hydra``.
            overrides: None: the command line's. Those of ``hydra.sweeper``, which hold ranges, are put before them.
        """
        typed: Any = OmegaConf.to_container(hydra.overrides, resolve=False)  # `${...}` in them is not for here
        own = [text for text in typed["hydra"] if key_of(text).startswith("hydra.sweeper.")]
        searched = [source for source in hydra.runtime.config_sources if source.provider not in ("hydra", "schema")]
        folders = dict.fromkeys(f"{source.schema}://{source.path}" for source in searched)
        return cls(
            (*own, *(typed["task"] if overrides is None else overrides)), str(hydra.job.config_name), tuple(folders)
        )

    def with_overrides(self, *overrides: str) -> Recipe:
        """The same recipe with more overrides behind those it has."""
        return replace(self, overrides=(*self.overrides, *overrides))

    def with_presets(self, presets: Mapping[str, Any]) -> Recipe:
        """The same recipe with other presets; one that holds already is not composed again."""
        held = self.compose_once().hydra.runtime.choices
        return self.with_overrides(*(f"{group}={name}" for group, name in presets.items() if held.get(group) != name))

    def options(self, group: str) -> list[str]:
        """The presets of a config group."""
        return sorted(self._files(group))

    def presets_with(self, key: str) -> list[str]:
        """The presets that have a key, such as ``optimizer.momentum``."""
        group, _, inner = key.partition(".")
        if not inner:
            return []
        files = self._files(group).items()
        return sorted(name for name, file in files if inner in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}))

    def _files(self, group: str) -> dict[str, Path]:
        places = [url.partition("://") for url in self.folders]
        folders = [Path(path) / ("" if scheme == SWEEPS else group) for scheme, _, path in places
                   if group and scheme in ("file", SWEEPS) and (scheme == SWEEPS) == (group == "sweeps")]  # fmt: skip
        return {path.stem: path for folder in reversed(folders) for path in folder.glob("*.yaml")}

    def to_json(self) -> dict[str, Any]:
        """The recipe as plain values, for `sweep.yaml`."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Recipe:
        """Read what `to_json` wrote."""
        return cls(tuple(record["overrides"]), record["config_name"], tuple(record["folders"]))

    def compose(self) -> DictConfig:
        """Compose the configuration, with Hydra's own part under ``hydra``; what comes back may be changed.

        Raises:
            ConfigError: Every key, preset or group that does not exist, with the nearest that does.
        """
        try:
            return self.compose_once().copy()
        except HYDRA_ERRORS as error:
            raise ConfigError("\n".join(mend(self)[1])) from error

    def compose_once(self) -> DictConfig:
        """Compose, or give what was composed before; it must not be changed.

        Raises:
            Exception: One of `explaining.HYDRA_ERRORS`.
        """
        return _compose(self)

    def clean(self, composed: DictConfig) -> DictConfig:
        """Drop what does not belong to what the user chose.

        ``model._target_=my_model.build`` on top of the default preset would hand that preset's keys to a function that
        never asked for them; keys that the user typed stay. ``optimizer=sgd`` on top of a ``best.yaml`` that was found
        with adam would leave adam's name and keys in place of sgd's.
        """
        typed = [key_of(text) for text in self.overrides]
        chosen = [group for group in GROUPS if group in typed and not self._is_packaged]
        replaced = [group for group in GROUPS if f"{group}._target_" in typed]
        if not chosen and not replaced:
            return composed
        with open_dict(composed):
            for group in chosen:
                preset = self._packaged(group)
                if _identity(preset) != _identity(composed[group]):
                    composed[group] = preset
            for group in replaced:
                outer = tuple(text for text in self.overrides if not is_inside(text))
                preset = OmegaConf.select(replace(self, overrides=outer).compose_once(), group) or {}
                own = [key.removeprefix(f"{group}.") for key in typed if key.startswith(f"{group}.")]
                composed[group] = targets.without_preset_keys(composed[group], preset, own)
        return composed

    @property
    def _is_packaged(self) -> bool:
        return self.config_name == PRIMARY and self.folders[0] == f"file://{conf_folder()}"

    def _packaged(self, group: str) -> Any:
        """A group as it is without the user's primary configuration, from the preset and the keys that were typed."""
        own = tuple(text for text in self.overrides if key_of(text).split(".")[0] == group)
        first = f"file://{conf_folder()}"
        folders = (first, *(url for url in self.folders if url != first))
        return replace(self, overrides=own, config_name=PRIMARY, folders=folders).compose_once()[group]


def _identity(group: Any) -> Any:
    """What a group is about: the optimizer's name, the function that builds the model."""
    return (group.get("name"), group.get("_target_")) if isinstance(group, DictConfig) else None


@cache
def _compose(recipe: Recipe) -> DictConfig:
    register()
    first, *others = recipe.folders
    search = [searchpath(others)] if others else []
    with _own_hydra(first.removeprefix("file://")):
        composed = compose(recipe.config_name, overrides=[*search, *recipe.overrides], return_hydra_config=True)
    return recipe.clean(composed)


@contextlib.contextmanager
def _own_hydra(folder: str) -> Iterator[None]:
    """Hydra initialized on a folder, and afterwards as it was: a worker may itself be a Hydra job."""
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(folder, job_name="mnistsweep", **HYDRA_OPTIONS):
            yield
    finally:
        GlobalHydra.instance().clear()
        if running is not None:
            GlobalHydra.instance().initialize(running)


def to_plain(config: DictConfig) -> dict[str, Any]:
    """The composed configuration as plain dictionaries and lists, interpolations resolved, without Hydra's own part.

    Raises:
        ConfigError: An interpolation leads nowhere.
    """
    if "hydra" in config:
        config = config.copy()
        with open_dict(config):
            config.pop("hydra")
    try:
        plain: Any = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{getattr(error, 'full_key', '')}: {str(error).splitlines()[0]}.") from error
    return dict(plain)


def to_config(config: DictConfig) -> Config:
    """The composed configuration as a typed record, groups as plain dictionaries.

    Raises:
        ConfigError: A value has the wrong type, or an interpolation leads nowhere.
    """
    return from_plain(to_plain(config))


def from_plain(plain: Mapping[str, Any]) -> Config:
    """Plain dictionaries and lists as a typed record.

    Raises:
        ConfigError: A value has the wrong type.
    """
    record, faults = read(plain, [key for key in plain if key not in Config.__dataclass_fields__])
    if faults:
        raise ConfigError("\n".join(faults))
    return record
