"""The swept keys of a program of the user's own: which are config groups, and with which presets a key exists."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig

from mnistsweep.config.checks import Faults
from mnistsweep.config.hydra_errors import known_keys
from mnistsweep.config.job_overrides import JobOverrides
from mnistsweep.config.overrides import Override
from mnistsweep.config.program_job import HydraJob, unknown_key
from mnistsweep.dimensions import Choice, Column, Condition, Float, Int
from mnistsweep.errors import ConfigError, SpaceError, suggest

# Largest number of combinations of presets that are all composed; of more, each preset is composed once.
MAX_COMBINATIONS = 64

Combination = tuple[Any, ...]


class Presets:
    """The keys of the configuration with each combination of presets of the swept config groups.

    Args:
        job: The program.
        fixed: Overrides of config groups that every trial has.
        groups: Ranges of config groups.

    Raises:
        ConfigError: A preset does not exist or cannot be composed.
        SpaceError: A config group is swept by numbers.
    """

    def __init__(self, job: HydraJob, fixed: Sequence[Override], groups: Sequence[Override]) -> None:
        self._job = job
        self._fixed = [override.text for override in fixed]
        self._prefixes = [prefix(override) for override in groups]
        self.dimensions = [_named(override, job.options(override.key)) for override in groups]
        self._configs = {each: job.compose(self._overrides(each)) for each in self._combinations()}
        self._keys = {each: set(known_keys(config)) for each, config in self._configs.items()}

    def _combinations(self) -> Iterable[Combination]:
        values = [dimension.values for dimension in self.dimensions]
        if math.prod(map(len, values)) <= MAX_COMBINATIONS:
            return itertools.product(*values)
        first = tuple(each[0] for each in values)
        return dict.fromkeys(
            (*first[:index], value, *first[index + 1 :]) for index, each in enumerate(values) for value in each
        )

    def _overrides(self, combination: Combination) -> list[str]:
        keys = [dimension.key for dimension in self.dimensions]
        prefixes = dict(zip(keys, self._prefixes, strict=True))
        overrides = JobOverrides(tuple(self._fixed), prefixes, frozenset(keys))
        return overrides.at(dict(zip(keys, combination, strict=True)))

    def conditions(self, override: Override) -> tuple[Condition, ...]:
        """The presets with which the key of an override exists, as conditions; empty if it always exists.

        Args:
            override: Override of a key that is no config group.

        Raises:
            ConfigError: The key exists with no preset.
            SpaceError: Whether it exists depends on several groups together.
        """
        if override.is_added or override.is_deleted:
            return ()
        having = {each for each in self._keys if self._exists(override, each)}
        if not having:
            raise ConfigError(unknown_key(override.key, *self._configs.values()))
        conditions, positions = [], []
        for index, dimension in enumerate(self.dimensions):
            values = tuple(value for value in dimension.values if any(each[index] == value for each in having))
            if len(values) < len(dimension.values):
                conditions.append(Condition(dimension.key, values))
                positions.append((index, values))
        if having != {each for each in self._keys if all(each[index] in values for index, values in positions)}:
            groups = " and ".join(dimension.key for dimension in self.dimensions)
            raise SpaceError(
                f"{override.key}: exists with some combinations of {groups} only, which no condition describes; "
                "sweep fewer groups, or add the key to the other presets."
            )
        return tuple(conditions)

    def _exists(self, override: Override, combination: Combination) -> bool:
        """Whether a key exists; Hydra decides where it is inside of a list or an interpolation."""
        if override.key in self._keys[combination]:
            return True
        if not _may_be_hidden(override.key, self._configs[combination]):
            return False
        value = override.value if override.dimension is None else override.dimension.value_at(0.0)
        single = JobOverrides(tuple(self._overrides(combination)), {}, frozenset()).at({override.key: value})
        try:
            self._job.compose(single)
        except ConfigError:
            return False
        return True


def resolve_keys(
    job: HydraJob, fixed: Sequence[Override], ranges: Sequence[Override], faults: Faults
) -> tuple[tuple[Column, ...], JobOverrides]:
    """Look up the keys of a program's overrides.

    A fixed value of a key that some preset of a swept group lacks becomes a dimension with one value and a condition.

    Args:
        job: The program.
        fixed: Overrides that hold for every trial.
        ranges: Ranges to search.
        faults: Collects what is wrong.

    Returns:
        The dimensions, and the overrides of the trials.

    Raises:
        ConfigError: A preset cannot be composed.
    """
    groups = [override for override in ranges if job.options(override.key)]
    fixed_groups = [override for override in fixed if job.options(override.key)]
    with faults.raising():
        presets = Presets(job, fixed_groups, groups)
    dimensions = list[Column](presets.dimensions)
    kept = list(fixed_groups)
    for override in (*ranges, *fixed):
        if override in groups or override in fixed_groups:
            continue
        with faults.collecting():
            conditions = presets.conditions(override)
            if override.dimension is not None:
                dimensions.append(replace(override.dimension, conditions=conditions))
            elif conditions:
                dimensions.append(Choice(override.key, (override.value,), conditions))
            else:
                kept.append(override)
    keys = {override.key: prefix(override) for override in ranges}
    texts = tuple(override.text for override in fixed if override in kept)
    overrides = JobOverrides(texts, {key: sign for key, sign in keys.items() if sign}, _keys_of(groups))
    order = [override.key for override in ranges]
    ordered = sorted(dimensions, key=lambda d: order.index(d.key) if d.key in order else len(order))
    return tuple(ordered), overrides


def prefix(override: Override) -> str:
    """The leading ``+`` or ``++`` of an override."""
    return override.text[: len(override.text) - len(override.text.lstrip("+"))]


def _keys_of(overrides: Iterable[Override]) -> frozenset[str]:
    return frozenset(override.key for override in overrides)


def _named(override: Override, known: Sequence[str]) -> Choice:
    """The dimension of a config group: names of presets."""
    dimension = override.dimension
    if isinstance(dimension, Int | Float) or dimension is None:
        received = "" if dimension is None else dimension.describe()
        raise SpaceError(f"{override.key}: a config group is swept by names; received {received}.")
    for value in dimension.values:
        if not (value is None or isinstance(value, list | dict) or str(value) in known):
            raise ConfigError(f"{override.key}: there is no {value!r}; {suggest(str(value), known)}.")
    return dimension


def _may_be_hidden(key: str, config: DictConfig) -> bool:
    """Whether a part of a dotted key is in a list or an interpolation, where `known_keys` does not look."""
    node: Any = config
    for part in key.split("."):
        if not isinstance(node, DictConfig):
            return node is not None
        if part not in node:
            return False
        raw: Mapping[Any, Any] = dict(node.items_ex(resolve=False))
        if isinstance(raw[part], str) and "${" in raw[part]:
            return True
        node = raw[part]
    return True
