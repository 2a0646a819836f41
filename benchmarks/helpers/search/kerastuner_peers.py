"""KerasTuner in a simulated search: its oracles through `create_trial`, `update_trial` and `end_trial`."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import keras_tuner
from sklearn import config_context

from helpers.search.simulation import Begin, Method, Resume, Run, Search
from mnistsweep.search.scheduler import Phase
from mnistsweep.space import SearchSpace
from mnistsweep.tuner.hyperparameters import to_hyperparameters, to_point

# Number of trials of the oracles that have a limit; the budget of epochs ends the search before.
MAX_TRIALS = 100_000

OracleMaker = Callable[[keras_tuner.Objective, Any, int, int], Any]


def random_search(objective: keras_tuner.Objective, space: Any, seed: int, max_epochs: int) -> Any:
    """KerasTuner's `RandomSearch`."""
    return keras_tuner.oracles.RandomSearchOracle(
        objective, MAX_TRIALS, hyperparameters=space, seed=seed, max_consecutive_failed_trials=MAX_TRIALS
    )


def bayesian(objective: keras_tuner.Objective, space: Any, seed: int, max_epochs: int) -> Any:
    """KerasTuner's `BayesianOptimization`."""
    return keras_tuner.oracles.BayesianOptimizationOracle(
        objective, MAX_TRIALS, hyperparameters=space, seed=seed, max_consecutive_failed_trials=MAX_TRIALS
    )


def hyperband(objective: keras_tuner.Objective, space: Any, seed: int, max_epochs: int) -> Any:
    """KerasTuner's `Hyperband`, repeated until the budget ends. Its factor is the default, 3."""
    return keras_tuner.oracles.HyperbandOracle(
        objective, max_epochs=max_epochs, hyperband_iterations=MAX_TRIALS, hyperparameters=space, seed=seed,
        max_consecutive_failed_trials=MAX_TRIALS,
    )  # fmt: skip


class KerasTunerSearch(Method):
    """An oracle of KerasTuner.

    Hyperband continues a trial with the weights of an earlier one and without the state of the optimizer; here it
    continues the recorded curve, which is kind to it.

    Args:
        search: Search that it decides.
        make: Function that makes the oracle.
        seed: Seed of the oracle.
    """

    def __init__(self, search: Search, make: OracleMaker, seed: int) -> None:
        self._space: SearchSpace = search.table.space
        objective = keras_tuner.Objective(search.table.objective, search.table.direction)
        oracle = make(objective, to_hyperparameters(self._space), seed + 1, max(search.table.max_epochs))
        oracle.verbose = 0
        self._folder = tempfile.TemporaryDirectory()
        tuner = keras_tuner.Tuner(oracle, lambda hp: None, directory=self._folder.name, project_name="simulated")
        self._oracle = tuner.oracle
        self._objective = search.table.objective
        self._trials: dict[int, Any] = {}  # latest trial of each run
        self._runs: dict[str, int] = {}  # run of each trial

    def next_job(self, search: Search, live: frozenset[int]) -> Begin | Resume | None:
        """Create a trial: at a new configuration, or a continuation of Hyperband."""
        worker = f"worker {len(self._runs)}"  # KerasTuner gives the same worker its running trial again
        with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
            warnings.simplefilter("ignore")  # scikit-learn's about the Gaussian process, which takes most of the time
            trial = self._oracle.create_trial(worker)
        if trial.status != "RUNNING":
            return None
        values = trial.hyperparameters.values
        if (earlier := values.get("tuner/trial_id")) is not None:
            return self._continue(search, trial, self._runs[earlier])
        configuration = search.nearest(to_point(self._space, values))
        if configuration is None:
            return None
        point = to_hyperparameters(self._space, search.table.points[configuration]).values
        trial.hyperparameters.values = {key: value for key, value in values.items() if "/" in key} | point
        number = len(search.runs)
        self._trials[number], self._runs[trial.trial_id] = trial, number
        return Begin(configuration, int(values.get("tuner/epochs", search.table.max_epochs[configuration])))

    def _continue(self, search: Search, trial: Any, number: int) -> Resume | None:
        run = search.runs[number]
        self._trials[number], self._runs[trial.trial_id] = trial, number
        until = min(int(trial.hyperparameters.values["tuner/epochs"]), run.max_epochs)
        if until > run.epochs and run.phase is Phase.PAUSED:
            return Resume(number, until)
        for epoch, value in run.values.items():  # the configuration has no more epochs
            self._oracle.update_trial(trial.trial_id, {self._objective: value}, step=epoch)
        self.job_ended(run)
        return self.next_job(search, frozenset())

    def epoch_ended(self, run: Run) -> bool:
        """Report the epoch."""
        metrics = {self._objective: run.values[run.epochs]}
        self._oracle.update_trial(self._trials[run.number].trial_id, metrics, step=run.epochs)
        return True

    def job_ended(self, run: Run) -> None:
        """End the trial; one that was created from an earlier one ends by itself."""
        trial = self._trials[run.number]
        trial.status = "FAILED" if run.phase is Phase.FAILED else "COMPLETED"
        self._oracle.end_trial(trial)
