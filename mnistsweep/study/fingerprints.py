"""Comparison of fingerprints: the texts, by key, that identify a search and its data in a ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mnistsweep.config.references import resolved_where_set
from mnistsweep.redaction import mask_values


def differing_keys(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Keys of two fingerprints with different values, sorted; keys that only one has are not compared.

    Args:
        before: Stored fingerprint.
        now: Fingerprint of the plan.

    Example:
        >>> differing_keys({"seed": "1", "model": "{}"}, {"seed": "2", "model": "{}", "data": "{}"})
        ['seed']
    """
    shared = before.keys() & now.keys()
    return sorted(key for key in shared if _comparable(key, before[key]) != _comparable(key, now[key]))


def without_data_path(fingerprint: Mapping[str, str]) -> dict[str, str]:
    """A fingerprint without `data.path`.

    Args:
        fingerprint: Fingerprint of a search.
    """
    data = json.loads(fingerprint.get("data", "{}"))
    return {**fingerprint, "data": json.dumps({**data, "path": None}, sort_keys=True)}


def differ(keys: Sequence[str]) -> str:
    """Part of a message: which keys differ.

    Args:
        keys: Keys with different values; at least one.

    Example:
        >>> differ(["seed"]), differ(["model", "seed"])
        ('seed differs', 'model, seed differ')
    """
    return f"{', '.join(keys)} differ{'s' if len(keys) == 1 else ''}"


def _comparable(key: str, value: str) -> str:
    """A value of a fingerprint in the same form whether it has secrets (earlier versions), references or neither."""
    if " " in key:  # a dimension, or the checksum of the data
        return value
    try:
        plain = json.loads(value)
    except ValueError:
        return value
    return json.dumps(mask_values(resolved_where_set(plain, key), key), sort_keys=True)
