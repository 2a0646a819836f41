"""How many trials of a sweep violate its constraints, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mnistsweep.study.records import TrialRecord


def count_violations(records: Sequence[TrialRecord]) -> dict[str, tuple[int, int]]:
    """Return the number of trials that violate each constraint, and of those that were judged, by its text.

    Args:
        records: Trials of the sweep in any state.
    """
    results = [(record.at_pause or record).result for record in records]
    violated = Counter(name for result in results for name in result.violated)
    judged = Counter(name for result in results for name in result.violations)
    return {name: (violated[name], count) for name, count in sorted(judged.items())}


def violations_of(records: Sequence[TrialRecord]) -> list[str]:
    """Return a line for each constraint that trials violate.

    Args:
        records: All trials of the sweep.

    Example:
        >>> from mnistsweep.study.records import Result, State
        >>> result = Result(0.5, violations={"seconds<=60": 0.5})
        >>> violations_of([TrialRecord(0, State.COMPLETED, {}, 1, result)])
        ['constraint seconds<=60: 1 of 1 judged trials violates it']
    """
    return [
        f"constraint {name}: {count} of {judged} judged trials {'violates' if count == 1 else 'violate'} it"
        for name, (count, judged) in count_violations(records).items()
        if count
    ]
