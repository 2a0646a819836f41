"""From the overrides of a command line to a plan, in four steps; every fault is found before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import compose_own, to_plain
from mnistsweep.config.objective import AUTO
from mnistsweep.config.overrides import quoted, texts_of
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.references import references
from mnistsweep.config.schema import Config
from mnistsweep.config.start_checks import num_workers
from mnistsweep.config.trials import set_value
from mnistsweep.forked import ProcessDied, iterate
from mnistsweep.planning.checks import check_configuration, check_data, check_trials
from mnistsweep.planning.folders import check_database, check_sweep_folder
from mnistsweep.planning.groups import Resolved, resolve
from mnistsweep.planning.hypermodel import hypermodel_dimensions
from mnistsweep.planning.nesting import Nesting, find_nesting, without_nesting
from mnistsweep.planning.objective import Measured, with_objective
from mnistsweep.planning.plan import Plan, first_budget
from mnistsweep.planning.rehearsal import has_own_code, is_complete, rehearse
from mnistsweep.planning.repeated_request import request_checksum
from mnistsweep.planning.request import DEFAULT_NAME, Request, read_request
from mnistsweep.planning.search_checks import check_search
from mnistsweep.planning.user_conditions import with_explicit_conditions
from mnistsweep.planning.user_zips import with_zips
from mnistsweep.planning.warm_start import with_warm_start
from mnistsweep.space import SearchSpace
from mnistsweep.tuner.hyperband import with_epochs

# Keys of the configuration, without those that the user added for interpolations.
FIELDS = frozenset(entry.name for entry in fields(Config))


@dataclass(frozen=True)
class Draft:
    """A sweep of which the data and the models were not read yet.

    Attributes:
        plan: Plan without what only the data and the models can tell.
        faults: Faults that were found so far.
        added: Keys that the user added to the configuration, fixed or swept.
    """

    plan: Plan
    faults: Faults
    added: frozenset[str]


def plan_sweep(recipe: Recipe, overrides: Sequence[str] = ()) -> Plan:
    """Plan a sweep: compose, resolve groups and conditions, draft the plan, check it.

    Args:
        recipe: Recipe of the command line; its overrides may be ranges.
        overrides: More overrides; ranges and Hydra's own may be among them, as in the recipe.

    Raises:
        ConfigError: Every fault of the configuration, at once.
        DataError: The data cannot be used.
    """
    return complete_draft(draft_sweep(recipe, overrides))


def draft_sweep(recipe: Recipe, overrides: Sequence[str] = ()) -> Draft:
    """Read what is asked for, without the data and the models.

    Args:
        recipe: Recipe of the command line; its overrides may be ranges.
        overrides: More overrides.

    Raises:
        ConfigError: Nothing can be composed.
    """
    faults = Faults()
    request = read_request(recipe, overrides, faults)
    resolved = resolve(request, faults)
    plan = _draft(request, resolved, faults)
    faults.add(check_sweep_folder(plan.config), check_database(plan.config.storage))
    return Draft(replace(plan, request="" if faults.any else request_checksum(plan)), faults, resolved.added)


def complete_draft(draft: Draft) -> Plan:
    """Plan a sweep of which a draft was made: read the data and the models, and check everything.

    Raises:
        ConfigError: Every fault of the configuration, at once.
        DataError: The data cannot be used.
    """
    plan, faults = draft.plan, draft.faults
    check_data(plan.config, faults)
    check_trials(plan, faults, draft.added)
    plan = with_warm_start(_with_models(plan, faults), faults)
    faults.raise_any()
    return replace(plan, warnings=tuple(faults.warnings))


def _with_models(plan: Plan, faults: Faults) -> Plan:
    """The plan with what the models declare, checked with built models.

    Users' models are built in a process of their own: it may crash, and it occupies the GPU that the workers need.
    """
    is_separate = not faults.any and has_own_code(plan)  # with faults, no model is built
    steps = iterate(lambda: _model_steps(plan, faults)) if is_separate else _model_steps(plan, faults)
    completed = plan
    try:
        for nesting, objective, found in steps:
            nested = nesting.applied_to(plan)
            completed = replace(nested, config=replace(nested.config, objective=objective))
            faults.replace_by(found)
    except ProcessDied as died:
        where = f"model: the process that builds the model for a check {died}"
        if completed is plan:
            faults.add([f"{where} before it knew the hyperparameters."])
        elif completed.config.first_objective == AUTO:
            faults.add([f"{where} before it knew what objective=auto stands for; set objective=NAME."])
        else:
            faults.warn([f"{where}; a trial that ends its process is recorded as failed."])
    return completed


def _model_steps(plan: Plan, faults: Faults) -> Iterator[tuple[Nesting, Any, Faults]]:
    """Yield the space with the hyperparameters of the models, the objective and the faults so far.

    The first time, before the models are rehearsed, the objective may be ``auto``.
    """
    with faults.collecting():
        declared = [] if faults.any else hypermodel_dimensions(plan)
        plan = plan.with_space(with_epochs(plan.config, SearchSpace((*plan.space.dimensions, *declared))))
    nesting, whole = Nesting(plan.space), plan
    with faults.collecting():
        nesting = nesting if faults.any else find_nesting(plan)
    plan = nesting.applied_to(whole)
    check_search(plan, faults)
    is_unknown = not faults.any and has_own_code(whole)  # the process may end in the rehearsal
    known = without_nesting(whole, nesting, "the check of the model has ended its process") if is_unknown else nesting
    yield known, plan.config.objective, faults
    if not faults.any:
        measured = rehearse(plan, faults)
        if (other := _after_rehearsal(whole, nesting, measured)) is not nesting:
            nesting, plan = other, other.applied_to(whole)
            check_search(plan, faults)
        plan = with_objective(plan, measured, faults)
        yield nesting, plan.config.objective, faults


def _after_rehearsal(plan: Plan, nesting: Nesting, measured: Sequence[Measured]) -> Nesting:
    """What the rehearsal shows about the number of epochs."""
    if model_fit := next((found.model_fit for found in measured if found.model_fit), ""):
        return without_nesting(plan, nesting, f"the data stream, so {model_fit} of the model may read it", model_fit)
    if has_own_code(plan) and not is_complete(plan):
        return without_nesting(plan, nesting, "there are too many models and data sets to check each of them")
    return nesting


def _draft(request: Request, resolved: Resolved, faults: Faults) -> Plan:
    """The plan before the values of the search are checked.

    Raises:
        ConfigError: A whole group or the search space is invalid, so that nothing else can be checked.
    """
    with faults.raising():
        composed = compose_own(resolved.recipe)
        for dimension in resolved.dimensions:
            if dimension.key in request.added:  # an interpolation may refer to the key
                set_value(composed, dimension.key, dimension.value_at(0.0))
        plain = to_plain(composed)
        kept = {path: text for path, text in references(composed, plain).items() if path[0] in FIELDS}
        config = check_configuration(plain, faults, resolved.added)
        config.name = config.name or request.named_sweep or DEFAULT_NAME
        config.workers = num_workers(config)
        conditional = with_explicit_conditions(resolved.dimensions, config.conditions)
        listed = {override.key: override.listed for override in request.ranges}
        space = SearchSpace(with_zips(conditional, config.zip, listed))
    hydra = texts_of(request.hydra)
    return Plan(
        _kept(resolved.recipe, composed, config),
        resolved.groups,
        space,
        config,
        first_budget(config, space),
        references=kept,
        hydra=hydra,
    )


def _kept(recipe: Recipe, composed: DictConfig, config: Config) -> Recipe:
    """The recipe that workers and later commands compose.

    It has the name and the folder of this start, which may contain the time (``${now:%Y-%m-%d}``), and no notification:
    a later command may lack its secret.
    """
    names = {key: getattr(config, key) for key in ("name", "logs") if OmegaConf.is_interpolation(composed, key)}
    notified = [key for key in ("command", "url") if getattr(config.notify, key) is not None]
    return recipe.with_overrides(
        *(f"{key}={quoted(name)}" for key, name in names.items()), *(f"notify.{key}=null" for key in notified)
    )
