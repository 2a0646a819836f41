"""``mnistsweep://FOLDER``: the YAML files of one folder, as the config group `sweeps`.

A folder on Hydra's search path makes a group of each of its subfolders. With the working directory there, ``logs=...``
would no longer be a key but a choice of the group ``logs/``: so this source shows the files of ``sweeps/`` only.
"""

from __future__ import annotations

from pathlib import Path

from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from omegaconf import OmegaConf

GROUP = "sweeps"
SCHEME = "mnistsweep"


class SweepFiles(ConfigSource):
    """The sweeps in a folder."""

    @staticmethod
    def scheme() -> str:
        """How the source is named on the search path."""
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        """Read one sweep."""
        file = self._file(config_path)
        if not file.is_file():
            raise ConfigLoadError(f"Config not found: {file}")
        header = ConfigSource._get_header_dict(file.read_text(encoding="utf-8")[:512])
        header["package"] = (
            header["package"] or "_global_"
        )  # a sweep sets keys of all groups, whether it says so or not
        return ConfigResult(config=OmegaConf.load(file), path=self.full_path(), provider=self.provider, header=header)

    def available(self) -> bool:
        """Whether the folder is there."""
        return Path(self.path).is_dir()

    def is_group(self, config_path: str) -> bool:
        """Whether a path is the root or the group."""
        return config_path.strip("/") in ("", GROUP)

    def is_config(self, config_path: str) -> bool:
        """Whether a path is one of the sweeps."""
        return self._file(config_path).is_file()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """The names below a path."""
        if config_path.strip("/") == "":
            return [] if results_filter is ObjectType.CONFIG else [GROUP]
        if config_path.strip("/") != GROUP or results_filter is ObjectType.GROUP:
            return []
        return sorted(path.stem for path in Path(self.path).glob("*.yaml"))

    def _file(self, config_path: str) -> Path:
        group, _, name = config_path.removesuffix(".yaml").strip("/").rpartition("/")
        return Path(self.path) / (f"{name}.yaml" if group == GROUP else "")
