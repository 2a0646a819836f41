"""The result of a function of a trial: what it returned, as the outcome that the study records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mnistsweep.errors import TrialFailed, TrialPruned, suggest
from mnistsweep.study.records import Result, State
from mnistsweep.training.outcome import Outcome
from mnistsweep.training.returned import read_returned
from mnistsweep.workers.trial import Trial, as_number


def completed_outcome(
    trial: Trial, returned: Any, objective: str, direction: str, further: Sequence[str] = ()
) -> Outcome:
    """Outcome of a trial whose function has returned.

    Args:
        trial: The trial.
        returned: What the function returned; None is allowed where the pruner stopped the trial.
        objective: Name of the first objective.
        direction: Direction of the first objective, ``max`` or ``min``.
        further: Names of the other objectives that the function returns: all but `seconds`.

    Raises:
        TrialFailed: The function returned not all objectives, or one that is not finite.
    """
    returned = _by_name(returned, [objective, *further])
    if trial.is_pruned:
        value = None if returned is None else read_objective(returned, objective, direction)
        return pruned_outcome(trial, direction, value)
    value = read_objective(returned, objective, direction)
    best_step = next((step for step, reported in trial.reports.items() if reported == value), None)
    others = {name: read_objective(_at_best(returned, objective, direction), name, direction) for name in further}
    steps = max(trial.reports, default=0)
    return Outcome(State.COMPLETED, Result(value, best_step, steps, trial.seconds, quantities=others))


def pruned_outcome(trial: Trial, direction: str, value: float | None = None) -> Outcome:
    """Outcome of a trial that was given up.

    Args:
        trial: The trial.
        direction: Direction of the objective, ``max`` or ``min``.
        value: Objective of the trial; None: the best reported one.
    """
    sign = 1 if direction == "max" else -1
    best_step = max(trial.reports, key=lambda step: sign * trial.reports[step], default=None)
    last = max(trial.reports, default=0)
    if value is None and best_step is not None:
        value = trial.reports[best_step]
    elif best_step is not None and trial.reports[best_step] != value:
        best_step = None
    reason = f"pruned after step {last}" if trial.reports else "pruned before it reported a value"
    return Outcome(State.PRUNED, Result(value, best_step, last, trial.seconds, reason=reason))


def _by_name(returned: Any, names: Sequence[str]) -> Any:
    """What a function returned, a sequence of several objectives as a mapping.

    Raises:
        TrialFailed: The sequence has another length, or there are several objectives and a single number.
    """
    if len(names) < 2 or isinstance(returned, Mapping) or returned is None or hasattr(returned, "history"):
        return returned
    expected = f"the function must return {', '.join(names)} in this order, or a mapping with them"
    if not isinstance(returned, list | tuple):
        raise TrialFailed(f"{expected}; it returned {type(returned).__name__}")
    if len(returned) != len(names):
        raise TrialFailed(f"{expected}; it returned {len(returned)} values")
    return dict(zip(names, returned, strict=True))


def _at_best(returned: Any, objective: str, direction: str) -> Any:
    """The metrics of a Keras `History` at the epoch with the best objective; anything else as it is."""
    history = getattr(returned, "history", None)
    if not isinstance(history, Mapping) or objective not in history:
        return returned
    values = list(history[objective])
    best = values.index((max if direction == "max" else min)(values))
    return {name: column[best] for name, column in history.items() if len(column) > best}


def is_pruning(error: BaseException) -> bool:
    """Whether an exception gives a trial up: `TrialPruned`, or the exception of this name of Optuna."""
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    return isinstance(error, TrialPruned) or "optuna.exceptions.TrialPruned" in names


def read_objective(returned: Any, objective: str, direction: str) -> float:
    """The objective in what a function returned: a number, a mapping that has it, or a Keras `History`.

    Args:
        returned: What the function returned.
        objective: Name of the objective.
        direction: Direction of the objective, ``max`` or ``min``; of a `History` the best epoch counts.

    Raises:
        TrialFailed: There is no objective in it, or it is not finite; in a `History`, in any epoch.

    Example:
        >>> read_objective({"val_loss": 0.5, "val_mae": 0.25}, "val_mae", "min")
        0.25
    """
    if isinstance(history := getattr(returned, "history", None), Mapping):
        best = read_returned(returned, objective, direction, "the function").value
        returned = history if best is None else {objective: best}
    found = returned
    if isinstance(returned, Mapping):
        if objective not in returned:
            keys = suggest(objective, map(str, returned)) or "it is empty"
            raise TrialFailed(f"the function returned a mapping without the objective {objective!r}; {keys}")
        found = returned[objective]
    value = as_number(found)
    if value is None:
        kind = "None" if found is None else type(found).__name__
        raise TrialFailed(f"the function must return {objective} as a number, or a mapping with it; it returned {kind}")
    if not math.isfinite(value):
        raise TrialFailed(f"{objective} is {value}")
    return value
