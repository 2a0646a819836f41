"""The `keras_tuner.Tuner` of a worker: it trains the trials that the study grants."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial
from keras_tuner.errors import FailedTrialError

from mnistsweep.atomic import remove_temporary_files
from mnistsweep.config.schema import Config
from mnistsweep.errors import LeaseLost
from mnistsweep.paths import SweepPaths, TrialPaths, saved_model
from mnistsweep.study.claim import Claim
from mnistsweep.study.records import State
from mnistsweep.study.required_files import check_required_files
from mnistsweep.study.worker_errors import worker_error
from mnistsweep.training.callbacks.backup_and_resume import ResumeMismatch
from mnistsweep.training.engines.memory import is_out_of_memory
from mnistsweep.training.live_models import LiveModels
from mnistsweep.training.outcome import Outcome, failed_outcome
from mnistsweep.training.resume_file import (
    TrainingState,
    log_lost_checkpoint,
    log_restart,
    read_resume_file,
    resume_fingerprint,
)
from mnistsweep.training.trainer import Hooks, Training
from mnistsweep.training.trial_folder import clear_trial_folder
from mnistsweep.tuner.dataset_cache import DatasetCache
from mnistsweep.tuner.fatal_errors import stop_worker_on_fatal_errors
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel
from mnistsweep.tuner.hypermodel_training import make_training
from mnistsweep.tuner.kerastuner_private import disable_traceback_printing
from mnistsweep.tuner.study_oracle import StudyOracle
from mnistsweep.user_code import exits_as_failures

disable_traceback_printing()  # the traceback of a failed trial is written to the trial's folder

LOGGER = logging.getLogger("mnistsweep")

Prepare = Callable[[Claim, TrialPaths], Config]
OnStart = Callable[[Claim, TrialPaths], None]
OnEnd = Callable[[TrialPaths, Outcome], None]


class SweepTuner(keras_tuner.Tuner):  # type: ignore[misc]
    """Trains the trials that the study grants, until it grants no more.

    Args:
        oracle: Oracle that claims trials in the study.
        paths: Paths of the sweep's files.
        prepare: Function from a claim to the trial's configuration; it also writes this to the trial's folder.
        on_start: Called before a trial is trained from scratch, but not before a trial is resumed.
        on_end: Called with each outcome before it is written to the study.
        should_stop: Whether the worker is asked to stop; called several times a second.
        datasets: Cache that loads the data of a trial.
        live: Models of paused trials; None: none is kept.
    """

    def __init__(
        self,
        oracle: StudyOracle,
        paths: SweepPaths,
        prepare: Prepare,
        on_start: OnStart,
        on_end: OnEnd,
        should_stop: Callable[[], bool],
        datasets: DatasetCache | None = None,
        live: LiveModels | None = None,
    ) -> None:
        self._paths = paths
        self._prepare = prepare
        self._on_start = on_start
        self._on_end = on_end
        self._should_stop = should_stop
        self._datasets = datasets or DatasetCache()
        self._live = live or LiveModels()
        self._prepared: int | None = None
        self._started: float | None = None
        self._own_fits: dict[str, str] = {}
        super().__init__(oracle, directory=str(paths.folder.parent), project_name=paths.name)

    def check_files(self) -> None:
        """Check that the files of the sweep, and of the trial that is trained, are there.

        Raises:
            StudyError: A file or a folder was deleted or moved.
        """
        check_required_files(self._paths, self._prepared)

    def run_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Train one trial, and return the objective at its best epoch for KerasTuner's record.

        Raises:
            FailedTrialError: The trial failed: the study has the reason, the trial's folder the traceback. Or another
                worker owns the trial now: then nothing is written.
            WriteRefused: The disk is full or read-only, or a limit is exceeded, which the trial did not cause.
            FileError: A file of the sweep cannot be read or written.
            StudyError: The ledger cannot be used.
        """
        oracle: StudyOracle = self.oracle
        assert oracle.claim is not None
        folder = self._paths.trial(oracle.claim.number)
        try:
            with stop_worker_on_fatal_errors(self._paths.folder, folder.folder, self.check_files):
                outcome = self._train_or_fail(oracle, oracle.claim, trial.hyperparameters, folder)
                self._verify(oracle)
                oracle.set_outcome(outcome)
                self._on_end(folder, outcome)
        except LeaseLost as error:
            oracle.forget_claim()
            raise FailedTrialError(str(error)) from error
        if outcome.state is State.FAILED:
            raise FailedTrialError(outcome.result.reason)
        return {oracle.objective.name: outcome.result.objective or 0.0}

    def on_trial_end(self, trial: Trial) -> None:
        """Write the outcome to the study, then remove the files that only a resumed training needs.

        The resume file of a paused trial stays: a later job continues from it.
        """
        claim, is_paused = self.oracle.claim, self.oracle.has_paused
        try:
            with stop_worker_on_fatal_errors(self._paths.folder, self._paths.folder, self.check_files):
                self.check_files()
                super().on_trial_end(trial)
        except LeaseLost:  # another worker owns the trial since a moment ago: its result counts, it needs the files
            self.oracle.forget_claim()
            return
        if claim is not None:
            folder = self._paths.trial(claim.number)
            if not is_paused:
                folder.resume.unlink(missing_ok=True)
            remove_temporary_files(folder.folder)  # of attempts that were killed

    def _train_or_fail(self, oracle: StudyOracle, claim: Claim, hp: Any, folder: TrialPaths) -> Outcome:
        """Train one trial; an error that the trial caused is its outcome.

        If memory ran out while models of paused trials took some of it, these are removed, and the trial goes on.
        """
        try:
            with exits_as_failures(self._should_stop):
                try:
                    return self._train(oracle, claim, hp, folder)
                except Exception as error:
                    if not (is_out_of_memory(error) and self._live.clear()):
                        raise
                LOGGER.warning("trial %d: memory ran out; it goes on without models of paused trials", claim.number)
                return self._train(oracle, claim, hp, folder)
        except Exception as error:
            if isinstance(error, LeaseLost) or self._stops_worker(error, folder):
                raise
            self._verify(oracle)
            return self._until_failure(oracle, failed_outcome(error, folder), folder)

    def _until_failure(self, oracle: StudyOracle, failed: Outcome, folder: TrialPaths) -> Outcome:
        """The outcome of a training that has failed after the end of a training that it contains: a pruned trial."""
        if self._started is None:  # no training was begun
            return failed
        seconds = time.perf_counter() - self._started
        known = oracle.claims.result_before_failure(replace(failed.result, seconds=seconds))
        if known is None:
            return failed
        if known.checkpoint is None:  # a model that was saved at a pause is not that of the best epoch
            saved_model(folder.model).unlink(missing_ok=True)
        return Outcome(State.PRUNED, known)

    def _stops_worker(self, error: Exception, folder: TrialPaths) -> bool:
        return worker_error(error, self._paths.folder, folder.folder, self.check_files) is not None

    def _train(self, oracle: StudyOracle, claim: Claim, hp: Any, folder: TrialPaths) -> Outcome:
        """Resume a trial from its resume file; train it from scratch if there is none, or if it does not fit."""
        self._prepared = self._started = None
        self.check_files()
        config = self._prepare(claim, folder)
        self._prepared = claim.number
        state = read_resume_file(folder.resume, resume_fingerprint(config))
        if state is None:
            if claim.paused is not None:
                state = TrainingState(resume_fingerprint(config), seconds=claim.paused.seconds)
            self._start_from_scratch(oracle, claim, folder)
        if not self._datasets.holds(config.data):
            self._live.clear()  # they hold the data set that is replaced
        self.hypermodel = ConfiguredHyperModel(config, self._datasets.load(config.data))
        hooks = Hooks(
            self._report,
            self._should_stop,
            lambda: self._verify(oracle),
            # Each fold counts with its full number of epochs, so that trials are compared after the same folds.
            free_space=oracle.claims.free_space,
            report_folds=lambda folds, mean: oracle.claims.report(folds * config.trainer.epochs, mean, is_mean=True),
        )
        live = self._live if claim.confirms is None else None  # a confirmation is never continued
        training = make_training(
            self.hypermodel, hp, oracle.objective.direction, folder, hooks, folder.resume, claim.until, live,
            claim.number,
        )  # fmt: skip
        try:
            return self._run(training, state, claim)
        except ResumeMismatch as error:
            log_restart(folder.resume, error)
        self._start_from_scratch(oracle, claim, folder)
        assert state is not None  # only a resumed training mismatches
        return self._run(training, state.restarted(), claim)

    def _run(self, training: Training, state: TrainingState | None, claim: Claim) -> Outcome:
        """Run a training, and record what kind of value a user's own `fit` returns."""
        self._started = time.perf_counter() - (state.seconds if state else 0.0)
        outcome = training.run(state)
        outcome = replace(outcome, result=outcome.result.after(claim.paused))
        if self.hypermodel.returned is not None:
            self._own_fits[str(self.hypermodel.config.model["_target_"])] = self.hypermodel.returned.kind
        return outcome

    def _report(self, epoch: int, value: float) -> bool:
        """Report the objective after an epoch; returns whether the training should be pruned.

        A user's own `fit` is pruned only if it returned a History before: a number may be computed from several
        trainings, or from one that ignores a request to stop.
        """
        should_prune = bool(self.oracle.claims.report(epoch, value))
        if not should_prune or not self.hypermodel.has_own_fit:
            return should_prune
        return self._own_fits.get(str(self.hypermodel.config.model["_target_"])) == "history"

    def _start_from_scratch(self, oracle: StudyOracle, claim: Claim, folder: TrialPaths) -> None:
        self._verify(oracle)  # the folder may hold the work of another worker that owns the trial now
        if claim.paused is not None:
            log_lost_checkpoint(folder.resume)
            if not oracle.claims.restart():
                raise LeaseLost(f"trial {claim.number}: the budget of epochs does not allow to train it from epoch 1")
        clear_trial_folder(folder, keep_model=claim.paused is not None)
        self._on_start(claim, folder)

    def _verify(self, oracle: StudyOracle) -> None:
        """Check that this worker may write to the trial's folder."""
        self.check_files()
        oracle.claims.verify()

    def _populate_initial_space(self) -> None:
        """Skip KerasTuner's search for hyperparameters: the space is known before the first worker starts."""

    def save(self) -> None:
        """Skip KerasTuner's own file: the study keeps the state."""

    def reload(self) -> None:
        """Skip KerasTuner's own file: the study keeps the state."""
