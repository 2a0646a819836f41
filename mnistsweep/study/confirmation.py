"""Confirmation: once the search has ended, its best configurations are trained again with other seeds.

Each of these trainings is a trial of the ledger like any other, which names the trial that it confirms. It counts
neither against the budget of trials nor against that of epochs. A budget of hours includes the confirmation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mnistsweep.study.ranking import by_objective, repeats_whole
from mnistsweep.study.records import State, TrialRecord, searched

SEARCH_SHARE = 0.8
"""Share of a budget of hours after which the search ends, so that time is left for the confirmation."""


@dataclass(frozen=True)
class Confirmation:
    """What is confirmed.

    Attributes:
        top: Number of configurations, the best of the search.
        seeds: Number of further trainings of each of them, with a seed of its own each.
        direction: Direction of the objective: ``max`` or ``min``.
    """

    top: int
    seeds: int
    direction: str

    def next(self, records: Sequence[TrialRecord]) -> TrialRecord | None:
        """The trial that is repeated next; None if every one was repeated, or is being repeated, often enough.

        Each of the best is repeated once before one is repeated twice, so that they are compared fairly if the time
        ends before. A repetition that failed counts, otherwise it would be repeated for ever. A trial that a pruner
        has ended is not repeated: whether a pruner ends a trial depends on the seed.

        Args:
            records: All trials of the sweep; no trial of the search is running.
        """
        found = [one for one in by_objective(searched(records), self.direction) if one.state is not State.PRUNED]
        best = {record.number: record for record in found[: self.top]}
        counts: defaultdict[int, int] = defaultdict(int)
        for record in records:
            confirmed = None if record.confirms is None else best.get(record.confirms)
            if confirmed is not None and repeats_whole(record, confirmed):
                counts[confirmed.number] += 1
        fewest = min(best, key=lambda number: counts[number], default=None)  # the first of the best among equal ones
        return None if fewest is None or counts[fewest] >= self.seeds else best[fewest]
