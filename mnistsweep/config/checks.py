"""What must be right about a configuration before anything is trained; all faults are collected and raised at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mnistsweep.config import objective
from mnistsweep.config.schema import LIMITS, Config
from mnistsweep.errors import ConfigError

_NAME = re.compile(r"[^\W_][^/\\\x00-\x1f]*")


def limits(config: DictConfig) -> list[str]:
    """Numbers outside their limits."""
    faults = []
    for key, (low, high) in LIMITS.items():
        value: Any = OmegaConf.select(config, key)
        if value is None or ((low is None or value >= low) and (high is None or value <= high)):
            continue
        rule = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        faults.append(f"{key}: must be {rule}, received {value}.")
    return faults


def sweep_keys(config: Config, metrics_known: bool) -> list[str]:
    """Faults among the keys of the sweep itself."""
    faults = objective.check(config.objective, config.direction, config.trainer.metrics if metrics_known else None)
    if config.name is not None and not _NAME.fullmatch(config.name):
        faults.append(
            f"name: a folder's name that begins with a letter or digit and has no slash, received {config.name!r}."
        )
    for index, entry in enumerate(config.trainer.callbacks):
        if not isinstance(entry, dict) or "_target_" not in entry:
            faults.append(f"trainer.callbacks[{index}]: {{_target_: package.module.Class, ...}}, received {entry!r}.")
    return faults


def raise_faults(faults: Iterable[str]) -> None:
    """Raise all faults as one error; each only once.

    Raises:
        ConfigError: There is at least one.
    """
    listed = list(dict.fromkeys(faults))
    if listed:
        raise ConfigError("\n".join(listed))
