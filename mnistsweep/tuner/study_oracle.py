"""A `keras_tuner.Oracle` over the study: it claims trials there, and stores nothing itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from mnistsweep.study.claim import Claim
from mnistsweep.study.claims import Claims
from mnistsweep.study.records import Result, State
from mnistsweep.study.study import Study
from mnistsweep.training.outcome import Outcome
from mnistsweep.tuner.hyperparameters import to_hyperparameters


class StudyOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Claims trials in the study and finishes them.

    Args:
        study: Study that all workers share.
        should_stop: Whether the worker is asked to stop; then it claims no more trials.
        wait: Function that waits for a number of seconds; called while only trials of other workers run, because this
            worker continues such a trial if its owner dies.
        live: Function that returns the numbers of the trials of which this worker has the model in memory.

    Attributes:
        claims: Claims of the worker; it reports the epochs of a trial, verifies its ownership and releases it.
    """

    def __init__(
        self,
        study: Study,
        should_stop: Callable[[], bool],
        wait: Callable[[float], None] = time.sleep,
        live: Callable[[], frozenset[int]] = frozenset,
    ) -> None:
        search = study.search
        super().__init__(objective=keras_tuner.Objective(search.objective, search.direction), seed=1)
        self._space = search.space
        self._outcome: Outcome | None = None
        self.claims = Claims(study, should_stop, wait, live)
        self.verbose = 0

    @property
    def claim(self) -> Claim | None:
        """Trial that this worker trains now; None between trials."""
        return self.claims.claim

    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial that the study grants; a trial with status STOPPED if the study grants no more."""
        self._outcome = None
        claim = self.claims.next()
        if claim is None:
            return Trial(keras_tuner.HyperParameters(), trial_id="", status=TrialStatus.STOPPED)
        hyperparameters = to_hyperparameters(self._space, claim.point)
        trial = Trial(hyperparameters, trial_id=str(claim.number), status=TrialStatus.RUNNING)
        self.trials = {trial.trial_id: trial}
        return trial

    @property
    def has_paused(self) -> bool:
        """Whether the outcome of the job is a pause, after which the trial can be continued."""
        return self._outcome is not None and self._outcome.state is State.PAUSED

    def set_outcome(self, outcome: Outcome) -> None:
        """Set the outcome of the trial; `end_trial` writes it to the study."""
        self._outcome = outcome

    def forget_claim(self) -> None:
        """Forget the trial, because another worker owns it now; nothing is written to the study."""
        self.claims.forget()
        self._outcome = None

    def update_trial(self, trial_id: str, metrics: dict[str, float], step: int = 0) -> None:
        """Write the trial's metrics to KerasTuner's own record of the trial."""
        tracker = self.trials[trial_id].metrics
        for name, value in metrics.items():
            if not tracker.exists(name):  # with a direction, KerasTuner need not create a Keras metric to infer it
                tracker.register(name, self.objective.direction)
            tracker.update(name, value, step=step)

    def end_trial(self, trial: Trial) -> None:
        """Write the outcome of the job to the study; without an outcome the trial has failed.

        After `forget_claim` nothing is written.

        Raises:
            LeaseLost: Another worker owns the trial.
        """
        outcome = self._outcome or Outcome(State.FAILED, Result(reason=_last_line(trial.message)))
        if outcome.state is State.PAUSED:
            self.claims.pause(outcome.result)
        else:
            self.claims.finish(outcome.state, outcome.result)
        self.trials = {}

    def get_state(self) -> dict[str, Any]:
        """Return an empty state: the study stores everything."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Set nothing: the study stores everything."""


def _last_line(message: str | None) -> str:
    lines = (message or "unknown").strip().splitlines()
    return lines[-1]
