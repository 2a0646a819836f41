"""A `keras_tuner.Oracle` whose memory is the study: it hands out what the study grants, and keeps nothing itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from mnistsweep.study.claim import Claim
from mnistsweep.study.records import Result, State
from mnistsweep.study.study import Study
from mnistsweep.training.trainer import Outcome
from mnistsweep.tuner.hyperparameters import to_hyperparameters

# How long to wait before asking again for a trial that another worker may leave.
WAIT_SECONDS = 0.5


class StudyOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Claims, reports and finishes trials in the study.

    Args:
        study: The ledger that all workers share.
        should_stop: Whether the worker is asked to end; then nothing is claimed.
        wait: Called while only other workers' trials run, which may yet be for this worker to finish; takes seconds.

    Attributes:
        claim: The trial that this worker runs now, if any.
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
        """The next trial that the study grants; of status STOPPED where there is none."""
        self.claim = self._claim()
        self._outcome = None
        if self.claim is None:
            return Trial(keras_tuner.HyperParameters(), trial_id="", status=TrialStatus.STOPPED)
        hyperparameters = to_hyperparameters(self._study.search.space, self.claim.point)
        trial = Trial(hyperparameters, trial_id=str(self.claim.number), status=TrialStatus.RUNNING)
        self.trials = {trial.trial_id: trial}
        return trial

    def _claim(self) -> Claim | None:
        """What the study grants; other workers' last trials are waited for, since a worker may die."""
        while not self._should_stop():
            claim = self._study.claim()
            if claim is not None or not self._study.others_are_running:
                return claim
            self._wait(WAIT_SECONDS)
        return None

    def report(self, epoch: int, value: float) -> bool:
        """Tell the study the objective after an epoch; True if the training is not worth going on with."""
        assert self.claim is not None
        return self._study.report(self.claim, epoch, value)

    def verify(self) -> None:
        """See that the running trial is still this worker's.

        Raises:
            LeaseLost: It is another's.
        """
        if self.claim is not None:
            self._study.verify(self.claim)

    def drop(self) -> None:
        """Forget the running trial, which is another worker's now; the study is not told anything."""
        self.claim = None
        self._outcome = None

    def note(self, outcome: Outcome) -> None:
        """Remember how the running trial ended, until `end_trial` writes it down."""
        self._outcome = outcome

    def update_trial(self, trial_id: str, metrics: dict[str, float], step: int = 0) -> None:
        """Record the trial's score in KerasTuner's own record of it."""
        tracker = self.trials[trial_id].metrics
        for name, value in metrics.items():
            if not tracker.exists(name):  # told the direction, KerasTuner need not make a Keras metric to find it out
                tracker.register(name, self.objective.direction)
            tracker.update(name, value, step=step)

    def end_trial(self, trial: Trial) -> None:
        """Write the outcome to the study; nothing of a trial that was dropped.

        Raises:
            LeaseLost: The trial is another worker's now.
        """
        if self.claim is None:
            return
        outcome = self._outcome or Outcome(State.FAILED, Result(reason=_last_line(trial.message)))
        self._study.finish(self.claim, outcome.state, outcome.result)
        self.claim = None
        self.trials = {}

    def release(self) -> None:
        """Give the running trial back unfinished, if there is one."""
        if self.claim is not None:
            self._study.release(self.claim)
            self.claim = None

    def get_state(self) -> dict[str, Any]:
        """Nothing: the study remembers."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Nothing to set."""


def _last_line(message: str | None) -> str:
    lines = (message or "unknown").strip().splitlines()
    return lines[-1]
