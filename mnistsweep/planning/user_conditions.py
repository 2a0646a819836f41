"""Conditions that the user gives: a dimension exists only with some values of another dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mnistsweep.dimensions import Column, Condition
from mnistsweep.errors import ConfigError, suggest


def with_explicit_conditions(
    dimensions: Sequence[Column], given: Mapping[str, Mapping[str, object]]
) -> tuple[Column, ...]:
    """Add the conditions that the configuration gives.

    Args:
        dimensions: The dimensions of the search.
        given: The value of the key ``conditions``, such as ``{optimizer.momentum: {optimizer: [sgd]}}``.

    Raises:
        ConfigError: A condition is about a key that is not swept.
    """
    keys = [dimension.key for dimension in dimensions]
    unknown = [key for key in given if key not in keys]
    if unknown:
        raise ConfigError(
            "\n".join(f"conditions.{key}: not a dimension of this sweep; {suggest(key, keys)}." for key in unknown)
        )
    return tuple(
        replace(dimension, conditions=(*dimension.conditions, *_explicit(given.get(dimension.key, {}))))
        for dimension in dimensions
    )


def _explicit(given: Mapping[str, object]) -> list[Condition]:
    return [
        Condition(parent, tuple(values if isinstance(values, list) else [values])) for parent, values in given.items()
    ]
