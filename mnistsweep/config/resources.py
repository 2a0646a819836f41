"""Where configurations are looked for: the package's groups and sweeps, the user's folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from mnistsweep.errors import ConfigError, suggest

PRIMARY = "config"

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
    """What is searched unless the user adds to it: the package's groups; ``sweeps/`` of the user, then its own."""
    own = Path.cwd() / "sweeps"
    sweeps = [*([own] if own.is_dir() else []), resources() / "sweeps"]
    return tuple(dict.fromkeys([_url(conf_folder()), *(f"{SWEEPS}://{folder}" for folder in sweeps)]))


def folders_for(config_dir: str | None, config_name: str | None, more: Sequence[str] = ()) -> tuple[str, ...]:
    """Where the configuration of a command line is looked for.

    Args:
        config_dir: A folder of the user's, with presets or a primary configuration of their own.
        config_name: The primary configuration; None: the package's.
        more: Further folders, as ``hydra.searchpath`` has them; those of the primary configuration are added here,
            because a search path given to Hydra takes the place of that one.

    Returns:
        URLs; the first holds the primary configuration, which Hydra looks for nowhere else.

    Raises:
        ConfigError: There is no such folder, or no such configuration in it.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        beside = [path.name for path in Path(config_dir).absolute().parent.glob("*/")]
        raise ConfigError(f"--config-dir: there is no folder {config_dir!r}{_near(config_dir, beside)}.")
    own = [] if config_dir is None else [Path(config_dir).absolute()]
    places = [*own, conf_folder()] if config_name else [conf_folder(), *own]
    files = [place / f"{config_name or PRIMARY}.yaml" for place in places]
    primary = next((file for file in files if file.is_file()), None)
    if primary is None:
        known = {path.stem for place in places for path in place.glob("*.yaml")}
        where = " or ".join(str(place) for place in places)
        raise ConfigError(f"--config-name: there is no {config_name!r} in {where}; {suggest(str(config_name), known)}.")
    places.sort(key=lambda place: place != primary.parent)
    _, *sweeps = default_folders()
    return tuple(dict.fromkeys([*map(_url, places), *more, *_searchpath_of(primary), *sweeps]))


def _searchpath_of(primary: Path) -> list[str]:
    try:
        content = yaml.safe_load(primary.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{primary}: not valid YAML: {' '.join(str(error).split())}.") from error
    hydra = content.get("hydra") if isinstance(content, dict) else None
    listed = hydra.get("searchpath") if isinstance(hydra, dict) else None
    return [str(url) for url in listed] if isinstance(listed, list) else []


def _near(config_dir: str, beside: Sequence[str]) -> str:
    return f"; {suggest(Path(config_dir).name, beside)}" if beside else ""


def _url(folder: Path) -> str:
    return f"file://{folder}"
