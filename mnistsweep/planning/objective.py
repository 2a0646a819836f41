"""What `objective=auto` stands for, by the targets, the metrics, and what a hypermodel's own `fit` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mnistsweep.config.checks import Faults
from mnistsweep.config.objective import AUTO, DEFAULT_OBJECTIVE, DEFAULTS, check_chosen_direction, default_of
from mnistsweep.config.objectives import MEASURED, texts_in, with_first
from mnistsweep.config.schema import Config
from mnistsweep.errors import ConfigError, suggest
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import read_plan


@dataclass(frozen=True)
class FitReturn:
    """What a hypermodel's own `fit` returned for a few examples.

    Attributes:
        name: Name of the `fit`, for messages.
        kind: `history`, `dictionary` or `number`; empty if it failed.
        metrics: Names in the dictionary.
        fault: Why it failed.
    """

    name: str
    kind: str = ""
    metrics: Sequence[str] = ()
    fault: str = ""


@dataclass(frozen=True)
class Measured:
    """What a rehearsal found about the objectives that a model has.

    Attributes:
        metrics: Names of the metrics that the model measures on a split.
        has_class_targets: Whether the targets are classes.
        own_fit: What the hypermodel's own `fit` returns; None without such a `fit`.
        model_fit: Name of the model's own `fit` that is called with the number of epochs; empty if there is none.
    """

    metrics: Sequence[str]
    has_class_targets: bool
    own_fit: FitReturn | None = None
    model_fit: str = ""


def with_objective(plan: Plan, measured: Sequence[Measured], faults: Faults) -> Plan:
    """Return a plan with the name of the objective in place of ``auto``.

    A sweep that is continued keeps its objective.

    Args:
        plan: Plan of the sweep.
        measured: What each model of the sweep measures.
        faults: Collects what is wrong, and warnings.
    """
    if plan.config.first_objective != AUTO and plan.paths.sweep.is_file():
        return plan
    if plan.paths.sweep.is_file():
        before = read_plan(plan.paths).config.first_objective
        return _with(plan, before if before in DEFAULTS else DEFAULTS[0])
    with faults.collecting():
        return _with(plan, _common(plan.config, measured, faults))
    return plan


def _with(plan: Plan, objective: str) -> Plan:
    return replace(plan, config=replace(plan.config, objective=with_first(plan.config.objective, objective)))


def choose_objective(config: Config, measured: Measured, faults: Faults) -> str:
    """Return the name of the first objective of a configuration; if it is ``auto``, the one that this stands for.

    Args:
        config: Configuration.
        measured: What its model measures.
        faults: Collects a wrong direction, and warnings.

    Raises:
        ConfigError: A dictionary that the model's own `fit` returns lacks the objective, or the `fit` failed.
    """
    own = measured.own_fit
    if own is not None and own.kind in ("number", "dictionary") and config.pruner.get("name") not in ("auto", "none"):
        faults.warn([f"pruner: {own.name} returns a {own.kind}, so its trainings are not pruned."])
    if own is not None:
        _check_others(own, texts_in(config.objective)[1:])
    if config.first_objective != AUTO:
        if own is not None and own.kind == "dictionary":
            _check_dictionary(own, config.first_objective)
        return config.first_objective
    if own is not None and own.fault:
        raise ConfigError(
            f"objective: {own.name} was called with a few examples to find what it returns, and failed: {own.fault}; "
            "set objective=NAME (with direction=max or direction=min)"
        )
    objective = _default(measured)
    if own is not None and own.kind == "dictionary":
        _check_dictionary(own, objective)
    if objective == DEFAULT_OBJECTIVE and own is not None:
        better = "maximized" if _direction(config) == "max" else "minimized"
        faults.warn([_announcement(own.name, better)])
    faults.add(check_chosen_direction(objective, _direction(config)))
    return objective


def _direction(config: Config) -> str:
    return texts_in(config.direction)[0]


def _check_others(own: FitReturn, names: Sequence[str]) -> None:
    """Check that a hypermodel's own `fit` can measure all objectives but the first.

    Raises:
        ConfigError: It returns something that lacks one of them.
    """
    for name in (name for name in names if name not in MEASURED):
        if own.kind == "number":
            raise ConfigError(
                f"objective: {own.name} returns a number, so {name!r} is not measured; return both, as a dictionary"
            )
        if own.kind == "dictionary":
            _check_dictionary(own, name)


def _announcement(name: str, better: str) -> str:
    return (
        f"objective: {name} returns a number and no objective was chosen: the number is recorded as "
        f"{DEFAULT_OBJECTIVE} and {better}; objective=NAME direction=max names it and maximizes it."
    )


def _default(measured: Measured) -> str:
    own = measured.own_fit
    if own is not None and (own.kind == "number" or DEFAULT_OBJECTIVE in own.metrics):
        return DEFAULT_OBJECTIVE
    if own is not None and own.kind == "dictionary":
        return default_of([name.removeprefix("val_") for name in own.metrics], measured.has_class_targets)
    return default_of(measured.metrics, measured.has_class_targets)


def _check_dictionary(own: FitReturn, objective: str) -> None:
    if objective not in own.metrics:
        near = suggest(objective, own.metrics)
        raise ConfigError(f"objective: {own.name} returns a dictionary without {objective!r}; {near} (objective=NAME)")


def _common(config: Config, measured: Sequence[Measured], faults: Faults) -> str:
    """Objective of all models of a sweep.

    Raises:
        ConfigError: It is not the same for all of them.
    """
    found: Mapping[str, None] = dict.fromkeys(choose_objective(config, each, faults) for each in measured)
    if len(found) > 1:
        rule = "the swept models and data sets have different ones"
        raise ConfigError(f"objective: {rule}, {' and '.join(found)}; set objective=NAME")
    return next(iter(found), config.first_objective)
