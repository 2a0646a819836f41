"""Results as the ledger records them: a trial without a finite objective has failed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from mnistsweep.config.constraints import SECONDS, Constraint
from mnistsweep.config.objectives import Objective
from mnistsweep.study.front import quantities_with_seconds, values_of
from mnistsweep.study.records import Result, State, TrialRecord


def require_objective(
    state: State, result: Result, objective: str, further: Sequence[Objective] = ()
) -> tuple[State, Result]:
    """State and result of a trial; failed if a completed trial lacks an objective, or if the first is not finite.

    Args:
        state: State of the trial.
        result: Result of the trial.
        objective: Name of the first objective.
        further: The other objectives.
    """
    if result.objective is not None and not math.isfinite(result.objective):
        reason = result.reason or f"{objective} is {result.objective}"
        return State.FAILED, replace(result, objective=None, reason=reason)
    if result.objective is None and state is State.COMPLETED:
        return State.FAILED, replace(result, reason=f"no {objective} was measured")
    if state is State.COMPLETED and values_of(result, further) is None:
        known = quantities_with_seconds(result)
        lacking = [one.name for one in further if not math.isfinite(known.get(one.name, math.nan))]
        reason = f"no finite {' and no finite '.join(lacking)} was measured at the best epoch"
        return State.FAILED, replace(result, objective=None, reason=result.reason or reason)
    return state, result


def judged(state: State, result: Result, constraints: Sequence[Constraint]) -> Result:
    """Result with the violation of each constraint, and with the violated ones as its reason if it has no other.

    A failed trial is judged only if its quantities are known: by its number of parameters it was not trained.

    Args:
        state: State of the trial; what a failed trial did not measure is not a violation.
        result: Result of the trial.
        constraints: Constraints of the search.

    Example:
        >>> judged(State.COMPLETED, Result(0.5, seconds=90.0), [Constraint("seconds", True, 60.0)]).reason
        'violates seconds<=60: 90'
    """
    if not constraints or (state is State.FAILED and not result.quantities):
        return result
    values = {SECONDS: result.seconds, **result.quantities}
    known = [one for one in constraints if state is not State.FAILED or one.name in result.quantities]
    violated = [one for one in known if one.violation(values.get(one.name)) > 0]
    texts = [f"{one}: {_shown(values.get(one.name))}" for one in violated]
    reason = f"violates {', '.join(texts)}" if texts else ""
    violations = {str(one): one.violation(values.get(one.name)) for one in known}
    if state is not State.FAILED and not result.reason.endswith(reason):  # one that was read from a table has it
        result = replace(result, reason="; ".join(filter(None, (result.reason, reason))))
    return replace(result, violations=violations)


def _shown(value: float | None) -> str:
    return "no finite value was measured" if value is None else f"{value:.10g}"


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
