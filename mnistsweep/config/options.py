"""Keys that a command takes beside a sweep's folder: of its own group, on top of what the sweep was begun with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omegaconf import OmegaConf

from mnistsweep.config import checks, grammar, structure
from mnistsweep.config.held import key_of
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
        key = key_of(text)
        outer, _, inner = key.partition(".")
        if outer != group or not inner or "=" not in text or text[0] in "+~":
            faults.append(f"{group}: takes one sweep and keys of its own, {group}.KEY=VALUE; received {text!r}.")
            continue
        try:
            if grammar.parse([text]).dimensions:
                faults.append(f"{key}: one value, not a range, received {text!r}.")
            else:
                plain[group][inner] = grammar.value_of(text)
        except ConfigError as error:
            faults.append(str(error))
    read, wrong = structure.read(plain)
    faults += [*wrong, *checks.limits(read)]
    if faults:
        raise ConfigError("\n".join(faults))
    return read
