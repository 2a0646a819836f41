"""Results as the ledger records them: a trial without a finite objective has failed."""

from __future__ import annotations

import math
from dataclasses import replace

from mnistsweep.study.records import Result, State, TrialRecord


def require_objective(state: State, result: Result, objective: str) -> tuple[State, Result]:
    """State and result of a trial; failed if a completed trial has no objective, or if the objective is not finite.

    Args:
        state: State of the trial.
        result: Result of the trial.
        objective: Name of the objective.
    """
    if result.objective is not None and not math.isfinite(result.objective):
        reason = result.reason or f"{objective} is {result.objective}"
        return State.FAILED, replace(result, objective=None, reason=reason)
    if result.objective is None and state is State.COMPLETED:
        return State.FAILED, replace(result, reason=f"no {objective} was measured")
    return state, result


def result_of_crashes(record: TrialRecord, num_crashes: int) -> Result:
    """Result of a trial that fails because its workers have crashed.

    Args:
        record: Record of the trial.
        num_crashes: Number of crashes.
    """
    epoch = record.result.epochs
    where = f"after epoch {epoch}" if epoch else "before it had finished an epoch"
    reason = f"the worker's process died {num_crashes} times while it ran this trial, {where} (out of memory?)"
    return replace(record.result, epochs=record.trained_epochs, reason=reason)
