"""Nested epochs: one training of 20 epochs contains the trainings of 10, 12, 15 and 18 epochs with the same seed.

That holds where nothing in a training depends on its number of epochs but its end. Then `trainer.epochs` is no
dimension of the search: each trial trains the largest number, and has a result for each of the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mnistsweep.config.checks import Faults
from mnistsweep.config.constraints import PARAMETERS
from mnistsweep.dimensions import Choice, Dimension, Int
from mnistsweep.models.callbacks import may_read_epochs
from mnistsweep.models.hypermodels import has_own_fit
from mnistsweep.models.optimizers import reads_epochs
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import read_plan
from mnistsweep.planning.probes import probes
from mnistsweep.planning.trial_contents import composed_content, first_difference
from mnistsweep.search.enqueued import check_enqueued
from mnistsweep.space import Point, SearchSpace, canonical
from mnistsweep.study.nested_epochs import EPOCHS
from mnistsweep.training.outcome import num_folds

# Largest number of listed numbers of epochs: each is a row of `configurations.csv` for each trial.
MAX_NESTED = 1000

# Number of listed numbers of epochs with which each checked configuration is composed.
MAX_COMPOSED = 8


@dataclass(frozen=True)
class Nesting:
    """The space of a sweep without its numbers of epochs, or the reason why these stay a dimension.

    Attributes:
        space: Search space.
        epochs: Numbers of epochs that one training contains, in ascending order; empty: they are not nested.
        reason: Why not, as the end of a sentence; empty if they are nested, or not swept.
        enqueued: Enqueued configurations without the number of epochs.
        model_fit: The plan's `model_fit`.
    """

    space: SearchSpace
    epochs: tuple[int, ...] = ()
    reason: str = ""
    enqueued: tuple[Any, ...] = ()
    model_fit: str = ""

    def applied_to(self, plan: Plan) -> Plan:
        """The plan with this space; where epochs are nested, each training has the largest number.

        Args:
            plan: Plan before the decision.
        """
        if not self.epochs:
            return replace(plan.with_space(self.space), not_nested=self.reason, model_fit=self.model_fit)
        last = self.epochs[-1]
        trainer = replace(plan.config.trainer, epochs=last)
        config = replace(plan.config, trainer=trainer, enqueue=list(self.enqueued))
        recipe = plan.recipe.with_overrides(f"{EPOCHS}={last}")
        return replace(plan.with_space(self.space), recipe=recipe, config=config, nested_epochs=self.epochs)


def find_nesting(plan: Plan) -> Nesting:
    """Decide whether the epochs of a search are nested; a model of the user may be imported for it.

    Args:
        plan: Plan whose configurations are valid, with every dimension.
    """
    found = [dimension for dimension in plan.space.dimensions if EPOCHS in dimension.keys]
    if not found or found[0].size == 1 or check_enqueued(plan.space, plan.config.enqueue):
        return Nesting(plan.space)
    if reason := _reason_against(plan, found[0]):
        return Nesting(plan.space, reason=reason)
    epochs = tuple(sorted(map(int, found[0].grid())))
    others = tuple(dimension for dimension in plan.space.dimensions if dimension is not found[0])
    space = SearchSpace(others or (Choice(EPOCHS, epochs[-1:]),))  # a space has at least one dimension
    return Nesting(space, epochs, enqueued=tuple(_without_epochs(plan.config.enqueue)))


def without_nesting(plan: Plan, nesting: Nesting, reason: str, model_fit: str = "") -> Nesting:
    """Return what holds for a search if a training may depend on its number of epochs after all.

    Args:
        plan: Plan whose configurations are valid, with every dimension.
        nesting: What was decided before.
        reason: Why a training may depend on it.
        model_fit: Name of the model's own `fit` that is called with it.
    """
    return Nesting(plan.space, reason=nesting.reason or reason, model_fit=model_fit)


def _without_epochs(enqueued: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Enqueued configurations without the number of epochs, each once."""
    seen = set()
    for given in enqueued:
        point = {key: value for key, value in given.items() if key != EPOCHS}
        if canonical(point) not in seen:
            seen.add(canonical(point))
            yield point


def _reason_against(plan: Plan, dimension: Dimension) -> str:
    """Why the epochs are not nested, from the cheapest check to the dearest; empty if they are."""
    return (
        _reason_of_space(plan, dimension)
        or _reason_of_search(plan)
        or next(filter(None, (_reason_of_trial(plan, point) for point in probes(plan.space, Faults()))), "")
        or ("the model has a `fit` of its own" if any(map(has_own_fit, plan.own_models())) else "")
        or _reason_of_start(plan)
    )


def _reason_of_space(plan: Plan, dimension: Dimension) -> str:
    children = [one.name for one in plan.space.dimensions if any(c.key == EPOCHS for c in one.conditions)]
    if not isinstance(dimension, Choice | Int):
        return "it goes together with other values (zip)"
    if dimension.conditions or children:
        return "conditions connect it with other dimensions"
    if dimension.size is None or dimension.size > MAX_NESTED:
        return f"there are more than {MAX_NESTED:,} numbers"
    return ""


def _reason_of_search(plan: Plan) -> str:
    """Why the search as a whole does not allow it."""
    if plan.is_kerastuner_oracle:
        return "an oracle of KerasTuner chooses it"
    if plan.further:
        return "there are several objectives"
    measured = [str(one) for one in plan.constraints if one.name != PARAMETERS]
    if measured:
        return f"the constraint {measured[0]} depends on it"
    return ""


def _reason_of_start(plan: Plan) -> str:
    """Why an existing sweep goes on without nested epochs, where nothing else excludes them: an earlier version."""
    began_so = plan.paths.sweep.is_file() and not read_plan(plan.paths).nested_epochs
    return "this sweep began so" if began_so else ""


def _reason_of_trial(plan: Plan, point: Point) -> str:
    """Why a training at a point depends on its number of epochs; empty if it does not."""
    config = composed_content(plan, point, plan.config.seed)
    if reason := reason_of_configuration(config):
        return reason
    key = _dependent_key(plan, point, config)
    return f"{key} depends on it" if key else ""


def reason_of_configuration(config: Mapping[str, Any]) -> str:
    """Why a training depends on its number of epochs; empty if it does not, as far as its configuration shows.

    Args:
        config: Configuration of a trial as plain values.
    """
    trainer = config["trainer"]
    if reads_epochs(config["schedule"]):
        return f"schedule={config['schedule']['name']} depends on it"
    if trainer["stop_after"] is not None:
        return "trainer.stop_after is set"
    if trainer["repeats"] > 1 or num_folds(config["data"]) > 1:
        return "a trial is the mean of several trainings, each at its own best epoch"
    if (index := may_read_epochs(trainer["callbacks"])) is not None:
        return f"trainer.callbacks[{index}] is not one of Keras, and may read it"
    return ""


def _dependent_key(plan: Plan, point: Point, config: Mapping[str, Any]) -> str | None:
    """A key of a configuration, besides the number of epochs, that changes with it: by an interpolation."""
    listed = plan.space[EPOCHS].grid()
    steps = min(MAX_COMPOSED, len(listed)) - 1
    for step in range(steps + 1):
        epochs = int(listed[round(step * (len(listed) - 1) / steps)])
        other = composed_content(plan, {**point, EPOCHS: epochs}, plan.config.seed)
        other["trainer"] = {**other["trainer"], "epochs": config["trainer"]["epochs"]}
        if (key := first_difference(other, config)) is not None:
            return key
    return None
