"""From overrides to a plan: what is searched, over which configuration; all is checked before anything is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mnistsweep import data, devices
from mnistsweep.config import grammar
from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import HYPERPARAMETERS, Recipe, to_config, to_plain
from mnistsweep.config.explaining import mend
from mnistsweep.config.held import is_inside, key_of, release
from mnistsweep.config.trials import set_value
from mnistsweep.dimensions import Choice, Condition, Dimension
from mnistsweep.models import hypermodels
from mnistsweep.planning.checks import check_data, check_one, check_registered_metrics, check_trials
from mnistsweep.planning.groups import resolve, with_explicit_conditions
from mnistsweep.planning.plan import Plan
from mnistsweep.search.enqueued import check_enqueued
from mnistsweep.search.pruners import make_pruner
from mnistsweep.space import SearchSpace
from mnistsweep.study.sweep_file import read_sweep_file
from mnistsweep.tuner.hyperband import with_epochs

__all__ = ["Plan", "plan_sweep"]

NOTHING_SWEPT = (
    "nothing is swept: give a key a range (model.dropout=interval(0,0.6)), compose space=[optimizer,dropout], or name "
    "a sweep (mnistsweep sweep quickstart)."
)


def plan_sweep(recipe: Recipe, arguments: Sequence[str], default_name: str = "sweep") -> Plan:
    """Plan a sweep from a command line.

    Args:
        recipe: Where to compose from; its overrides are those of Hydra's own keys.
        arguments: All others, ranges among them.
        default_name: Of the sweep, where none is configured and no named sweep gives its own.

    Raises:
        ConfigError: Every fault of the configuration, at once.
        DataError: The data cannot be used.
    """
    faults = Faults()
    arguments = release(arguments)
    request = _read(recipe, arguments, faults)
    resolved = resolve(replace(recipe, overrides=()), request, [key_of(text) for text in arguments], faults)
    with faults.fatal():
        composed = resolved.recipe.compose()
        for dimension in resolved.dimensions:
            if dimension.key in request.added:  # others may refer to it
                set_value(composed, dimension.key, dimension.value_at(0.0))
        config = check_one(to_plain(composed), faults, request.added | _added(resolved.recipe))
        config.name = config.name or _named_sweep(arguments) or default_name
        space = SearchSpace(with_explicit_conditions(resolved.dimensions, config.conditions))
    plan = Plan(resolved.recipe, resolved.groups, space, config, first_trials=config.trials)
    check_data(config, faults)
    check_trials(plan, faults)
    check_registered_metrics(config, faults)
    with faults.collecting():
        found = [] if faults.any else _hypermodel_dimensions(plan)
        plan = replace(plan, space=with_epochs(config, SearchSpace((*space.dimensions, *found))))
    _check_search(plan, faults)
    faults.raise_any()
    return plan


def _read(recipe: Recipe, arguments: Sequence[str], faults: Faults) -> grammar.Request:
    """Read the command line and ``hydra.sweeper.params``; what cannot be read or applied is left out."""
    readable = []
    for text in arguments:
        with faults.collecting():
            grammar.parse([text], options=recipe.options)
            readable.append(text)
    outer = [text for text in grammar.parse(readable, options=recipe.options).fixed if not is_inside(text)]
    with faults.fatal():
        mended, found = mend(recipe.with_overrides(*outer))
        faults.add(found)
        params: Any = mended.compose().hydra.sweeper.get("params")
        request = grammar.parse(readable, params, recipe.options)
    left_out = set(outer) - set(mended.overrides)
    fixed = [text for text in request.fixed if text not in left_out and not key_of(text).startswith("hydra")]
    return replace(request, fixed=tuple(fixed))


def _added(recipe: Recipe) -> frozenset[str]:
    """Keys beside those of the schema, which the user added for interpolations."""
    return frozenset(key_of(text) for text in recipe.overrides if text.startswith("+"))


def _named_sweep(arguments: Sequence[str]) -> str | None:
    """The file's name of a named sweep, such as ``+sweeps=quickstart``."""
    names = [grammar.value_of(text) for text in arguments if key_of(text) == "sweeps"]
    return names[-1] if names and isinstance(names[-1], str) else None


def _check_search(plan: Plan, faults: Faults) -> None:
    """Check how the space is searched, once all its dimensions are known."""
    config, sound = plan.config, not faults.any
    if sound and not plan.space.dimensions:
        faults.add([NOTHING_SWEPT])
    if plan.num_trials is None and config.hours is None and config.total_epochs is None:
        faults.add(["trials: without a budget this search has no end; set trials, hours or total_epochs."])
    with faults.collecting():
        make_pruner(config.pruner, "auto", plan.most_epochs() if sound else 1)
    outside = check_enqueued(plan.space, config.enqueue)
    faults.add(outside)
    if plan.is_kerastuner_oracle:
        _check_kerastuner_oracle(plan, faults)
    elif sound and not outside:
        with faults.collecting():
            plan.oracle()


def _check_kerastuner_oracle(plan: Plan, faults: Faults) -> None:
    """Check one of KerasTuner's own oracles."""
    config = plan.config
    if config.workers > 1:
        faults.add([f"workers: KerasTuner's own oracles serve one worker, received {config.workers}."])
    if config.enqueue:
        faults.add(
            ["enqueue: KerasTuner's own oracles take no points of others; leave it empty, or take another oracle."]
        )
    if faults.any or plan.paths.sweep.is_file():  # KerasTuner takes seconds to import; once is enough
        return
    with devices.quiet_start():
        from mnistsweep.tuner.kerastuner_oracle import KerasTunerOracle
    with faults.collecting():
        KerasTunerOracle(plan.paths, plan.space, config, plan.direction)


def _hypermodel_dimensions(plan: Plan) -> list[Dimension]:
    """What a user's hypermodel declares itself; only then is Keras imported here.

    A sweep that is continued keeps what was declared when it was begun: one that is complete says so without Keras.
    """
    if plan.paths.sweep.is_file():
        before = Plan.from_json(read_sweep_file(plan.paths).get("plan"))
        if before.config.model == plan.config.model and before.groups == plan.groups:
            known = [d for d in before.space.dimensions if d.key.startswith(HYPERPARAMETERS)]
            return [dimension for dimension in known if dimension.key not in plan.space.keys]
    swept = plan.space["model"] if "model" in plan.groups else None
    options = swept.values if isinstance(swept, Choice) else (None,)
    found: list[Dimension] = []
    referred = {d.key: d.value_at(0.0) for d in plan.space.dimensions if "." not in d.key and d.key not in plan.groups}
    for option in options:
        config = to_config(plan.composer.trial(referred if option is None else {**referred, "model": option}))
        with devices.quiet_start():  # a user's module imports Keras
            if not hypermodels.needs_hyperparameters(config.model):
                continue
            from mnistsweep.tuner.discovery import discover

        os.environ.update(devices.MEMORY_GROWTH)  # this process builds models too; it leaves GPU memory to the workers
        extra = () if option is None else (Condition("model", (option,)),)
        ranges = plan.space.dimensions if option is None else ()
        for dimension in discover(config, data.load(config.data), ranges):
            if dimension.key not in plan.space.keys:
                found.append(replace(dimension, conditions=dimension.conditions + extra))
    return found
