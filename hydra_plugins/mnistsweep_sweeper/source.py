"""``mnistsweep://FOLDER``: the YAML files of one folder, as the config group `sweeps`.

On Hydra's search path, each subfolder of a folder is a config group. With the working directory on the search path,
``logs=...`` would choose a preset of the group ``logs/`` instead of setting a key. This source therefore contains the
files of ``sweeps/`` only.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path

from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from omegaconf import Container, DictConfig, OmegaConf

from mnistsweep.config.long_params import write_long_params_as_text
from mnistsweep.path_checks import is_file

GROUP = "sweeps"
SCHEME = "mnistsweep"


class SweepFiles(ConfigSource):
    """The sweeps in a folder."""

    @staticmethod
    def scheme() -> str:
        """The scheme of this source in a search path."""
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        """Read one sweep."""
        file = self._file(config_path)
        if not file.is_file():
            raise ConfigLoadError(f"Config not found: {file}")
        header = ConfigSource._get_header_dict(file.read_text(encoding="utf-8")[:512])
        header["package"] = header["package"] or "_global_"  # a sweep sets keys of all groups
        return ConfigResult(
            config=deepcopy(_read(file, file.stat().st_mtime_ns)),
            path=self.full_path(),
            provider=self.provider,
            header=header,
        )

    def available(self) -> bool:
        """Whether the folder exists."""
        return Path(self.path).is_dir()

    def is_group(self, config_path: str) -> bool:
        """Whether a path is the root or the group."""
        return config_path.strip("/") in ("", GROUP)

    def is_config(self, config_path: str) -> bool:
        """Whether a path is one of the sweeps."""
        return is_file(self._file(config_path))

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """The names below a path."""
        if config_path.strip("/") == "":
            return [] if results_filter is ObjectType.CONFIG else [GROUP]
        if config_path.strip("/") != GROUP or results_filter is ObjectType.GROUP:
            return []
        return sorted(path.stem for path in Path(self.path).glob("*.yaml") if is_file(path))

    def _file(self, config_path: str) -> Path:
        group, _, name = config_path.removesuffix(".yaml").strip("/").rpartition("/")
        return Path(self.path) / (f"{name}.yaml" if group == GROUP else "")


@cache
def _read(file: Path, modified_ns: int) -> Container:
    """Content of a file, which a command composes several times; `modified_ns` tells one version from another."""
    content = OmegaConf.load(file)
    if isinstance(content, DictConfig):
        write_long_params_as_text(content)
    return content
