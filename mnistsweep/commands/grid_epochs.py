"""How many epochs the whole grid of a sweep would have taken, beside those that a search has trained."""

from __future__ import annotations

from collections.abc import Sequence

from mnistsweep.dimensions import Choice, Int
from mnistsweep.planning.plan import Plan
from mnistsweep.search.oracle_factory import PAUSING
from mnistsweep.space import SearchSpace
from mnistsweep.study.records import TrialRecord, searched
from mnistsweep.text import format_count

KEY = "trainer.epochs"


def spared_epochs(plan: Plan, records: Sequence[TrialRecord]) -> str | None:
    """Return a sentence that compares a search that pauses trials with its grid; None where it has no finite grid.

    Args:
        plan: Plan of the sweep.
        records: Trials of the sweep.
    """
    if plan.is_kerastuner_oracle or plan.oracle_name not in PAUSING:
        return None
    whole = grid_epochs(plan.space, plan.config.trainer.epochs)
    trained = sum(record.trained_epochs for record in searched(records))
    if whole is None or whole <= trained:
        return None
    return f"{format_count(trained, 'epoch')} trained; the whole grid would have taken {whole:,}"


def grid_epochs(space: SearchSpace, epochs: int) -> int | None:
    """Return the number of epochs of the trainings at all points of a space.

    Args:
        space: Search space.
        epochs: Number of epochs of a training where the space has no such dimension.

    Returns:
        The number; None if the space is infinite, or if a training's number of epochs goes with other dimensions.

    Example:
        >>> grid_epochs(SearchSpace((Choice("a", (1, 2)), Choice("trainer.epochs", (3, 4, 5)))), 9)
        24
    """
    size = space.size()
    if size is None or KEY not in space.keys:
        return None if size is None else size * epochs
    own = next((one for one in space.dimensions if one.keys == (KEY,) and not one.conditions), None)
    if not isinstance(own, Choice | Int) or any(
        condition.key == KEY for one in space.dimensions for condition in one.conditions
    ):
        return None
    values = [int(value) for value in own.grid() if value is not None]
    return size * sum(values) // len(values)
