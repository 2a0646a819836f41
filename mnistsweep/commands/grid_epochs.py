"""How many epochs the whole grid of a sweep would have taken, beside those that a search has trained."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from mnistsweep.commands.extent import num_epochs
from mnistsweep.config.checks import Faults
from mnistsweep.dimensions import Choice, Int
from mnistsweep.models.hypermodels import has_own_fit
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.probes import probes
from mnistsweep.study.nested_epochs import EPOCHS
from mnistsweep.study.records import State, TrialRecord, searched
from mnistsweep.text import format_count


def spared_epochs(plan: Plan, records: Sequence[TrialRecord]) -> str | None:
    """Return a sentence that compares a search with its grid; None for a grid that is infinite or was searched wholly.

    A training may end before its last epoch, so the number for the grid is an upper bound.

    Args:
        plan: Plan of the sweep.
        records: Trials of the sweep.
    """
    trials, size = searched(records), plan.space.size()
    num_ended = sum(record.state in (State.COMPLETED, State.FAILED) for record in trials)
    if size is None or num_ended >= size:
        return None
    trained, whole = sum(record.trained_epochs for record in trials), grid_epochs(plan)
    if whole is None or whole <= trained:
        return None
    return f"{format_count(trained, 'epoch')} trained; the whole grid would have taken up to {whole:,}"


def grid_epochs(plan: Plan) -> int | None:
    """Return the number of epochs of the trainings at all points of a sweep's space, repeats and folds included.

    Args:
        plan: Plan of the sweep.

    Returns:
        The number; None if the space is infinite, if a training's number of epochs goes with other dimensions than
        `trainer.epochs`, or if something else decides it: a function, a user's own `fit`, an oracle of KerasTuner.
    """
    size, epochs = plan.space.size(), _mean_epochs(plan)
    is_decided_elsewhere = plan.program is not None or plan.is_kerastuner_oracle
    if size is None or epochs is None or is_decided_elsewhere or any(map(has_own_fit, plan.own_models())):
        return None
    factors = {Fraction(num_epochs(plan, point) or 0, point.get(EPOCHS, 1)) for point in probes(plan.space, Faults())}
    return int(size * epochs * factors.pop()) if len(factors) == 1 else None


def _mean_epochs(plan: Plan) -> Fraction | None:
    """Mean of the dimension `trainer.epochs` over the grid: 1 without it; None if it goes with other dimensions."""
    if EPOCHS not in plan.space.keys:
        return Fraction(1)
    own = next((one for one in plan.space.dimensions if one.keys == (EPOCHS,) and not one.conditions), None)
    children = [one for one in plan.space.dimensions if any(condition.key == EPOCHS for condition in one.conditions)]
    if not isinstance(own, Choice | Int) or children:
        return None
    values = own.grid()
    return Fraction(sum(map(int, values)), len(values))
