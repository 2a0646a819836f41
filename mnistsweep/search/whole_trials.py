"""The scheduler of an oracle: each trial is one job, from its first to its last epoch."""

from __future__ import annotations

import optuna

from mnistsweep.search.oracle import Oracle
from mnistsweep.search.scheduler import LAST_EPOCH, Job, Scheduler, SearchView, Start


class WholeTrials(Scheduler):
    """Starts a trial at each point that an oracle proposes, and continues none: no trial is paused.

    Args:
        oracle: Source of the points.

    Attributes:
        oracle: Source of the points.
    """

    pauses = False

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle

    @property
    def no_job_reason(self) -> str:  # type: ignore[override]  # that of the oracle, which may change it
        """Why the oracle has no further point."""
        return self.oracle.no_point_reason

    def prepare(self, view: SearchView) -> None:
        """Let the oracle compute in advance what does not depend on the ledger."""
        self.oracle.prepare(len(view.curves))

    def next_job(self, view: SearchView, study: optuna.Study) -> Job | None:
        """Start the next trial; None if the budget allows none, or if the oracle has no further point.

        Args:
            view: All trials and the budget; only the number of trials is used.
            study: Optuna's study of the ledger, which the oracle reads.
        """
        if not view.may_start:
            return None
        proposal = self.oracle.propose(len(view.curves), study)
        return None if proposal is None else Start(proposal, LAST_EPOCH)
