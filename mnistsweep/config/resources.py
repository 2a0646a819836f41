"""Folders that are searched for configurations: the package's groups and sweeps, and the user's folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from mnistsweep.errors import ConfigError, suggest
from mnistsweep.path_checks import READ_FOLDER, is_file, is_missing, required
from mnistsweep.path_texts import expanded
from mnistsweep.yaml_errors import describe_yaml_error

PRIMARY = "config"

# URL scheme of the plugin that presents the files of a folder as the group `sweeps`.
SWEEPS = "mnistsweep"


def resources() -> Path:
    """Folder that contains ``conf/`` and ``sweeps/``: in the installed package, or the root of a checkout."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_resources"
    return packaged if packaged.is_dir() else package.parent


def conf_folder() -> Path:
    """Folder of the configuration groups."""
    return resources() / "conf"


def default_folders() -> tuple[str, ...]:
    """URLs of the default folders: the package's groups, ``sweeps/`` of the working directory, the package's sweeps."""
    own = Path.cwd() / "sweeps"
    sweeps = [*([own] if own.is_dir() else []), resources() / "sweeps"]
    return tuple(dict.fromkeys([_url(conf_folder()), *(f"{SWEEPS}://{folder}" for folder in sweeps)]))


def folders_for(config_dir: str | None, config_name: str | None, more: Sequence[str] = ()) -> tuple[str, ...]:
    """Folders that are searched for the configuration of a command line.

    Args:
        config_dir: Folder of the user, with presets or a primary configuration; None: no such folder.
        config_name: Name of the primary configuration; None: that of the package.
        more: URLs of further folders, as in ``hydra.searchpath``. The search path in the primary configuration is added
            to them, because a search path that is passed to Hydra replaces it.

    Returns:
        URLs. The first folder contains the primary configuration, for which Hydra searches no other folder.

    Raises:
        ConfigError: The folder does not exist, or contains no such configuration.
    """
    if config_dir is not None and is_missing(expanded(config_dir)):
        beside = [path.name for path in expanded(config_dir).absolute().parent.glob("*/")]
        raise ConfigError(f"--config-dir: there is no folder {config_dir!r}{_near(config_dir, beside)}.")
    own = [] if config_dir is None else [required("--config-dir", config_dir, READ_FOLDER).absolute()]
    places = [*own, conf_folder()] if config_name else [conf_folder(), *own]
    files = [place / f"{config_name or PRIMARY}.yaml" for place in places]
    primary = next((file for file in files if is_file(file)), None)
    if primary is None:
        known = {path.stem for place in places for path in yaml_files(place)}
        where = " or ".join(str(place) for place in places)
        raise ConfigError(f"--config-name: there is no {config_name!r} in {where}; {suggest(str(config_name), known)}.")
    places.sort(key=lambda place: place != primary.parent)
    _, *sweeps = default_folders()
    return tuple(dict.fromkeys([*map(_url, places), *more, *_searchpath_of(primary), *sweeps]))


def yaml_files(folder: Path) -> list[Path]:
    """YAML files in a folder, without what only has the name of one: broken links, folders, named pipes.

    Args:
        folder: Path of the folder, which may be missing.
    """
    return [path for path in folder.glob("*.yaml") if is_file(path)]


def _searchpath_of(primary: Path) -> list[str]:
    try:
        content = yaml.safe_load(primary.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{primary}: cannot be read: {error.strerror or error}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(describe_yaml_error(error, primary)) from error
    hydra = content.get("hydra") if isinstance(content, dict) else None
    listed = hydra.get("searchpath") if isinstance(hydra, dict) else None
    return [str(url) for url in listed] if isinstance(listed, list) else []


def _near(config_dir: str, beside: Sequence[str]) -> str:
    return f"; {suggest(Path(config_dir).name, beside)}" if beside else ""


def _url(folder: Path) -> str:
    return f"file://{folder}"
