"""Options of `mnistsweep report` and `clean`: keys of the command's own group that replace those of the sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omegaconf import OmegaConf

from mnistsweep.config import checks, structure
from mnistsweep.config.overrides import parse_override
from mnistsweep.config.schema import Config
from mnistsweep.errors import ConfigError


def with_options(config: Config, overrides: Sequence[str], group: str) -> Config:
    """Replace values of one group in the configuration of a sweep.

    Args:
        config: Configuration of the sweep.
        overrides: Overrides ``group.key=value`` in Hydra's grammar.
        group: Name of the group, ``report`` or ``clean``.

    Returns:
        A new configuration.

    Raises:
        ConfigError: Some overrides have a key of another group, an unknown key, or a value that is not allowed; the
            message lists all of them.

    Example:
        >>> config = Config(data={}, model={}, optimizer={}, schedule={}, oracle={}, pruner={})
        >>> with_options(config, ["report.seeds=5"], "report").report.seeds
        5
    """
    plain: Any = OmegaConf.to_container(OmegaConf.structured(config))
    faults = [fault for text in overrides for fault in _apply(text, group, plain[group])]
    read, wrong = structure.read_config(plain)
    faults += [*wrong, *checks.check_limits(read)]
    if faults:
        raise ConfigError("\n".join(faults))
    return read


def _apply(text: str, group: str, values: dict[str, Any]) -> list[str]:
    """Set the value of one override in the values of its group; returns what is wrong with the override."""
    rule = f"{group}: expects one sweep and keys of its own, {group}.KEY=VALUE; received {text!r}."
    try:
        override = parse_override(text)
    except ConfigError as error:
        return [str(error) if text.startswith(f"{group}.") and "=" in text else rule]
    inner = override.key.removeprefix(f"{group}.")
    if override.group != group or not inner or override.is_added or override.is_deleted:
        return [rule]
    if override.is_range:
        return [f"{override.key}: must be one value, not a range; received {text!r}."]
    values[inner] = override.value
    return []
