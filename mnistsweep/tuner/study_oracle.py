"""A `keras_tuner.Oracle` over the study: it claims trials there, and stores nothing itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from mnistsweep.study.claim import Claim
from mnistsweep.study.records import Result, State
from mnistsweep.study.study import Study
from mnistsweep.training.outcome import Outcome
from mnistsweep.tuner.hyperparameters import to_hyperparameters

# Time between two requests for a trial while only trials of other workers run.
WAIT_SECONDS = 0.5


class StudyOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Claims trials in the study, reports their epochs, and finishes them.

    Args:
        study: Study that all workers share.
        should_stop: Whether the worker is asked to stop; then it claims no more trials.
        wait: Function that waits for a number of seconds; called while only trials of other workers run, because this
            worker continues such a trial if its owner dies.

    Attributes:
        claim: Trial that this worker trains now; None between trials.
    """

    def __init__(
        self, study: Study, should_stop: Callable[[], bool], wait: Callable[[float], None] = time.sleep
    ) -> None:
        search = study.search
        super().__init__(objective=keras_tuner.Objective(search.objective, search.direction), seed=1)
        self._study = study
        self._should_stop = should_stop
        self._wait = wait
        self._outcome: Outcome | None = None
        self.claim: Claim | None = None
        self.verbose = 0

    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial that the study grants; a trial with status STOPPED if the study grants no more."""
        self.claim = self._claim_or_wait()
        self._outcome = None
        if self.claim is None:
            return Trial(keras_tuner.HyperParameters(), trial_id="", status=TrialStatus.STOPPED)
        hyperparameters = to_hyperparameters(self._study.search.space, self.claim.point)
        trial = Trial(hyperparameters, trial_id=str(self.claim.number), status=TrialStatus.RUNNING)
        self.trials = {trial.trial_id: trial}
        return trial

    def _claim_or_wait(self) -> Claim | None:
        """Return the next claim; wait while other workers train the last trials, because a worker may die."""
        while not self._should_stop():
            claim = self._study.claim()
            if claim is not None or not self._study.others_are_running:
                return claim
            self._wait(WAIT_SECONDS)
        return None

    def report(self, epoch: int, value: float) -> bool:
        """Report the objective after an epoch to the study.

        Args:
            epoch: Epoch, counted from 1.
            value: Objective after this epoch.

        Returns:
            Whether the pruner stops the trial.
        """
        assert self.claim is not None
        return self._study.report(self.claim, epoch, value)

    def verify(self) -> None:
        """Check that this worker still owns the trial.

        Raises:
            LeaseLost: Another worker owns the trial.
        """
        if self.claim is not None:
            self._study.verify(self.claim)

    def set_outcome(self, outcome: Outcome) -> None:
        """Set the outcome of the trial; `end_trial` writes it to the study."""
        self._outcome = outcome

    def forget_claim(self) -> None:
        """Forget the trial, because another worker owns it now; nothing is written to the study."""
        self.claim = None
        self._outcome = None

    def update_trial(self, trial_id: str, metrics: dict[str, float], step: int = 0) -> None:
        """Write the trial's metrics to KerasTuner's own record of the trial."""
        tracker = self.trials[trial_id].metrics
        for name, value in metrics.items():
            if not tracker.exists(name):  # with a direction, KerasTuner need not create a Keras metric to infer it
                tracker.register(name, self.objective.direction)
            tracker.update(name, value, step=step)

    def end_trial(self, trial: Trial) -> None:
        """Write the outcome of the trial to the study; without an outcome the trial has failed.

        After `forget_claim` nothing is written.

        Raises:
            LeaseLost: Another worker owns the trial.
        """
        if self.claim is None:
            return
        outcome = self._outcome or Outcome(State.FAILED, Result(reason=_last_line(trial.message)))
        self._study.finish(self.claim, outcome.state, outcome.result)
        self.claim = None
        self.trials = {}

    def release(self) -> None:
        """Release the trial that is not finished, so that another worker can continue it."""
        if self.claim is not None:
            self._study.release(self.claim)
            self.claim = None

    def get_state(self) -> dict[str, Any]:
        """Return an empty state: the study stores everything."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Set nothing: the study stores everything."""


def _last_line(message: str | None) -> str:
    lines = (message or "unknown").strip().splitlines()
    return lines[-1]
