"""Checked values of the config groups `oracle` and `pruner`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnistsweep.errors import ConfigError
from mnistsweep.intervals import MAX_WHOLE


def int_setting(config: Mapping[str, Any], key: str, default: int, minimum: int) -> int:
    """Return a whole number of a config group.

    Args:
        config: Config group.
        key: Full key, for example ``pruner.first_rung``.
        default: Value if the key is missing or null.
        minimum: Smallest valid value.

    Raises:
        ConfigError: The value is not a whole number, smaller than the minimum, or larger than `MAX_WHOLE`.
    """
    value = config.get(key.partition(".")[2])
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= MAX_WHOLE:
        rule = f"at most {MAX_WHOLE}" if isinstance(value, int) and value > MAX_WHOLE else f"at least {minimum}"
        raise ConfigError(f"{key}: needs a whole number of {rule}, received {value!r}.")
    return value


def sets_epochs(oracle: Mapping[str, Any]) -> bool:
    """Return whether an oracle sets the epochs of each trial: KerasTuner's Hyperband, or another with `max_epochs`.

    Args:
        oracle: Config group `oracle`.

    Example:
        >>> sets_epochs({"_target_": "keras_tuner.oracles.HyperbandOracle"}), sets_epochs({"name": "tpe"})
        (True, False)
    """
    target = oracle.get("_target_")
    return target is not None and (str(target).endswith("HyperbandOracle") or "max_epochs" in oracle)
