"""How large a search is: what the start of a sweep announces, and how many epochs a trial trains."""

from __future__ import annotations

from collections.abc import Sequence

from mnistsweep.planning.plan import Plan
from mnistsweep.space import Point
from mnistsweep.study.nested_epochs import EPOCHS
from mnistsweep.text import format_count
from mnistsweep.training.outcome import num_folds

# Maximum number of contained trainings that are listed.
MAX_LISTED = 8


def describe_extent(plan: Plan) -> list[str]:
    """Return lines on the number of configurations, and on trainings that contain others.

    Args:
        plan: Plan of the sweep.
    """
    size, nested = plan.space.size(), plan.nested_epochs
    if not nested:
        reason = f"each number of epochs is a training of its own, because {plan.not_nested}"
        counted = [] if size is None else [f"{size:,} configurations"]
        return [*counted, *([reason] if plan.not_nested and EPOCHS in plan.space.keys else [])]
    contained = (
        f"one training of {nested[-1]} epochs contains {_others(nested[:-1])} (same seed, constant learning rate)"
    )
    if size is None:
        return [contained]
    trainings = format_count(size, "training")
    return [f"{size * len(nested):,} configurations: {trainings} of {nested[-1]} epochs; {contained}"]


def _others(epochs: Sequence[int]) -> str:
    """The contained trainings by their numbers of epochs."""
    if len(epochs) > MAX_LISTED:
        return f"{len(epochs):,} shorter ones, of {epochs[0]} to {epochs[-1]}"
    *first, last = map(str, epochs)
    return f"{'those' if first else 'that'} of {', '.join(first)}{' and ' if first else ''}{last}"


def num_epochs(plan: Plan, point: Point) -> int | None:
    """Number of epochs of a trial, summed over its repeats and folds; all may be swept, or follow from other keys.

    None for a trial that runs a function: it decides itself.

    Args:
        plan: Plan of the sweep.
        point: Values of the trial's active dimensions.
    """
    if plan.program is not None:
        return None
    plain = plan.composer.plain(point, plan.config.seed)
    trainer = plain["trainer"]
    epochs = min(int(trainer["epochs"]), int(trainer.get("stop_after") or trainer["epochs"]))
    return epochs * int(trainer["repeats"]) * num_folds(plain["data"])
