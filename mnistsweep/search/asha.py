"""Successive halving that pauses trials and promotes the best ones (asynchronous: ASHA).

Each trial is trained to the first *rung*, a number of epochs, and paused. The best ``1 / reduction_factor`` of the
trials of a rung are continued to the next one. A worker never waits for a rung to fill: it promotes what can be
promoted, and starts a new trial otherwise.

Reference: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht and Talwalkar, "A System for Massively Parallel
Hyperparameter Tuning", MLSys 2020, algorithm 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mnistsweep.search.job_epochs import can_continue, first_epoch, within_budget
from mnistsweep.search.oracle import Oracle
from mnistsweep.search.scheduler import Continue, Curve, Job, Phase, Scheduler, SearchView, Start

if TYPE_CHECKING:
    import optuna


class Asha(Scheduler):
    """Promotes the best trials of each rung, and otherwise starts new ones.

    The rungs are ``first_rung * reduction_factor ** k`` epochs. The last rung of a trial is its last epoch, so trials
    with different numbers of epochs share the lower rungs. Trials of a rung are compared by their values at its epoch;
    ties go to the lower number. A failed trial does not count. NaN and infinite values count as the worst ones and are
    never promoted.

    When no trial may start any more, the rungs do not grow. Then the best trial of the highest rung is promoted even
    if the rung is too small for a promotion, so that at least one trial trains all its epochs.

    Trials of former sweeps are competitors in the rungs that they reached: a new trial is promoted only if it is among
    the best of all.

    Args:
        oracle: Proposes the points of new trials.
        maximize: Whether larger values of the objective are better.
        first_rung: Epochs of the first job of each trial.
        reduction_factor: One of this number of trials of a rung is promoted; at least 2.
        former: Trials of former sweeps, see `former_curves`.
    """

    no_job_reason = "all promotions are done: each rung has continued its best trials"

    def __init__(
        self,
        oracle: Oracle,
        maximize: bool,
        first_rung: int = 1,
        reduction_factor: int = 2,
        former: Sequence[Curve] = (),
    ) -> None:
        self._oracle = oracle
        self._sign = 1.0 if maximize else -1.0
        self._first_rung = first_rung
        self._factor = reduction_factor
        self._former = list(former)

    def prepare(self, view: SearchView) -> None:
        """Let the oracle prepare the point of the next trial."""
        if view.may_start:
            self._oracle.prepare(len(view.curves))

    def next_job(self, view: SearchView, study: optuna.Study) -> Job | None:
        """Return a promotion from the highest rung where one is due, otherwise a new trial."""
        if view.epochs_left is not None and view.epochs_left <= 0:
            return None
        rungs = list(self._rungs(view.curves))[::-1]
        for epochs in rungs:
            promoted = self._due(view, epochs)
            if promoted is not None:
                return self._continue(promoted, epochs, view)
        if view.may_start:
            proposal = self._oracle.propose(len(view.curves), study)
            if proposal is not None:
                return Start(proposal, within_budget(0, self._first_rung, view))
        return self._last_promotion(view, rungs)

    def _rungs(self, curves: Sequence[Curve]) -> Iterator[int]:
        """Yield the epochs of the rungs, the last of which is the largest number of epochs of a trial."""
        longest = max((curve.max_epochs for curve in curves), default=0)
        epochs = self._first_rung
        while epochs < longest:
            yield epochs
            epochs *= self._factor

    def _due(self, view: SearchView, epochs: int) -> Curve | None:
        """Return the trial that is to be promoted from a rung; None if there is none.

        All that are due will be promoted: those of which the worker has the model in memory come first.
        """
        ranked = self._ranked([*self._former, *view.curves], epochs)
        best = ranked[: len(ranked) // self._factor]
        due = [curve for curve in best if self._is_waiting(curve, epochs, view)]
        return min(due, key=lambda curve: curve.number not in view.live, default=None)

    def _last_promotion(self, view: SearchView, rungs: Sequence[int]) -> Job | None:
        """Return the promotion of the best trial of the highest rung, if no trial will come to it.

        Args:
            view: All trials and the budget.
            rungs: Epochs of the rungs, the highest first.
        """
        if any(curve.phase is Phase.RUNNING for curve in view.curves):
            return None
        for epochs in rungs:
            ranked = self._ranked(view.curves, epochs)
            if ranked and math.isfinite(self._value(ranked[0], epochs)):
                waiting = self._is_waiting(ranked[0], epochs, view)
                return self._continue(ranked[0], epochs, view) if waiting else None
        return None

    def _ranked(self, curves: Sequence[Curve], epochs: int) -> list[Curve]:
        """Return the trials that reached a rung, the best first."""
        reached = [
            curve
            for curve in curves
            if curve.phase is not Phase.FAILED and curve.epochs >= min(epochs, curve.max_epochs)
        ]
        return sorted(reached, key=lambda curve: (-self._value(curve, epochs), curve.number))

    def _value(self, curve: Curve, epochs: int) -> float:
        """Return the value of a trial at a rung, larger is better; minus infinity for one that cannot be promoted."""
        value = curve.values.get(min(epochs, curve.max_epochs), math.nan)
        return self._sign * value if math.isfinite(value) else -math.inf

    def _is_waiting(self, curve: Curve, epochs: int, view: SearchView) -> bool:
        """Return whether a trial is paused at a rung, or on the way to the next one, and can be promoted."""
        is_here = curve.phase is Phase.PAUSED and epochs <= curve.epochs < self._following(curve, epochs)
        return is_here and math.isfinite(self._value(curve, epochs)) and can_continue(curve, view)

    def _following(self, curve: Curve, epochs: int) -> int:
        """Return the epochs of the rung after another one; the last rung of a trial is its last epoch."""
        return min(epochs * self._factor, curve.max_epochs)

    def _continue(self, curve: Curve, epochs: int, view: SearchView) -> Job:
        """Return the job that takes a trial from a rung to the next one."""
        return Continue(curve.number, within_budget(first_epoch(curve), self._following(curve, epochs), view))
