"""A recipe: everything needed to compose a configuration again, in any process."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hydra import __version__ as hydra_version
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from mnistsweep.config.long_params import write_long_params_as_text
from mnistsweep.config.overrides import Override, parse_fixed, quoted
from mnistsweep.config.resources import (
    PRIMARY,
    SWEEPS,
    conf_folder,
    default_folders,
    folders_for,
    resources,
    yaml_files,
)
from mnistsweep.config.schema import register
from mnistsweep.errors import ConfigError
from mnistsweep.path_checks import is_file
from mnistsweep.yaml_aliases import TooManyValues, check_aliases
from mnistsweep.yaml_errors import describe_yaml_error

# Hydra 1.3 requires the version whose defaults apply; Hydra 1.4 deprecates the argument.
HYDRA_OPTIONS: dict[str, Any] = {"version_base": "1.3"} if hydra_version.startswith("1.3.") else {}

# Errors that Hydra raises while it composes: ValueError where a group is set to a number, YAMLError for a damaged file.
HYDRA_ERRORS = (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError)


@dataclass(frozen=True)
class Recipe:
    """Everything needed to compose a configuration again, in any process.

    Args:
        overrides: Fixed overrides, in Hydra's grammar.
        config_name: Name of the primary configuration.
        folders: URLs of the folders that hold configurations; the first one holds the primary configuration.
    """

    overrides: tuple[str, ...] = ()
    config_name: str = PRIMARY
    folders: tuple[str, ...] = field(default_factory=default_folders)

    def with_overrides(self, *overrides: str) -> Recipe:
        """The same recipe with more overrides after those it has."""
        return replace(self, overrides=(*self.overrides, *overrides))

    def with_presets(self, presets: Mapping[str, Any]) -> Recipe:
        """The same recipe with other presets; a preset that is already chosen is left out.

        Args:
            presets: Presets by config group.
        """
        chosen = compose_raw(self).hydra.runtime.choices
        return self.with_overrides(*(f"{group}={name}" for group, name in presets.items() if chosen.get(group) != name))

    def options(self, group: str) -> list[str]:
        """The presets of a config group."""
        return sorted(self._files(group))

    def presets_with(self, key: str) -> list[str]:
        """The presets that have a key, such as ``optimizer.momentum``."""
        group, _, inner = key.partition(".")
        if not inner:
            return []
        return sorted(name for name, file in self._files(group).items() if inner in _keys_of(file))

    def _files(self, group: str) -> dict[str, Path]:
        """The files of a config group by the name of the preset; a file in an earlier folder hides later ones."""
        if not group:
            return {}
        scheme = SWEEPS if group == "sweeps" else "file"
        paths = [Path(url.partition("://")[2]) for url in self.folders if url.startswith(f"{scheme}://")]
        folders = paths if scheme == SWEEPS else [path / group for path in paths]
        return {path.stem: path for folder in reversed(folders) for path in yaml_files(folder)}

    def file_with(self, part: bytes) -> Path | None:
        """The first YAML file in the recipe's folders that contains some bytes; None if there is none.

        Args:
            part: Part of the content, for example the one that an error of decoding names.
        """
        return next((file for file in _files_in(self.folders) if part in _content(file)), None)

    def to_json(self) -> dict[str, Any]:
        """The recipe as plain values, for ``sweep.yaml``."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Recipe:
        """Read what `to_json` wrote."""
        return cls(tuple(record["overrides"]), record["config_name"], tuple(record["folders"]))


def _files_in(folders: Sequence[str]) -> Iterator[Path]:
    """The YAML files in folders, which are given by their URLs."""
    patterns = ("*.yaml", "*/*.yaml", "*/*/*.yaml")  # no deeper: a folder may also hold thousands of trials
    for url in folders:
        folder = Path(url.partition("://")[2])
        yield from (file for pattern in patterns for file in folder.glob(pattern) if is_file(file))


def _check_aliases(folders: Sequence[str]) -> None:
    """Check for how many values each file of the user stands: OmegaConf would make them all.

    Raises:
        ConfigError: A file stands for too many.
    """
    packaged = (str(resources()), str(conf_folder()))
    for file in _files_in([url for url in folders if not url.partition("://")[2].startswith(packaged)]):
        try:
            check_aliases(_content(file).decode(errors="replace"))
        except TooManyValues as error:
            raise ConfigError(describe_yaml_error(error, file)) from error
        except (yaml.YAMLError, RecursionError):  # reported where the file is chosen
            continue


def _content(file: Path) -> bytes:
    """The content of a file; empty if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _keys_of(file: Path) -> Collection[str]:
    """The keys of a preset; none if the file is damaged, which is reported where the preset is chosen."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return ()
    return content if isinstance(content, dict) else ()


@cache
def compose_raw(recipe: Recipe) -> DictConfig:
    """Compose a recipe as Hydra does, with Hydra's own part under ``hydra``; the result must not be changed.

    Raises:
        Exception: One of `HYDRA_ERRORS`.
    """
    with initialized_hydra(recipe):
        config = compose(recipe.config_name, overrides=hydra_arguments(recipe), return_hydra_config=True)
    write_long_params_as_text(config)
    return config


def hydra_arguments(recipe: Recipe) -> list[str]:
    """The overrides for Hydra once it is initialized on a recipe's first folder: the others are searched too."""
    others = recipe.folders[1:]
    search = [f"hydra.searchpath=[{','.join(map(quoted, others))}]"] if others else []
    return [*recipe.overrides, *search]


@contextlib.contextmanager
def initialized_hydra(recipe: Recipe) -> Iterator[GlobalHydra]:
    """A context in which Hydra is initialized on a recipe's first folder.

    Hydra's state before is restored: this process may be a job of Hydra itself.
    """
    register()
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(recipe.folders[0].removeprefix("file://"), job_name="mnistsweep", **HYDRA_OPTIONS):
            yield GlobalHydra.instance()
    finally:
        GlobalHydra.instance().clear()  # Hydra may have replaced the instance
        if running is not None:
            GlobalHydra.instance().initialize(running)


def _listed(override: Override) -> list[Any]:
    """The URLs of an override of ``hydra.searchpath``.

    Raises:
        ConfigError: Its value is no list.
    """
    if override.value is not None and not isinstance(override.value, list):
        rule = "must be a list of folders, [file://DIR, pkg://MODULE]"
        raise ConfigError(f"{override.key}: {rule}; received {override.text!r}.")
    return override.value or []


def command_line_recipe(config_dir: str | None, config_name: str | None, overrides: Sequence[str]) -> Recipe:
    """The recipe of a command line.

    Args:
        config_dir: The user's folder with configurations.
        config_name: Name of the primary configuration; None for the packaged one.
        overrides: Overrides as typed, ranges and Hydra's own among them; ``hydra.searchpath`` becomes folders.

    Raises:
        ConfigError: There is no such folder or primary configuration.
    """
    searched = [text for text in overrides if text.lstrip("+").startswith("hydra.searchpath=")]
    more = [str(url) for override in parse_fixed(searched) for url in _listed(override)]
    name = None if config_name is None else config_name.removesuffix(".yaml")
    folders = folders_for(config_dir, name, more)
    _check_aliases(folders)
    return Recipe(tuple(text for text in overrides if text not in searched), name or PRIMARY, folders)
