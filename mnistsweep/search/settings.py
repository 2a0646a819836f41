"""Checks of the keys in the config groups `oracle` and `pruner`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnistsweep.errors import ConfigError


def whole_number(config: Mapping[str, Any], key: str, default: int, least: int) -> int:
    """A whole number of a config group; the default where it is not set.

    Args:
        config: The group.
        key: In full, for example ``pruner.first_rung``.
        default: Where the key is missing or null.
        least: The smallest number that makes sense.

    Raises:
        ConfigError: Another value.
    """
    value = config.get(key.partition(".")[2])
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(f"{key}: a whole number of at least {least}, received {value!r}.")
    return value
