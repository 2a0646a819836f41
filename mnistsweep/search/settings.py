"""Checked values of the config groups `oracle` and `pruner`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnistsweep.errors import ConfigError


def int_setting(config: Mapping[str, Any], key: str, default: int, minimum: int) -> int:
    """Return a whole number of a config group.

    Args:
        config: Config group.
        key: Full key, for example ``pruner.first_rung``.
        default: Value if the key is missing or null.
        minimum: Smallest valid value.

    Raises:
        ConfigError: The value is not a whole number, or smaller than the minimum.
    """
    value = config.get(key.partition(".")[2])
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise ConfigError(f"{key}: needs a whole number of at least {minimum}, received {value!r}.")
    return value
