"""The configuration of each trial of a sweep.

Composing with Hydra takes about 60 ms. A sweep has few combinations of presets and many trials. `Composer` therefore
composes each combination once and sets the other values of a trial on a copy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import GrammarParseError

from mnistsweep.config.compose import compose_own, to_kept, to_plain
from mnistsweep.config.objective import AUTO
from mnistsweep.config.objectives import texts_in, with_first
from mnistsweep.config.overrides import HYPERPARAMETERS
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import ConfigError


class Composer:
    """Composes the configuration of each trial of a sweep.

    Args:
        recipe: Recipe of what holds for all trials.
        groups: Swept keys that are config groups.
        variants: Result of `variants` in another process; these combinations are not composed again.
        objective: What `auto` stands for as the first objective.
    """

    def __init__(
        self,
        recipe: Recipe,
        groups: frozenset[str],
        variants: Mapping[str, Any] | None = None,
        objective: str = AUTO,
    ) -> None:
        self.recipe = recipe
        self.groups = groups
        self._objective = objective
        self._given = variants or {}
        self._variant = cache(self._compose_variant)
        self._plain_variant = cache(self._compose_plain_variant)

    def _presets(self, point: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
        return tuple((key, value) for key, value in point.items() if key in self.groups)

    def _compose_variant(self, presets: tuple[tuple[str, Any], ...]) -> DictConfig:
        variant = compose_own(self.recipe.with_presets(dict(presets)))
        given = None if OmegaConf.is_interpolation(variant, "objective") else variant.get("objective")
        names = list(given) if isinstance(given, ListConfig) else given
        if texts_in(names)[:1] == [AUTO]:
            variant.objective = with_first(names, self._objective)
        return variant

    def trial(self, point: Mapping[str, Any], seed: int | None = None) -> DictConfig:
        """The configuration at a point of the search space, without Hydra's own part.

        Args:
            point: Values by swept key; presets are applied before single values.
            seed: Seed of the trial; None keeps the seed of the configuration.
        """
        config = self._variant(self._presets(point)).copy()
        with open_dict(config):
            for key, value in point.items():
                if key not in self.groups:
                    set_value(config, key, value)
            if seed is not None:
                config.seed = seed
        return config

    def plain(self, point: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """The result of `trial` as plain dictionaries and lists; four times as fast where nothing is interpolated."""
        return self._fast(point, seed) or to_plain(self.trial(point, seed))

    def kept(self, point: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """The result of `plain` as it is written to files: with references in place of secrets."""
        fast = self._fast(point, seed)
        if fast is not None:
            return fast
        trial = self.trial(point, seed)
        trial.storage = None  # no part of a trial; its password may be known to the driver only
        return to_kept(trial, to_plain(trial))

    def _fast(self, point: Mapping[str, Any], seed: int) -> dict[str, Any] | None:
        """The result of `plain` without OmegaConf; None where something is interpolated or secret."""
        variant = self._plain_variant(self._presets(point))
        if variant is None or any("${" in str(value) or "???" in str(value) for value in point.values()):
            return None
        plain = copy.deepcopy(variant)
        for key, value in point.items():
            if key not in self.groups:
                _set_plain(plain, key, value)
        return {**plain, "seed": seed}

    def _compose_plain_variant(self, presets: tuple[tuple[str, Any], ...]) -> dict[str, Any] | None:
        """A combination of presets as plain values; None where an interpolation or a secret is among them."""
        if _name(presets) in self._given:
            return dict(self._given[_name(presets)])
        variant = self._variant(presets)
        if "${" in OmegaConf.to_yaml(variant):
            return None
        plain = to_plain(variant)
        return plain if to_kept(variant, plain) == plain else None

    def variants(self, points: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """The combinations of presets at some points as plain values, without those with interpolations or secrets."""
        combinations = dict.fromkeys(map(self._presets, points))
        found = {_name(presets): self._plain_variant(presets) for presets in combinations}
        return {name: plain for name, plain in found.items() if plain is not None}


def _name(presets: tuple[tuple[str, Any], ...]) -> str:
    return ",".join(f"{group}={preset}" for group, preset in presets)


def set_value(config: DictConfig, key: str, value: Any) -> None:
    """Set one dotted key and create it if needed; the name of a hyperparameter may contain dots and slashes.

    Raises:
        ConfigError: The value contains an interpolation that cannot be parsed.
    """
    try:
        _update(config, key, value)
    except GrammarParseError as error:
        rule = "an interpolation is written ${key}"
        raise ConfigError(f"{key}: {rule}; received {value!r}; write \\${{ for a text that contains ${{.") from error


def _update(config: DictConfig, key: str, value: Any) -> None:
    prefix, mark, name = key.partition(HYPERPARAMETERS)
    if mark:
        held = OmegaConf.select(config, prefix + mark.rstrip("."))
        OmegaConf.update(config, prefix + mark.rstrip("."), {**(held or {}), name: value}, merge=False, force_add=True)
    else:
        OmegaConf.update(config, key, value, merge=False, force_add=True)


def path_of(key: str) -> list[str]:
    """Keys of nested dictionaries that lead to a dotted key; the name of a hyperparameter is a single key.

    Args:
        key: Dotted key.

    Example:
        >>> path_of("model.dropout"), path_of("model.hp.dense/units.1")
        (['model', 'dropout'], ['model', 'hp', 'dense/units.1'])
    """
    prefix, mark, name = key.partition(HYPERPARAMETERS)
    return [*mark.rstrip(".").split("."), name] if mark and not prefix else key.split(".")


def _set_plain(plain: dict[str, Any], key: str, value: Any) -> None:
    """Do the same as `set_value` in plain dictionaries."""
    path = path_of(key)
    for part in path[:-1]:
        if not isinstance(plain.get(part), dict):
            plain[part] = {}
        plain = plain[part]
    plain[path[-1]] = value
