"""The overrides of a program's trials: those that all have, and those of a point of the search space."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mnistsweep.config.compose import without_hydra
from mnistsweep.config.overrides import Override, parse_fixed, parse_override, quoted, written
from mnistsweep.config.program_job import HydraJob
from mnistsweep.errors import ConfigError

# Hydra's own keys that concern a sweep, or the folder of a single run.
_OF_SWEEP = ("hydra.sweeper", "hydra.sweep", "hydra.mode", "hydra.launcher", "hydra.run", "hydra.searchpath")


@dataclass(frozen=True)
class JobOverrides:
    """The overrides of a program's trials.

    Attributes:
        fixed: Overrides that every trial has.
        prefixes: Leading ``+`` or ``++`` of the swept keys that the configuration need not contain, by key.
        groups: Swept keys that are config groups.
    """

    fixed: tuple[str, ...]
    prefixes: Mapping[str, str]
    groups: frozenset[str]

    def at(self, point: Mapping[str, Any]) -> list[str]:
        """All overrides of a trial; those of config groups come first.

        Args:
            point: Values of the trial's active dimensions.
        """
        swept = sorted(point.items(), key=lambda item: item[0] not in self.groups)
        return [*self.fixed, *(f"{self.prefixes.get(key, '')}{key}={briefly_written(value)}" for key, value in swept)]

    def to_json(self) -> dict[str, Any]:
        """The overrides as plain values."""
        return {"fixed": list(self.fixed), "prefixes": dict(self.prefixes), "groups": sorted(self.groups)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> JobOverrides:
        """Read what `to_json` wrote."""
        return cls(tuple(record["fixed"]), dict(record["prefixes"]), frozenset(record["groups"]))


def briefly_written(value: Any) -> str:
    """A value in Hydra's grammar; a text is quoted only where it would otherwise be read as something else.

    Example:
        >>> briefly_written("cnn"), briefly_written("1e-3"), briefly_written("a, b"), briefly_written(0.5)
        ('cnn', "'1e-3'", "'a, b'", '0.5')
    """
    if not isinstance(value, str):
        return written(value)
    try:
        parsed = parse_override(f"x={value}")
    except ConfigError:
        return quoted(value)
    is_same = not parsed.is_range and isinstance(parsed.value, str) and parsed.value == value
    return value if is_same and value and "'" not in value and '"' not in value else quoted(value)


def trial_file(job: HydraJob, overrides: Sequence[str], config: DictConfig) -> dict[str, Any]:
    """Content of a primary configuration with which the program repeats a trial.

    It adds the trial's overrides to the program's own primary configuration. Where that cannot express them, such as a
    key that is deleted, it has all keys of the composed configuration in its place. Hydra's own overrides are added,
    without those of the sweep.

    Args:
        job: The program.
        overrides: All overrides of the trial.
        config: Configuration that they compose.
    """
    parsed = parse_fixed(overrides)
    groups = [override for override in parsed if job.options(override.key)]
    values = [override for override in parsed if override not in groups]
    composed = _plain(config)
    # Only a primary configuration may set Hydra's search path.
    if not any(override.is_deleted for override in parsed) and not job.config.hydra.get("searchpath"):
        content = _nested(values)
        base = job.compose_once(tuple(override.text for override in groups))
        if _merged(without_hydra(base), content) == composed:
            return _with_hydra(job, job.config_name, groups, content)
    return _with_hydra(job, None, [], composed)


def _with_hydra(
    job: HydraJob, config_name: str | None, groups: Sequence[Override], content: dict[str, Any]
) -> dict[str, Any]:
    """A primary configuration with Hydra's own overrides, which keep what the program is run with, such as its logging.

    Args:
        job: The program.
        config_name: Primary configuration that it begins with; None for none.
        groups: Overrides of config groups.
        content: Values.
    """
    own = [o for o in parse_fixed(job.hydra_overrides) if not (o.key.startswith(_OF_SWEEP) or o.is_deleted)]
    chosen = [override for override in own if "/" in override.key]
    values = _nested(override for override in own if override not in chosen)
    return {"defaults": _defaults(config_name, [*groups, *chosen]), **content, **values}


def _plain(config: DictConfig) -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(without_hydra(config), resolve=False)
    return dict(plain)


def _nested(overrides: Iterable[Override]) -> dict[str, Any]:
    """Values of dotted keys as nested dictionaries."""
    content: dict[str, Any] = {}
    for override in overrides:
        *path, last = override.key.split(".")
        inner = content
        for part in path:
            if not isinstance(inner.get(part), dict):
                inner[part] = {}
            inner = inner[part]
        inner[last] = override.value
    return content


def _merged(base: DictConfig, content: Mapping[str, Any]) -> dict[str, Any] | None:
    """The content merged into a configuration, as Hydra merges a file; None where it cannot be merged."""
    opened = base.copy()
    OmegaConf.set_struct(opened, False)
    try:
        merged: Any = OmegaConf.to_container(OmegaConf.merge(opened, dict(content)), resolve=False)
    except OmegaConfBaseException:
        return None
    return dict(merged)


def _defaults(config_name: str | None, groups: Iterable[Override]) -> list[Any]:
    """The defaults list: added groups, then the replaced ones, which Hydra wants at the end."""
    first = [] if config_name is None else [config_name]
    added, replaced = [], []
    for group in groups:
        key = group.key if group.package is None else f"{group.key}@{group.package}"
        if group.is_added:
            added.append({key: group.value})
        else:
            replaced.append({f"override {key}": group.value})
    return [*first, *added, *replaced, "_self_"]
