"""Keys that a command takes beside a sweep's folder: of its own group, on top of what the sweep was begun with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omegaconf import OmegaConf

from mnistsweep.config import checks, structure
from mnistsweep.config.overrides import parse_override
from mnistsweep.config.schema import Config
from mnistsweep.errors import ConfigError


def with_options(config: Config, overrides: Sequence[str], group: str) -> Config:
    """A sweep's configuration with other values for the keys of one group.

    Args:
        config: Of the sweep.
        overrides: ``key=value`` in Hydra's grammar, all of the group.
        group: ``report`` or ``clean``.

    Raises:
        ConfigError: Every key that is of another group, does not exist, or has a value that it cannot have.

    Example:
        >>> config = Config(data={}, model={}, optimizer={}, schedule={}, oracle={}, pruner={})
        >>> with_options(config, ["report.seeds=5"], "report").report.seeds
        5
    """
    faults: list[str] = []
    plain: Any = OmegaConf.to_container(OmegaConf.structured(config))
    for text in overrides:
        rule = f"{group}: expects one sweep and keys of its own, {group}.KEY=VALUE; received {text!r}."
        try:
            override = parse_override(text)
        except ConfigError as error:
            faults.append(str(error) if text.startswith(f"{group}.") and "=" in text else rule)
            continue
        inner = override.key.removeprefix(f"{group}.")
        if override.group != group or not inner or override.is_added or override.is_deleted:
            faults.append(rule)
        elif override.is_range:
            faults.append(f"{override.key}: one value, not a range; received {text!r}.")
        else:
            plain[group][inner] = override.value
    read, wrong = structure.read(plain)
    faults += [*wrong, *checks.limits(read)]
    if faults:
        raise ConfigError("\n".join(faults))
    return read
