"""The `keras_tuner.Tuner` of a worker: its `search` loop, its `run_trial`, over the study's oracle."""

from __future__ import annotations

import contextlib
import json
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial
from keras_tuner.errors import FailedTrialError, FatalError
from keras_tuner.src import config as kerastuner_config

from mnistsweep import data
from mnistsweep.atomic import remove_temporary_files
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.errors import DiskFull, LeaseLost, StudyError, TrialLimited, describe_error, is_disk_full
from mnistsweep.paths import SweepPaths, TrialPaths
from mnistsweep.study.claim import Claim
from mnistsweep.study.records import Result, State
from mnistsweep.training import resume
from mnistsweep.training.trainer import Hooks, Outcome, Training, clear
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel
from mnistsweep.tuner.oracle import StudyOracle

kerastuner_config.DEBUG = False  # it prints the traceback of a failed trial, which goes to the trial's folder here

Prepare = Callable[[Claim, TrialPaths], Config]
Begun = Callable[[Claim, TrialPaths], None]
Ended = Callable[[TrialPaths, Outcome], None]


# KerasTuner takes every exception but its own FatalError for a trial that failed, and goes on.
class _FatalDiskFull(DiskFull, FatalError):  # type: ignore[misc]
    """Nothing can be written."""


class _FatalStudyError(StudyError, FatalError):  # type: ignore[misc]
    """The ledger does not answer, or is damaged."""


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
        begun: Called before a trial is trained from its beginning, for TensorBoard; not where it goes on.
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
            FailedTrialError: The trial failed; the reason is in the study, the traceback in the trial's folder. Or it
                is another worker's now; then nothing is written.
            DiskFull: Nothing can be written any more, which is no fault of the trial's.
            StudyError: The ledger cannot be used.
        """
        oracle: StudyOracle = self.oracle
        assert oracle.claim is not None
        folder = self._paths.trial(oracle.claim.number)
        try:
            with stopping_the_worker(folder.folder):
                outcome = self._attempt(oracle, oracle.claim, trial.hyperparameters, folder)
                oracle.verify()
                oracle.note(outcome)
                self._ended(folder, outcome)
        except LeaseLost as error:
            oracle.drop()
            raise FailedTrialError(str(error)) from error
        if outcome.state is State.FAILED:
            raise FailedTrialError(outcome.result.reason)
        return {oracle.objective.name: outcome.result.objective or 0.0}

    def on_trial_end(self, trial: Trial) -> None:
        """Write the outcome to the study; then nobody has to go on with the trial any more."""
        claim = self.oracle.claim
        try:
            with stopping_the_worker(self._paths.folder):
                super().on_trial_end(trial)
        except LeaseLost:  # another worker's in the last moment: its result counts, and it needs the resume point
            self.oracle.drop()
            return
        if claim is not None:
            folder = self._paths.trial(claim.number)
            folder.resume.unlink(missing_ok=True)
            remove_temporary_files(folder.folder)  # of attempts that were killed

    def _attempt(self, oracle: StudyOracle, claim: Claim, hp: Any, folder: TrialPaths) -> Outcome:
        """Train one trial; what goes wrong in it is its outcome."""
        try:
            return self._train(oracle, claim, hp, folder)
        except (Exception, SystemExit) as error:  # a user's `sys.exit()` ends the trial, not the sweep
            if isinstance(error, LeaseLost | StudyError) or is_disk_full(error):
                raise
            oracle.verify()
            folder.folder.mkdir(parents=True, exist_ok=True)
            folder.error.write_text(traceback.format_exc(), encoding="utf-8")
            return Outcome(State.FAILED, Result(reason=describe_error(error), limited=isinstance(error, TrialLimited)))

    def _train(self, oracle: StudyOracle, claim: Claim, hp: Any, folder: TrialPaths) -> Outcome:
        """Go on with a trial where it was interrupted, or else from its beginning."""
        config = self._prepare(claim, folder)
        name = resume.identity(config)
        saved = resume.read(folder.resume, name)
        if saved is None:
            self._begin(oracle, claim, folder)
        self.hypermodel = ConfiguredHyperModel(config, self._datasets.get(config.data))
        hooks = Hooks(oracle.report, self._should_stop, oracle.verify)
        trained = training(self.hypermodel, hp, oracle.objective.direction, folder, hooks, folder.resume)
        if saved is None:
            return trained.run(resume.Saved(name, 0, [], 0.0))
        try:
            return trained.run(saved)
        except resume.CannotResume as error:
            resume.LOGGER.warning("%s: cannot be resumed from: %s; the trial begins anew", folder.resume, error)
        self._begin(oracle, claim, folder)
        return trained.run(resume.from_the_beginning(saved))

    def _begin(self, oracle: StudyOracle, claim: Claim, folder: TrialPaths) -> None:
        oracle.verify()  # what is cleared may be all that another worker has done
        clear(folder)
        self._begun(claim, folder)

    def _populate_initial_space(self) -> None:
        """Nothing: the space is known before the first worker starts."""

    def save(self) -> None:
        """Nothing: the study has it."""

    def reload(self) -> None:
        """Nothing: the study has it."""


def training(
    hypermodel: ConfiguredHyperModel,
    hp: keras_tuner.HyperParameters,
    direction: str,
    folder: TrialPaths,
    hooks: Hooks,
    resume: Path | None = None,
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
        resume=resume,
    )


def train_once(config: Config, direction: str, folder: TrialPaths, hooks: Hooks) -> Outcome:
    """Train one configuration outside of a sweep, along the same path as a trial."""
    clear(folder)
    hypermodel = ConfiguredHyperModel(config, data.load(config.data))
    return training(hypermodel, keras_tuner.HyperParameters(), direction, folder, hooks).run()


@contextlib.contextmanager
def stopping_the_worker(folder: Path) -> Iterator[None]:
    """Make errors that are no fault of a trial's stop the worker: of a full disk, and of the ledger.

    Args:
        folder: Where it was written to, for the message.

    Raises:
        DiskFull: In place of an error of a full disk.
        StudyError: The ledger cannot be used.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, StudyError):
            raise _FatalStudyError(str(error)) from error
        if not is_disk_full(error):
            raise
        where = f"{folder}: cannot be written: {describe_error(error)}. Make room; the same command continues."
        raise _FatalDiskFull(str(error) if isinstance(error, DiskFull) else where) from error
