"""The record that a scheduler had no further job, which ends a sweep before its budget is spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mnistsweep.study.budget import Budget
from mnistsweep.study.ending import ANOTHER_SEARCH, Ending, Limit
from mnistsweep.study.records import TrialRecord, searched

KEY = "no_point"
"""Study attribute of the record: the number of trials and the reason; where trials are paused, also what must not have
changed since: the number of trained epochs, and the budget."""


def entry(records: Sequence[TrialRecord], reason: str, budget: Budget | None) -> list[Any]:
    """The record.

    Args:
        records: All trials.
        reason: Why there is no job.
        budget: Limits of the sweep, if a larger budget may give a further job; None for the points of an oracle.
    """
    records = searched(records)
    return [len(records), reason, *([] if budget is None else _unchanged(records, budget))]


def ending(recorded: Sequence[Any] | None, records: Sequence[TrialRecord], budget: Budget) -> Ending | None:
    """Why the sweep has ended by its scheduler; None if it has a job, or was not asked since the last one.

    Args:
        recorded: The record; None if there is none.
        records: All trials.
        budget: Limits of the sweep.
    """
    records = searched(records)
    if recorded is None or recorded[0] != len(records):
        return None
    if len(recorded) > 2 and recorded[2:] != _unchanged(records, budget):
        return None
    trials = budget.trials_ending(records) if len(recorded) > 2 else None
    if trials is None:
        return Ending(Limit.ORACLE, f"{recorded[1]}, {budget.done(records)}", ANOTHER_SEARCH)
    return Ending(trials.limit, f"{trials.reason}, and {recorded[1]}", trials.remedy)


def _unchanged(records: Sequence[TrialRecord], budget: Budget) -> list[float | None]:
    return [sum(record.trained_epochs for record in records), budget.trials, budget.total_epochs, budget.hours]
