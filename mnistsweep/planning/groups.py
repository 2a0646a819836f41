"""Step 2 of planning: which swept keys are config groups, and which keys exist only with some presets of a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import compose_shared, drop_invalid_overrides
from mnistsweep.config.hydra_errors import describe_unknown_key, known_keys
from mnistsweep.config.overrides import HYPERPARAMETERS, Override, texts_of
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.schema import SWEEP_KEYS
from mnistsweep.dimensions import Choice, Column, Condition, Float, Int
from mnistsweep.errors import ConfigError, SpaceError
from mnistsweep.planning.request import Request

# Added to the message about a range that the user did not type.
IN_PARAMS = " (Its range is in hydra.sweeper.params, from a space or a named sweep.)"


@dataclass(frozen=True)
class Resolved:
    """A request whose keys have been looked up in the configuration.

    Attributes:
        recipe: Recipe of what holds for all trials.
        dimensions: The dimensions of the search, each with the conditions under which its key exists.
        groups: Swept keys that are config groups.
        added: Keys that the user added to the configuration, fixed or swept.
    """

    recipe: Recipe
    dimensions: tuple[Column, ...]
    groups: frozenset[str]
    added: frozenset[str]


def resolve(request: Request, faults: Faults) -> Resolved:
    """Look up the keys of a request in the configuration.

    A fixed value of a key that some preset of a swept group lacks (``optimizer.momentum=0.9`` with
    ``optimizer=adam,sgd``) becomes a dimension with one value and a condition.

    Args:
        request: What the command line asks for.
        faults: Collects what is wrong; a key that is invalid is left out.

    Raises:
        ConfigError: Nothing can be composed.
    """
    swept = {override.key for override in request.ranges}
    with faults.raising():
        outside = [override for override in request.fixed if override.group not in swept]
        valid, found = drop_invalid_overrides(request.recipe, outside)
        faults.add(found)
        presets = _Presets.read(request.recipe.with_overrides(*texts_of(valid)), request.ranges, faults)
    dimensions = []
    for override in request.ranges:
        with faults.collecting():
            dimensions.append(presets.dimension(override, where="" if override.key in request.typed else IN_PARAMS))
    for override in (override for override in request.fixed if override.group in swept):
        with faults.collecting():
            constant = presets.constant(override)
            if constant is None:
                valid.append(override)
            else:
                dimensions.append(constant)
    with faults.raising():
        valid, found = drop_invalid_overrides(request.recipe, valid)
        faults.add(found)
    added = frozenset(override.key for override in valid if override.is_added)
    recipe = request.recipe.with_overrides(*texts_of(valid))
    return Resolved(recipe, tuple(dimensions), presets.groups, added | request.added)


@dataclass(frozen=True)
class _Presets:
    """The keys of each preset of each swept group.

    Attributes:
        recipe: Recipe of the configuration around the groups.
        groups: Swept keys that are config groups.
        known: The keys of the configuration with its own presets.
        keys: The keys of each swept preset, ``{"optimizer": {"sgd": {"optimizer.momentum", ...}, ...}}``.
    """

    recipe: Recipe
    groups: frozenset[str]
    known: set[str]
    keys: Mapping[str, Mapping[str, set[str]]]

    @classmethod
    def read(cls, recipe: Recipe, ranges: Sequence[Override], faults: Faults) -> _Presets:
        """Compose each preset of each swept group once."""
        composed = compose_shared(recipe)
        groups, keys = list[str](), dict[str, dict[str, set[str]]]()
        for dimension in (override.dimension for override in ranges if override.dimension is not None):
            group = dimension.key
            if group not in composed.hydra.runtime.choices or group in SWEEP_KEYS:
                continue
            groups.append(group)
            with faults.collecting():
                names = _names(dimension)
                keys[group] = {}
                for name in names:
                    with faults.collecting():
                        keys[group][name] = set(known_keys(compose_shared(recipe.with_presets({group: name}))))
        return cls(recipe, frozenset(groups), set(known_keys(composed)), keys)

    def having(self, key: str) -> tuple[str, ...] | None:
        """The swept presets that have a key; None where the key's group is not swept."""
        group, dot, _ = key.partition(".")
        if not dot or group not in self.keys:
            return None
        return tuple(name for name, keys in self.keys[group].items() if key in keys)

    def dimension(self, override: Override, where: str) -> Column:
        """The dimension of a range, with the condition under which its key exists.

        Args:
            override: The range.
            where: Text that is added to the message about an unknown key.

        Raises:
            ConfigError: There is no such key.
            SpaceError: The key cannot be swept.
        """
        dimension, key = override.dimension, override.key
        assert dimension is not None
        if key in SWEEP_KEYS or key.split(".")[0] in SWEEP_KEYS or override.is_hydra:
            hint = " trainer.repeats trains each configuration with several seeds." if key == "seed" else ""
            raise SpaceError(f"{key}: holds for the whole sweep and cannot be swept.{hint}")
        if key in self.groups:
            _names(dimension)
        elif self.recipe.options(key):
            raise SpaceError(
                f"{key}: a config group can be swept only if it is in the primary configuration's defaults."
            )
        elif key not in self._all() and not override.is_added and not key.startswith(HYPERPARAMETERS):
            raise ConfigError(describe_unknown_key(key, self._all(), self.recipe, verb="swept") + where)
        return self._conditional(dimension)

    def constant(self, override: Override) -> Column | None:
        """The dimension with one value that a fixed override becomes; None where the override holds for every preset.

        Raises:
            ConfigError: No preset has the key.
        """
        key, having = override.key, self.having(override.key)
        if having is None or override.is_added or override.is_deleted:
            return None
        if len(having) == len(self.keys[key.partition(".")[0]]) and key in self.known:
            return None
        if not having:
            raise ConfigError(describe_unknown_key(key, self._all(), self.recipe))
        return self._conditional(Choice(key, (override.value,)))

    def _conditional(self, dimension: Column) -> Column:
        having = self.having(dimension.key)
        group = dimension.key.partition(".")[0]
        if not having or len(having) == len(self.keys[group]):
            return dimension
        return replace(dimension, conditions=(*dimension.conditions, Condition(group, having)))

    def _all(self) -> set[str]:
        return self.known.union(*(keys for presets in self.keys.values() for keys in presets.values()))


def _names(dimension: Column) -> tuple[str, ...]:
    if isinstance(dimension, Int | Float):
        raise SpaceError(f"{dimension.key}: a config group is swept by names; received {dimension.describe()}.")
    return tuple(str(value) for value in dimension.values)
