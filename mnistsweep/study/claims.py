"""The claims of one worker: it holds at most one trial at a time, from the claim to the result."""

from __future__ import annotations

import time
from collections.abc import Callable

from mnistsweep.study.claim import Claim
from mnistsweep.study.outage import Outage
from mnistsweep.study.records import Result, State
from mnistsweep.study.study import Study

WAIT_SECONDS = 0.5
"""Time between two requests for a trial while only trials of other workers run."""


class Claims:
    """Claims trials in the study one after another, and reports and finishes the one that is held.

    Args:
        study: Study that all workers share.
        should_stop: Whether the worker is asked to stop; then it claims no more trials.
        wait: Function that waits for a number of seconds; called while only trials of other workers run, because this
            worker continues such a trial if its owner dies.
        live: Function that returns the numbers of the trials of which this worker has the model in memory.

    Attributes:
        claim: Trial that this worker runs now; None between trials.
        outage: Wait for a database that does not answer; by default there is none.
    """

    def __init__(
        self,
        study: Study,
        should_stop: Callable[[], bool],
        wait: Callable[[float], None] = time.sleep,
        live: Callable[[], frozenset[int]] = frozenset,
    ) -> None:
        self._live = live
        self._study = study
        self._should_stop = should_stop
        self._wait = wait
        self.claim: Claim | None = None
        self.outage = Outage()
        self._unwritten: dict[int, tuple[float, bool]] = {}

    def next(self) -> Claim | None:
        """Claim a trial; None if the study grants no more, or the worker is asked to stop.

        While other workers run the last trials, the call waits, because a worker may die.
        """
        self.forget()
        while not self.outage.wait_for(self._should_stop):
            self.claim = self._claim()
            if self.claim is not None or not self._study.others_are_running:
                break
            self._wait(WAIT_SECONDS)
        return self.claim

    def _claim(self) -> Claim | None:
        failures = self.outage.num_failures

        def claim_once() -> Claim | None:
            if self.outage.num_failures == failures:
                return self._study.claim(self._live())
            return self._study.claim(self._live(), is_repeated=True)

        return self.outage.wait_for(claim_once)

    def report(self, step: int, value: float, is_mean: bool = False) -> bool:
        """Report the objective after a step of the trial; whether the pruner stops the trial.

        While the database does not answer, reports are kept and written later, and the pruner is not asked.

        Args:
            step: Step, for a Keras training the epoch, counted from 1.
            value: Objective after this step.
            is_mean: Whether the value is a mean over folds, see `Study.report`.
        """
        self._unwritten[step] = value, is_mean
        return bool(self.outage.try_to(self._write_reports))

    def _write_reports(self) -> bool:
        """Write the reports that the ledger has not got yet; whether the pruner stops the trial."""
        assert self.claim is not None
        should_prune = False
        for step, (value, is_mean) in list(self._unwritten.items()):
            should_prune = self._study.report(self.claim, step, value, is_mean) or should_prune
            del self._unwritten[step]
        return should_prune

    def verify(self) -> None:
        """Check that this worker still owns its trial; later, if the database does not answer now.

        Raises:
            LeaseLost: Another worker owns the trial.
        """
        if (claim := self.claim) is not None:
            self.outage.try_to(lambda: self._study.verify(claim))

    def finish(self, state: State, result: Result) -> None:
        """Write the result of the trial to the study; after `forget` nothing is written.

        Raises:
            LeaseLost: Another worker owns the trial.
        """
        if (claim := self.claim) is not None:
            self._write_result(claim, result, lambda: self._study.finish(claim, state, result))

    def _write_result(self, claim: Claim, result: Result, write: Callable[[], None]) -> None:
        """Write a result. It is found again if the answer to an earlier attempt was lost."""
        failures = self.outage.num_failures

        def write_once() -> None:
            if self.outage.num_failures > failures and self._is_written(claim, result):
                self._study.write_views()
                return
            if self._unwritten:
                self._study.verify(claim)
                self._write_reports()
            write()

        self.outage.wait_for(write_once)
        self.forget()

    def _is_written(self, claim: Claim, result: Result) -> bool:
        record = self._study.records()[claim.number]
        is_paused = record.state is State.PAUSED and record.result.epochs == result.epochs
        return is_paused or (record.state.finished and record.owner == self._study.lease.owner)

    def result_before_failure(self, failed: Result) -> Result | None:
        """The result of the trainings that a failed training contains and has passed, see `Study`; None: there is none.

        Args:
            failed: Result of the failed training.
        """
        if (claim := self.claim) is None:
            return None
        return self.outage.wait_for(lambda: self._study.result_before_failure(claim, failed))

    def pause(self, result: Result) -> None:
        """Write that the trial has reached the last epoch of its job; after `forget` nothing is written.

        Args:
            result: Result so far.

        Raises:
            LeaseLost: Another worker owns the trial.
        """
        if (claim := self.claim) is not None:
            self._write_result(claim, result, lambda: self._study.pause(claim, result))

    def restart(self) -> bool:
        """Record that the job trains from the first epoch; whether the budget allows it, see `Study.restart`.

        Raises:
            LeaseLost: Another worker owns the trial.
        """
        claim = self.claim
        return claim is None or self.outage.wait_for(lambda: self._study.restart(claim))

    def free_space(self) -> bool:
        """Remove checkpoints of paused trials, because the disk is full; whether there was any."""
        return self._study.free_space()

    def forget(self) -> None:
        """Forget the trial, because another worker owns it now; nothing is written to the study."""
        self.claim = None
        self._unwritten.clear()

    def release(self) -> None:
        """Release the trial that is not finished, so that another worker can continue it."""
        if self.claim is not None:
            self._study.release(self.claim)
            self.forget()
