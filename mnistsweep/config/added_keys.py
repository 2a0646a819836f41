"""Keys that were added to the configuration after version 0.1, with the values at which they change nothing.

Fingerprints leave such a key out while it has that value, so that sweeps and interrupted trainings of an earlier
version can be continued.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ADDED_KEYS: dict[str, dict[str, Any]] = {
    "data": {"target": "auto", "folds": None, "fold_seed": 0},
    "trainer": {"class_weight": None, "steps_per_epoch": None, "stop_after": None},
}
"""Value at which a key changes nothing, by section and key."""

ADDED_SECTIONS: dict[str, Any] = {
    "zip": [],
    "constraints": [],
    "warm_start": None,
    "if_running": "join",
    "detach": False,
    "workers_per_gpu": None,
    "notify": {"command": None, "url": None, "timeout_seconds": 20.0},
    "search": {"checkpoints_gb": 2.0, "live_models": 8},
    "confirm": {"top": 0, "seeds": 2},
}
"""Value at which a key without section changes nothing, by key."""


def without_added_keys(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without the added keys that change nothing.

    Args:
        plain: Configuration as plain dictionaries and lists.

    Example:
        >>> without_added_keys({"data": {"path": "a.npz", "target": "auto"}})
        {'data': {'path': 'a.npz'}}
    """
    return {
        section: _without(content, ADDED_KEYS.get(section, {}))
        for section, content in plain.items()
        if section not in ADDED_SECTIONS or content != ADDED_SECTIONS[section]
    }


def is_added(key: str) -> bool:
    """Whether a key is one that a configuration of an earlier version does not have.

    Args:
        key: Dotted key.

    Example:
        >>> is_added("trainer.class_weight"), is_added("trainer.epochs")
        (True, False)
    """
    section, _, name = key.rpartition(".")
    return name in (ADDED_KEYS.get(section, {}) if section else ADDED_SECTIONS)


def _without(content: Any, added: Mapping[str, Any]) -> Any:
    if not added or not isinstance(content, Mapping):
        return content
    return {key: value for key, value in content.items() if key not in added or value != added[key]}
