"""Which swept keys are config groups, which exist with some presets of a group only, which do not exist at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from mnistsweep.config import grammar
from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import HYPERPARAMETERS, Recipe
from mnistsweep.config.explaining import known_keys, mend, unknown_key
from mnistsweep.config.held import is_inside, key_of
from mnistsweep.config.schema import SWEEP_KEYS
from mnistsweep.dimensions import Choice, Condition, Dimension, Float, Int
from mnistsweep.errors import ConfigError, SpaceError, suggest

# Where a range stands that the user did not type.
IN_PARAMS = " (Its range stands in hydra.sweeper.params, from a space or a named sweep.)"


@dataclass(frozen=True)
class Resolved:
    """What a request means for the configuration at hand.

    Attributes:
        recipe: Composes what holds for all trials.
        dimensions: What varies, each with the condition under which it exists.
        groups: Which of the keys are config groups.
    """

    recipe: Recipe
    dimensions: tuple[Dimension, ...]
    groups: frozenset[str]


def resolve(recipe: Recipe, request: grammar.Request, typed: Collection[str], faults: Faults) -> Resolved:
    """Hold what is asked for against the configuration.

    A fixed value of a key that some preset of a swept group lacks (``optimizer.momentum=0.9`` with
    ``optimizer=adam,sgd``) becomes a dimension of one value, with a condition.

    Args:
        recipe: Without overrides.
        request: What is fixed, what is swept.
        typed: Keys of the command line; others come from a space or a named sweep.
        faults: What is wrong is added here; what it is about is left out.

    Raises:
        ConfigError: Nothing can be composed.
    """
    swept = [dimension.key for dimension in request.dimensions]
    outside = tuple(text for text in request.fixed if not is_inside(text, swept))
    with faults.fatal():
        bare, found = mend(replace(recipe, overrides=outside))
        faults.add(found)
        presets = _Presets.read(bare, request.dimensions, faults)
    dimensions, kept = [], []
    for dimension in request.dimensions:
        with faults.collecting():
            presets.check(dimension, request.added, where="" if dimension.key in typed else IN_PARAMS)
            dimensions.append(presets.conditional(dimension))
    for text in (text for text in request.fixed if is_inside(text, swept)):
        with faults.collecting():
            constant = presets.constant(text)
            if constant is None:
                kept.append(text)
            else:
                dimensions.append(constant)
    with faults.fatal():
        whole, found = mend(bare.with_overrides(*kept))
        faults.add(found)
    return Resolved(whole, tuple(dimensions), presets.groups)


@dataclass(frozen=True)
class _Presets:
    """The keys that each preset of each swept group brings.

    Attributes:
        recipe: Composes the rest.
        groups: The swept keys that are groups.
        known: The keys with the presets that hold without the search.
        keys: ``{"optimizer": {"sgd": {"optimizer.momentum", ...}, ...}}``
    """

    recipe: Recipe
    groups: frozenset[str]
    known: set[str]
    keys: Mapping[str, Mapping[str, set[str]]]

    @classmethod
    def read(cls, recipe: Recipe, dimensions: Sequence[Dimension], faults: Faults) -> _Presets:
        """Compose each preset of each swept group once."""
        composed = recipe.compose()
        groups = [d for d in dimensions if d.key in composed.hydra.runtime.choices and d.key not in SWEEP_KEYS]
        keys: dict[str, dict[str, set[str]]] = {}
        for group in groups:
            with faults.collecting():
                names = _names(group)
                keys[group.key] = {}
                for name in names:
                    with faults.collecting():
                        one = recipe.with_presets({group.key: name}).compose()
                        keys[group.key][name] = set(known_keys(one))
        return cls(recipe, frozenset(group.key for group in groups), set(known_keys(composed)), keys)

    def having(self, key: str) -> tuple[str, ...] | None:
        """Which of the swept presets have a key; None where its group is not swept."""
        group, dot, _ = key.partition(".")
        if not dot or group not in self.keys:
            return None
        return tuple(name for name, keys in self.keys[group].items() if key in keys)

    def conditional(self, dimension: Dimension) -> Dimension:
        """The dimension, with the condition under which its key exists."""
        having = self.having(dimension.key)
        group = dimension.key.partition(".")[0]
        if not having or len(having) == len(self.keys[group]):
            return dimension
        return replace(dimension, conditions=(*dimension.conditions, Condition(group, having)))

    def constant(self, text: str) -> Dimension | None:
        """The dimension of one value that a fixed override becomes; None where it holds for every preset.

        Raises:
            ConfigError: No preset has the key.
        """
        key, having = key_of(text), self.having(key_of(text))
        group = key.partition(".")[0]
        if having is None or text[0] in "+~" or (len(having) == len(self.keys[group]) and key in self.known):
            return None
        if not having:
            raise ConfigError(unknown_key(key, self._all(), self.recipe))
        return self.conditional(Choice(key, (grammar.value_of(text),)))

    def check(self, dimension: Dimension, added: frozenset[str], where: str) -> None:
        """Refuse to sweep what does not exist, or holds for the whole sweep.

        Raises:
            ConfigError: There is no such key.
            SpaceError: It cannot be swept.
        """
        key = dimension.key
        if key in SWEEP_KEYS or key.split(".")[0] in SWEEP_KEYS or key.startswith("hydra"):
            hint = " trainer.repeats trains each configuration with several seeds." if key == "seed" else ""
            raise SpaceError(f"{key}: holds for the whole sweep and cannot be swept.{hint}")
        if key in self.groups:
            _names(dimension)
        elif self.recipe.options(key):
            raise SpaceError(f"{key}: a config group is swept only if the primary configuration's defaults have it.")
        elif key not in self._all() and key not in added and not key.startswith(HYPERPARAMETERS):
            raise ConfigError(unknown_key(key, self._all(), self.recipe, verb="swept") + where)

    def _all(self) -> set[str]:
        return self.known.union(*(keys for presets in self.keys.values() for keys in presets.values()))


def _names(dimension: Dimension) -> tuple[str, ...]:
    if isinstance(dimension, Int | Float):
        raise SpaceError(f"{dimension.key}: a config group is swept by names, received {dimension.describe()}.")
    return tuple(str(value) for value in dimension.values)


def with_explicit_conditions(
    dimensions: Sequence[Dimension], given: Mapping[str, Mapping[str, object]]
) -> tuple[Dimension, ...]:
    """Add the conditions of the key ``conditions``: ``{optimizer.momentum: {optimizer: [sgd]}}``.

    Raises:
        ConfigError: One is about a key that is not swept.
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
