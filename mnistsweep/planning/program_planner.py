"""Plan of a sweep whose trials run a function: its space is given as dimensions, and no model or data are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mnistsweep.config import checks, structure
from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import compose_own, drop_invalid_overrides, to_plain
from mnistsweep.config.objective import AUTO, DEFAULT_OBJECTIVE
from mnistsweep.config.objectives import texts_in, unknown_directions, with_first
from mnistsweep.config.overrides import GROUPS, parse_overrides, texts_of
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.references import references
from mnistsweep.config.schema import Config
from mnistsweep.config.start_checks import num_workers
from mnistsweep.dimensions import Column
from mnistsweep.errors import ConfigError
from mnistsweep.planning.folders import check_database, check_sweep_folder
from mnistsweep.planning.plan import Plan, first_budget
from mnistsweep.planning.probes import probes
from mnistsweep.planning.request import DEFAULT_NAME
from mnistsweep.planning.search_checks import check_search
from mnistsweep.planning.user_conditions import with_explicit_conditions
from mnistsweep.planning.user_zips import Listed, with_zips
from mnistsweep.planning.warm_start import with_warm_start
from mnistsweep.space import SearchSpace

# Keys of the configuration that may hold a secret; the groups are empty.
KEPT = ("storage", "oracle", "enqueue", "notify")


def plan_program(
    recipe: Recipe, dimensions: Sequence[Column], program: Mapping[str, Any], listed: Listed | None = None
) -> Plan:
    """Plan a sweep whose trials run a function.

    Args:
        recipe: Recipe of the sweep's own keys: budget, workers, oracle, objective, ...; without ranges.
        dimensions: Dimensions of the search; their keys are those of the function's values.
        program: What the trials run, see `Plan.program`.
        listed: Values of each dimension in the order given, for the key `zip`; None: dimensions cannot be zipped.

    Returns:
        The plan. The groups `data`, `model`, `optimizer` and `schedule` of its configuration are empty. Of `trainer`
        only `epochs` counts: the largest step that a trial reports, by which the pruner `hyperband` divides its budget.

    Raises:
        ConfigError: Every fault of the configuration, at once.
    """
    faults = Faults()
    with faults.raising():
        recipe = _valid(recipe, faults)
        composed = compose_own(recipe)
        plain = to_plain(composed)
        kept = {path: text for path, text in references(composed, plain).items() if path[0] in KEPT}
        config = _read(plain, faults)
        space = _space(dimensions, config, listed)
    faults.add(check_sweep_folder(config), check_database(config.storage))
    plan = Plan(recipe, frozenset(), space, config, first_budget(config, space), references=kept, program=program)
    with faults.collecting():
        list(probes(space, faults))  # conditions that are never met
    check_search(plan, faults)
    plan = with_warm_start(plan, faults)
    faults.raise_any()
    return replace(plan, warnings=tuple(faults.warnings))


def _valid(recipe: Recipe, faults: Faults) -> Recipe:
    """The recipe without invalid overrides, and with references in place of secrets."""
    bare = replace(recipe, overrides=())
    parsed, found = parse_overrides(recipe.overrides, recipe.options)
    faults.add(found)
    valid, found = drop_invalid_overrides(bare, parsed)
    faults.add(found)
    return bare.with_overrides(*texts_of(valid))


def _space(dimensions: Sequence[Column], config: Config, listed: Listed | None) -> SearchSpace:
    """The search space with the conditions and zips of the configuration.

    Raises:
        ConfigError: A condition or a zip is invalid.
    """
    if config.zip and listed is None:
        raise ConfigError(
            "zip: not for this kind of sweep; make one choice of lists, and take them apart in the function."
        )
    conditional = with_explicit_conditions(tuple(dimensions), config.conditions)
    return SearchSpace(with_zips(conditional, config.zip, listed or {}))


def _read(plain: Mapping[str, Any], faults: Faults) -> Config:
    config, found = structure.read_config(plain)
    faults.add(found, checks.check_limits(config), checks.check_sweep_keys(config, metrics_known=False))
    if config.constraints:
        rule = "only Keras trainings have them; leave them empty, and return a bad objective for a point that is no use"
        faults.add([f"constraints: {rule}."])
    config.name = config.name or DEFAULT_NAME
    config.workers = num_workers(config)
    if config.first_objective == AUTO:  # minimized, as Optuna does with the return value of a function
        config.objective = with_first(config.objective, DEFAULT_OBJECTIVE)
    faults.add(unknown_directions(texts_in(config.objective), config.direction))
    for group in GROUPS:
        setattr(config, group, {})
    return config
