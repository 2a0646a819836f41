"""The claims of one worker: it holds at most one trial at a time, from the claim to the result."""

from __future__ import annotations

import time
from collections.abc import Callable

from mnistsweep.study.claim import Claim
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

    def next(self) -> Claim | None:
        """Claim a trial; None if the study grants no more, or the worker is asked to stop.

        While other workers run the last trials, the call waits, because a worker may die.
        """
        self.claim = None
        while not self._should_stop():
            self.claim = self._study.claim(self._live())
            if self.claim is not None or not self._study.others_are_running:
                break
            self._wait(WAIT_SECONDS)
        return self.claim

    def report(self, step: int, value: float, is_mean: bool = False) -> bool:
        """Report the objective after a step of the trial; whether the pruner stops the trial.

        Args:
            step: Step, for a Keras training the epoch, counted from 1.
            value: Objective after this step.
            is_mean: Whether the value is a mean over folds, see `Study.report`.
        """
        assert self.claim is not None
        return self._study.report(self.claim, step, value, is_mean)

    def verify(self) -> None:
        """Check that this worker still owns its trial.

        Raises:
            LeaseLost: Another worker owns the trial.
        """
        if self.claim is not None:
            self._study.verify(self.claim)

    def finish(self, state: State, result: Result) -> None:
        """Write the result of the trial to the study; after `forget` nothing is written.

        Raises:
            LeaseLost: Another worker owns the trial.
        """
        if self.claim is not None:
            self._study.finish(self.claim, state, result)
            self.claim = None

    def result_before_failure(self, failed: Result) -> Result | None:
        """The result of the trainings that a failed training contains and has passed, see `Study`; None: there is none.

        Args:
            failed: Result of the failed training.
        """
        return None if self.claim is None else self._study.result_before_failure(self.claim, failed)

    def pause(self, result: Result) -> None:
        """Write that the trial has reached the last epoch of its job; after `forget` nothing is written.

        Args:
            result: Result so far.

        Raises:
            LeaseLost: Another worker owns the trial.
        """
        if self.claim is not None:
            self._study.pause(self.claim, result)
            self.claim = None

    def restart(self) -> bool:
        """Record that the job trains from the first epoch; whether the budget allows it, see `Study.restart`.

        Raises:
            LeaseLost: Another worker owns the trial.
        """
        return self.claim is None or self._study.restart(self.claim)

    def free_space(self) -> bool:
        """Remove checkpoints of paused trials, because the disk is full; whether there was any."""
        return self._study.free_space()

    def forget(self) -> None:
        """Forget the trial, because another worker owns it now; nothing is written to the study."""
        self.claim = None

    def release(self) -> None:
        """Release the trial that is not finished, so that another worker can continue it."""
        if self.claim is not None:
            self._study.release(self.claim)
            self.claim = None
