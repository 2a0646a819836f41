"""The `keras_tuner.Tuner` of a worker: its `search` loop, its `run_trial`, over the study's oracle."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial
from keras_tuner.errors import FailedTrialError
from keras_tuner.src import config as kerastuner_config

from mnistsweep import data
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.paths import SweepPaths, TrialPaths
from mnistsweep.results import Result, State
from mnistsweep.study import Claim
from mnistsweep.training import Hooks, Outcome, Training, clear, explain
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel
from mnistsweep.tuner.oracle import StudyOracle

kerastuner_config.DEBUG = False  # it prints the traceback of a failed trial, which goes to the trial's folder here

Prepare = Callable[[Claim, TrialPaths], Config]
Begun = Callable[[Claim, TrialPaths], None]
Ended = Callable[[TrialPaths, Outcome], None]


class DatasetHolder:
    """Keeps the data of the last trial: most sweeps have one data set for all trials, and it stays in memory."""

    def __init__(self) -> None:
        self._key: str | None = None
        self._dataset: Dataset | None = None

    def get(self, config: dict[str, Any]) -> Dataset:
        """The data set of a configuration's group `data`."""
        key = json.dumps(config, sort_keys=True, default=str)
        if self._dataset is None or key != self._key:
            self._dataset = None  # let the old one go before the new one comes
            self._dataset, self._key = data.load(config), key
        return self._dataset


class SweepTuner(keras_tuner.Tuner):  # type: ignore[misc]
    """Runs the trials that the study grants, until it grants no more.

    Args:
        oracle: Over the study.
        paths: The sweep's files.
        prepare: From a claim to the trial's configuration, which it also writes to the trial's folder.
        begun: Called before each training, for TensorBoard.
        ended: Called with each outcome, likewise.
        should_stop: Asked several times a second.
    """

    def __init__(
        self,
        oracle: StudyOracle,
        paths: SweepPaths,
        prepare: Prepare,
        begun: Begun,
        ended: Ended,
        should_stop: Callable[[], bool],
    ) -> None:
        self._paths = paths
        self._prepare = prepare
        self._begun = begun
        self._ended = ended
        self._should_stop = should_stop
        self._datasets = DatasetHolder()
        super().__init__(oracle, directory=str(paths.folder.parent), project_name=paths.name)

    def run_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Train one trial; the objective at its best epoch, for KerasTuner's record.

        Raises:
            FailedTrialError: The trial failed; the reason is in the study, the traceback in the trial's folder.
        """
        oracle: StudyOracle = self.oracle
        assert oracle.claim is not None
        folder = self._paths.trial(oracle.claim.number)
        try:
            outcome = self._train(oracle, oracle.claim, trial.hyperparameters, folder)
        except Exception as error:
            folder.folder.mkdir(parents=True, exist_ok=True)
            folder.error.write_text(traceback.format_exc(), encoding="utf-8")
            self._note(Outcome(State.FAILED, Result(reason=explain(error))), folder)
            raise FailedTrialError(explain(error)) from error
        self._note(outcome, folder)
        return {oracle.objective.name: outcome.result.objective or 0.0}

    def _note(self, outcome: Outcome, folder: TrialPaths) -> None:
        self.oracle.note(outcome)
        self._ended(folder, outcome)

    def _train(self, oracle: StudyOracle, claim: Claim, hp: Any, folder: TrialPaths) -> Outcome:
        clear(folder)
        config = self._prepare(claim, folder)
        self._begun(claim, folder)
        self.hypermodel = ConfiguredHyperModel(config, self._datasets.get(config.data))
        hooks = Hooks(oracle.report, self._should_stop)
        return training(self.hypermodel, hp, oracle.objective.direction, folder, hooks).run()

    def _populate_initial_space(self) -> None:
        """Nothing: the space is known before the first worker starts."""

    def save(self) -> None:
        """Nothing: the study has it."""

    def reload(self) -> None:
        """Nothing: the study has it."""


def training(
    hypermodel: ConfiguredHyperModel, hp: keras_tuner.HyperParameters, direction: str, folder: TrialPaths, hooks: Hooks
) -> Training:
    """A training whose model a hypermodel builds and fits."""
    return Training(
        hypermodel.config,
        direction,
        hypermodel.dataset,
        folder,
        build=lambda: hypermodel.build(hp),
        fit_model=lambda model, *rest: hypermodel.fit(hp, model, *rest),
        hooks=hooks,
    )


def train_once(config: Config, direction: str, folder: TrialPaths, hooks: Hooks) -> Outcome:
    """Train one configuration outside of a sweep, along the same path as a trial."""
    clear(folder)
    hypermodel = ConfiguredHyperModel(config, data.load(config.data))
    return training(hypermodel, keras_tuner.HyperParameters(), direction, folder, hooks).run()
