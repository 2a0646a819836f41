"""From overrides to a plan: what is searched, over which configuration, all of it checked before anything is written.

A plan can be written to ``sweep.yaml`` and read again, so that a worker in another process composes the same trials.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mnistsweep import algorithms, data, losses, models, optimizers
from mnistsweep.config import checks, grammar
from mnistsweep.config.compose import HYPERPARAMETERS, Composer, Recipe, known_keys, to_config, trial_seed
from mnistsweep.config.objective import direction_of
from mnistsweep.config.runnable import GROUPS
from mnistsweep.config.schema import CONTINUABLE_KEYS, SWEEP_KEYS, Config
from mnistsweep.errors import ConfigError, DataError, SpaceError, suggest
from mnistsweep.paths import SweepPaths
from mnistsweep.sequences import check_enqueued
from mnistsweep.space import Choice, Condition, Dimension, Float, Int, Point, SearchSpace


@dataclass(frozen=True)
class Plan:
    """A sweep that can be started.

    Attributes:
        recipe: Composes what holds for all trials.
        groups: Which swept keys are config groups.
        space: What varies.
        config: The configuration of the sweep, as composed.
    """

    recipe: Recipe
    groups: frozenset[str]
    space: SearchSpace
    config: Config

    @property
    def paths(self) -> SweepPaths:
        """The sweep's files."""
        return SweepPaths(Path(self.config.logs) / str(self.config.name))

    @property
    def direction(self) -> str:
        """``max`` or ``min``."""
        if self.config.direction != "auto":
            return self.config.direction
        return direction_of(self.config.objective) or "max"

    @cached_property
    def composer(self) -> Composer:
        """Composes each trial's configuration."""
        return Composer(self.recipe, self.groups)

    def oracle(self) -> algorithms.Oracle:
        """The oracle of the configuration."""
        config = self.config
        return algorithms.make_oracle(config.oracle, self.space, config.seed, config.trials, config.enqueue)

    def most_epochs(self) -> int:
        """The largest number of epochs that a trial can have."""
        for dimension in self.space.dimensions:
            if dimension.key == "trainer.epochs":
                return int(max(dimension.values) if isinstance(dimension, Choice) else dimension.high)
        return self.config.trainer.epochs

    def seed_of(self, number: int) -> int:
        """The seed of a trial."""
        return trial_seed(self.config.seed, number)

    def to_json(self) -> dict[str, Any]:
        """The plan as plain values."""
        config: Any = OmegaConf.to_container(OmegaConf.structured(self.config))
        return {
            "recipe": self.recipe.to_json(),
            "groups": sorted(self.groups),
            "space": self.space.to_json(),
            "config": config,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Plan:
        """Read what `to_json` wrote."""
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), record["config"]))
        assert isinstance(config, Config)
        space = SearchSpace.from_json(record["space"])
        return cls(Recipe.from_json(record["recipe"]), frozenset(record["groups"]), space, config)

    def differences(self, other: Plan) -> list[str]:
        """What in another plan would make it another search: keys whose values differ, budgets and workers aside."""
        ours, theirs = self._identity(), other._identity()
        return sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))

    def _identity(self) -> dict[str, str]:
        record = self.to_json()
        flat = {key: value for key, value in record["config"].items() if key not in CONTINUABLE_KEYS}
        dimensions = {f"{entry['key']} (swept)": entry for entry in record["space"]}
        return {key: json.dumps(value, sort_keys=True) for key, value in (flat | dimensions).items()}


def plan_sweep(recipe: Recipe, arguments: Sequence[str], default_name: str = "sweep") -> Plan:
    """Plan a sweep from a command line.

    Args:
        recipe: Where to compose from; its overrides are replaced by those of `arguments` that are fixed.
        arguments: All overrides, ranges among them.
        default_name: Of the sweep, where none is configured.

    Raises:
        ConfigError: Every fault of the configuration, at once.
        DataError: The data cannot be used.
    """
    base = recipe.with_overrides(*grammar.parse(arguments, options=recipe.options).fixed).compose()
    request = grammar.parse(arguments, OmegaConf.to_container(base.hydra.sweeper).get("params"), recipe.options)  # type: ignore[union-attr]
    recipe = replace(recipe, overrides=request.fixed)
    recipe, dimensions, groups = _conditional(recipe, request)
    composed = recipe.compose()
    config = to_config(composed)
    config.name = config.name or default_name
    space = SearchSpace(tuple(_with_explicit_conditions(dimensions, config.conditions)))
    plan = Plan(recipe, groups, space, config)
    _check_plan(plan, composed)
    plan = replace(plan, space=SearchSpace((*space.dimensions, *_hypermodel_dimensions(plan))))
    checks.raise_faults(check_enqueued(plan.space, config.enqueue))
    if not plan.space.dimensions:
        raise SpaceError(
            "nothing is swept: give a key a range (model.dropout=interval(0,0.6)), compose space=[optimizer,dropout], "
            "or name a sweep (mnistsweep sweep quickstart)."
        )
    if not _is_foreign(config.oracle):
        plan.oracle()
        algorithms.make_pruner(config.pruner, "auto", plan.most_epochs())
    return plan


def _conditional(recipe: Recipe, request: grammar.Request) -> tuple[Recipe, list[Dimension], frozenset[str]]:
    """Find which swept keys are groups, and which keys exist only with some of a group's options.

    A fixed override of a key that some option lacks (``optimizer.momentum=0.9`` with ``optimizer=adam,sgd``) becomes a
    dimension of one value, with that condition.
    """
    swept = {dimension.key for dimension in request.dimensions}
    bare = replace(recipe, overrides=tuple(o for o in recipe.overrides if _key(o).split(".")[0] not in swept))
    choices = bare.compose().hydra.runtime.choices
    groups = {d.key: _options(d) for d in request.dimensions if d.key in choices}
    present = {
        group: {option: set(known_keys(bare.with_overrides(f"{group}={option}").compose())) for option in options}
        for group, options in groups.items()
    }
    moved = {o for o in recipe.overrides if _condition(_key(o), present) is not None}
    recipe = replace(recipe, overrides=tuple(o for o in recipe.overrides if o not in moved))
    extra = [Choice(_key(o), (_value(o),)) for o in sorted(moved)]
    known = set(known_keys(recipe.compose())).union(
        *(keys for options in present.values() for keys in options.values())
    )
    dimensions: list[Dimension] = []
    for dimension in [*request.dimensions, *extra]:
        _check_key(dimension.key, known, request.added, frozenset(groups))
        condition = _condition(dimension.key, present)
        dimensions.append(dimension if condition is None else replace(dimension, conditions=(condition,)))
    return recipe, dimensions, frozenset(groups)


def _check_key(key: str, known: set[str], added: frozenset[str], groups: frozenset[str]) -> None:
    if key in SWEEP_KEYS or key.split(".")[0] in SWEEP_KEYS or key.startswith("hydra"):
        hint = " trainer.repeats trains each configuration with several seeds." if key == "seed" else ""
        raise SpaceError(f"{key}: holds for the whole sweep and cannot be swept.{hint}")
    if key not in known and key not in added and not key.startswith(HYPERPARAMETERS):
        raise ConfigError(f"{key}: there is no such key; {suggest(key, known)}. (A new key is swept with +{key}=...)")
    if key in GROUPS and key not in groups:
        raise ConfigError(f"{key}: there is no such config group.")


def _condition(key: str, present: Mapping[str, Mapping[str, set[str]]]) -> Condition | None:
    group = key.split(".")[0]
    if group == key or group not in present:
        return None
    having = tuple(option for option, keys in present[group].items() if key in keys)
    return Condition(group, having) if having and len(having) < len(present[group]) else None


def _with_explicit_conditions(dimensions: Sequence[Dimension], given: Mapping[str, Any]) -> Iterator[Dimension]:
    keys = [dimension.key for dimension in dimensions]
    for key in given:
        if key not in keys:
            raise ConfigError(f"conditions.{key}: not a dimension of this sweep; {suggest(key, keys)}.")
    for dimension in dimensions:
        more = tuple(
            Condition(parent, tuple(values if isinstance(values, list) else [values]))
            for parent, values in (given.get(dimension.key) or {}).items()
        )
        yield replace(dimension, conditions=dimension.conditions + more)


def _check_plan(plan: Plan, composed: DictConfig) -> None:
    config = plan.config
    built_in = all(str(c.model.get("_target_")) in models.BUILDERS for c in [config])
    faults = [
        *checks.limits(composed),
        *checks.sweep_keys(config, metrics_known=built_in and "model" not in plan.groups),
    ]
    if (
        config.trials is None
        and config.hours is None
        and config.total_epochs is None
        and config.oracle.get("name") != "grid"
    ):
        faults.append("trials: without a budget only a grid comes to an end; set trials, hours or total_epochs.")
    if _is_foreign(config.oracle) and config.workers > 1:
        faults.append(f"workers: KerasTuner's own oracles serve one worker, received {config.workers}.")
    checks.raise_faults(faults)
    check_data = cache(data_faults)
    for point in probes(plan.space):
        trial = plan.composer.trial(point)
        faults += checks.limits(trial)
        typed = to_config(trial)
        faults += check_training(typed)
        faults += check_data(json.dumps(typed.data, sort_keys=True))
    checks.raise_faults(faults)


def check_training(config: Config) -> list[str]:
    """What is wrong with a configuration's model, optimizer, schedule and loss; imports no Keras."""
    faults = [*models.check(config.model), *losses.check(config.trainer.loss)]
    return faults + optimizers.check(config.optimizer, config.schedule, config.trainer.epochs)


def data_faults(text: str) -> list[str]:
    """What is wrong with a group `data`, given as JSON.

    Raises:
        DataError: A file is missing or damaged, or its arrays do not fit together.
    """
    try:
        data.check(json.loads(text))
    except DataError:
        raise
    except ConfigError as error:
        return str(error).splitlines()
    return []


def probes(space: SearchSpace) -> Iterator[Point]:
    """Points that show every value of every choice and both ends of every interval, for checks before the start."""
    centre = [0.0] * len(space.dimensions)
    yield space.point(centre)
    for index, dimension in enumerate(space.dimensions):
        count = len(dimension.values) if isinstance(dimension, Choice) else 2
        for step in range(count):
            units = _active_units(space, dimension, centre)
            units[index] = (step + 0.5) / count if isinstance(dimension, Choice) else step * (1 - 1e-12)
            yield space.point(units)


def _active_units(space: SearchSpace, dimension: Dimension, centre: Sequence[float]) -> list[float]:
    """A position of the unit cube at which a dimension is active."""
    units = list(centre)
    for condition in dimension.conditions:
        parent = space[condition.key]
        units = [max(a, b) for a, b in zip(units, _active_units(space, parent, centre), strict=True)]
        axis = parent.grid() if not isinstance(parent, Float) else ()
        position = next((i for i, value in enumerate(axis) if value in condition.values), None)
        if position is None:
            raise SpaceError(
                f"{dimension.key}: its condition {condition.key} in {list(condition.values)} is never met."
            )
        units[space.keys.index(condition.key)] = (position + 0.5) / len(axis)
    return units


def _hypermodel_dimensions(plan: Plan) -> list[Dimension]:
    """What a user's hypermodel declares itself; only then is Keras imported here."""
    options = _options(plan.space["model"]) if "model" in plan.groups else (None,)
    found: list[Dimension] = []
    for option in options:
        config = to_config(plan.composer.trial({} if option is None else {"model": option}))
        if not models.needs_hyperparameters(config.model):
            continue
        from mnistsweep.tuner.hyperparameters import discover

        dataset = data.load(config.data)
        extra = () if option is None else (Condition("model", (option,)),)
        for dimension in discover(config.model, dataset.input_shape, dataset.classes):
            if dimension.key not in plan.space.keys:
                found.append(replace(dimension, conditions=dimension.conditions + extra))
    return found


def _is_foreign(oracle: Mapping[str, Any]) -> bool:
    """Whether the oracle is one of KerasTuner's own."""
    return oracle.get("_target_") is not None


def _options(dimension: Dimension) -> tuple[str, ...]:
    if isinstance(dimension, Int | Float):
        raise SpaceError(f"{dimension.key}: a config group is swept by names, received {dimension.describe()}.")
    return tuple(str(value) for value in dimension.values)


def _key(override: str) -> str:
    return override.lstrip("+~").split("=", 1)[0]


def _value(override: str) -> Any:
    return grammar.value_of(override)
