"""Training of one configuration, scored on the validation split: for a trial of a sweep and for `mnistsweep train`.

The module imports Keras. The packages above import it only when a model is trained.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras

from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.data.structure import Structure
from mnistsweep.keras_session import clear_session
from mnistsweep.paths import TrialPaths
from mnistsweep.seeds import repeat_seed
from mnistsweep.training.callback_list import TrainingCallbacks
from mnistsweep.training.callbacks.backup_and_resume import BackupAndResume, ResumeMismatch, build_for_resume
from mnistsweep.training.callbacks.build_time import BuildTime
from mnistsweep.training.callbacks.epoch_snapshot import EpochSnapshot
from mnistsweep.training.callbacks.guards import OwnershipCheck
from mnistsweep.training.callbacks.stopping import StopOnRequest, TimeLimit
from mnistsweep.training.callbacks.user_callbacks import may_add_metrics
from mnistsweep.training.compilation import compile_model
from mnistsweep.training.compiled_model import CompiledModel
from mnistsweep.training.disk_space import with_space
from mnistsweep.training.engines import AnySplit
from mnistsweep.training.live_models import LiveModels
from mnistsweep.training.loop import FitOptions
from mnistsweep.training.measurements import Measurements
from mnistsweep.training.model_size import check_model_size
from mnistsweep.training.observers import Observers
from mnistsweep.training.outcome import Outcome, RepeatResult, best_result, mean_and_error, of_first_fold, summarize
from mnistsweep.training.process_state import import_users_modules, restored_process_state
from mnistsweep.training.resume_file import TrainingState, resume_fingerprint
from mnistsweep.training.returned import Returned
from mnistsweep.training.saving import save_model
from mnistsweep.training.target_form import part_of
from mnistsweep.training.trained_before import remember_training
from mnistsweep.training.training_split import training_split

BuildModel = Callable[[], Any]
FitModel = Callable[[Any, AnySplit, AnySplit, FitOptions, Sequence[keras.callbacks.Callback]], Returned | None]


@dataclass(frozen=True)
class Hooks:
    """Functions that a training calls to report its progress and to find out whether it should continue.

    Attributes:
        report_objective: Function of the epoch (from 1) and the objective; returns True to prune the training.
        should_stop: Function that returns True to interrupt the training; called several times a second.
        check_ownership: Function that is called before anything of a finished epoch is written; raises `LeaseLost` if
            another worker owns the trial.
        report_folds: Function of the number of finished folds, at least 2, and of the mean of their objectives; returns
            True to train no further fold. Called between the folds of the first repeat.
        free_space: Function that removes files which other trials may do without, where the disk is full; returns
            whether it has removed any.
    """

    report_objective: Callable[[int, float], bool] = lambda _epoch, _value: False
    should_stop: Callable[[], bool] = lambda: False
    check_ownership: Callable[[], None] = lambda: None
    report_folds: Callable[[int, float], bool] = lambda _folds, _mean: False
    free_space: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class _Repeat:
    """A repeat, or one fold of a repeat, that is about to be trained.

    Attributes:
        index: Index among all trainings, from 0, see `outcome`.
        dataset: Data set to train and to validate on.
        earlier: Results of the trainings before it.
        elapsed: Function that returns the seconds that all trainings have taken.
        state: State to resume this training from; None to train it from scratch.
        measurements: Measures the constrained quantities of the trial.
    """

    index: int
    dataset: Dataset
    earlier: Sequence[RepeatResult]
    elapsed: Callable[[], float]
    state: TrainingState | None
    measurements: Measurements

    def first_inputs(self, config: Config) -> Structure:
        return self.dataset.train.first_examples(config.trainer.batch_size).inputs


@dataclass(frozen=True)
class Training:
    """One configuration and everything that is needed to train it.

    Attributes:
        config: Configuration of the trial; `config.seed` is the seed of the trial, not of the sweep.
        direction: ``max`` or ``min``: whether larger or smaller values of `config.first_objective` are better.
        dataset: Data set to train and to validate on, with its folds.
        folder: Folder for the curves, the event files and the model.
        build: Function that returns the model, compiled or not.
        fit_model: Function that trains the model with `loop.fit`, or one that calls a user's `HyperModel.fit` and
            returns what this `fit` returned.
        hooks: Functions that the training calls. Only the first training reports its objective after each epoch; the
            folds after it report the mean. So pruning is decided on the first repeat.
        resume: Path of the resume file; None to write none.
        has_own_fit: Whether `fit_model` calls a `fit` of the user, which may return the objective at its end.
        until: Epoch after which the training pauses: its resume file continues it. It needs `resume`, and a
            configuration that is trained once. None: it does not pause.
        live: Models of paused trainings. This training goes on with its own if it is there, and leaves it there if it
            pauses.
        number: Number of the trial, for `live`.
    """

    config: Config
    direction: str
    dataset: Dataset
    folder: TrialPaths
    build: BuildModel
    fit_model: FitModel
    hooks: Hooks = Hooks()
    resume: Path | None = None
    has_own_fit: bool = False
    until: int | None = None
    live: LiveModels = field(default_factory=LiveModels)
    number: int = 0

    def run(self, state: TrainingState | None = None) -> Outcome:
        """Train `trainer.repeats` models one after the other, each once a fold, and save the model of the best epoch.

        With folds it is the model of the first fold, see `outcome.of_first_fold`.

        Args:
            state: State of an interrupted training of this configuration to resume from; None to start from scratch.

        Returns:
            Completed, pruned or paused, with the objective of the best epoch, averaged over the repeats and folds.

        Raises:
            TrialFailed: The training diverged or exceeded a limit.
            Interrupted: A stop was requested.
            LeaseLost: Another worker owns the trial.
            ResumeMismatch: The state belongs to another training.
            Exception: Any error of the model, the optimizer or the user's code.
        """
        start = time.perf_counter() - (state.seconds if state else 0.0)

        def elapsed() -> float:
            return time.perf_counter() - start

        results = [RepeatResult(**result) for result in state.runs] if state else []
        folds, is_pruned = self.dataset.num_folds, False
        measurements = Measurements(self.config, self.folder)
        for index in range(len(results), self.config.trainer.repeats * folds):
            dataset = self.dataset.fold(index % folds)
            results.append(self._run_repeat(_Repeat(index, dataset, tuple(results), elapsed, state, measurements)))
            state = None
            is_pruned = self._is_pruned_between_folds(results)
            if is_pruned or results[-1].has_stopped:
                break
        is_only = self.config.trainer.repeats * folds == 1 and not self.has_own_fit
        outcome = summarize(results, self.direction, elapsed(), folds, is_pruned, is_only)
        return measurements.added_to(outcome, results, folds)

    def _is_pruned_between_folds(self, results: Sequence[RepeatResult]) -> bool:
        """Report the mean of the finished folds, if more folds follow; returns whether these are not trained.

        The first fold has reported after each epoch.
        """
        if not 1 < len(results) < self.dataset.num_folds:
            return False
        mean, _ = mean_and_error([result.value for result in results], self.dataset.num_folds)
        return self.hooks.report_folds(len(results), mean)

    def _run_repeat(self, repeat: _Repeat) -> RepeatResult:
        """Train the model that was kept, or one that is built."""
        import_users_modules(self.config)
        found = self.live.take(
            self._key, self.dataset, is_resumed=repeat.state is not None and bool(repeat.state.phases)
        )
        with contextlib.suppress(ResumeMismatch):
            if found is not None:
                return self._run_model(repeat, found)
        return self._run_model(repeat, None)

    def _run_model(self, repeat: _Repeat, live: CompiledModel | None) -> RepeatResult:
        """Set the seed, build the model if none is given, train it, and keep it or release its memory."""
        seed, build_time, is_kept = repeat_seed(self.config.seed, repeat.index), BuildTime(), False
        with restored_process_state():
            if live is None:
                clear_session()
                keras.utils.set_random_seed(seed)
            else:
                live.resume_session(seed)
            repeat = replace(repeat, dataset=repeat.dataset.fresh())  # a loader may draw random numbers
            if live is not None:
                repeat.measurements.check_model(live.model, repeat.first_inputs(self.config))
            compiled = live or CompiledModel.make(self.build, lambda model: self._prepare(model, repeat), self.dataset)
            try:
                result = self._train(compiled, seed, repeat, build_time)
                is_kept = result.paused_at is not None and self.live.keep(self._key, compiled, self.config)
            finally:
                remember_training(compiled.model)
                if not is_kept:
                    self.live.free(compiled)
        return result if live is not None else replace(result, build_seconds=build_time.seconds)

    @property
    def _key(self) -> tuple[int, str]:
        return self.number, resume_fingerprint(self.config)

    def _prepare(self, model: Any, repeat: _Repeat) -> Any:
        """Check and compile a model; returns the form of its targets."""
        limit, inputs = self.config.trial.max_parameters, repeat.first_inputs(self.config)
        if limit is not None:
            check_model_size(model, limit, inputs)
        repeat.measurements.check_model(model, inputs)
        if repeat.state is not None and repeat.state.phases:
            build_for_resume(model, inputs)
        return compile_model(model, self.config, repeat.dataset)

    def _train(self, compiled: CompiledModel, seed: int, repeat: _Repeat, build_time: BuildTime) -> RepeatResult:
        """Train a compiled model, and save it if it is better than those of the earlier repeats on the first fold."""
        trainer, folds, is_required = self.config.trainer, self.dataset.num_folds, self._is_objective_required
        report = self.hooks.report_objective if repeat.index == 0 else _never_prune
        folder, snapshot = self.folder.training(repeat.index, folds), EpochSnapshot() if trainer.callbacks else None
        observers = Observers.create(self.config.first_objective, self.direction, folder, report, is_required, snapshot)
        callbacks = self._callbacks(observers.callbacks, snapshot, repeat)
        backup = next((one for one in callbacks if isinstance(one, BackupAndResume)), None)
        returned = self._fit(compiled, seed, repeat.dataset, [*callbacks, build_time])
        if returned is not None:
            self.hooks.check_ownership()
            observers.record(returned)
        result = observers.result(trainer.epochs, trainer.repeats * folds)
        if backup is not None and backup.is_paused:
            result = replace(result, paused_at=result.epochs)
        rivals = of_first_fold([*repeat.earlier, result], folds)
        if repeat.index % folds == 0 and best_result(rivals, self.direction) is result:
            observers.restore_best(compiled.model)
            return replace(result, checksum=self._save(compiled.model))
        return result

    @property
    def _is_objective_required(self) -> bool:
        """Whether each epoch must have the objective: a callback of the user may add it after some epochs only.

        A training that pauses must have it, because the trial is compared with others as far as it was trained.
        """
        return not self.has_own_fit and (self.until is not None or not may_add_metrics(self.config))

    def _callbacks(
        self, own: Sequence[keras.callbacks.Callback], snapshot: EpochSnapshot | None, repeat: _Repeat
    ) -> list[keras.callbacks.Callback]:
        """List all callbacks in order; the resume file is written after every change and before the training ends."""
        config, ownership = self.config, OwnershipCheck(self.hooks.check_ownership)
        made = TrainingCallbacks(config, self.direction, ownership, own, snapshot, self._is_objective_required)
        callbacks = list(made.all)
        if self.resume is not None:
            earlier = [asdict(result) for result in repeat.earlier]
            state = repeat.state or TrainingState(resume_fingerprint(config), repeat.index, earlier)
            free_space = self.hooks.free_space
            callbacks.append(BackupAndResume(self.resume, state, repeat.elapsed, made.stored, self.until, free_space))
        if config.trial.timeout_minutes is not None:
            callbacks.append(TimeLimit(config.trial.timeout_minutes, repeat.elapsed))
        return [*callbacks, StopOnRequest(self.hooks.should_stop)]

    def _fit(
        self, compiled: CompiledModel, seed: int, dataset: Dataset, callbacks: Sequence[keras.callbacks.Callback]
    ) -> Returned | None:
        config, forms, engine = self.config, compiled.forms, compiled.engine.engine
        options = FitOptions(
            config.trainer.epochs,
            config.trainer.batch_size,
            seed,
            augmentation=dataset.augmentation,
            steps_per_epoch=config.trainer.steps_per_epoch,
            slot=compiled.engine,
        )
        if engine is not None and engine.validation is not None:
            return self.fit_model(compiled.model, engine.train, engine.validation, options, callbacks)
        train, validation = training_split(dataset, forms, config), part_of(dataset.validation, forms)
        return self.fit_model(compiled.model, train, validation, options, callbacks)

    def _save(self, model: Any) -> str:
        """Save the best model and return the checksum of its file.

        The ownership is checked again after the file is written, which takes a while.
        """
        check, file = self.hooks.check_ownership, self.folder.model
        check()
        saved = with_space(lambda: save_model(model, file, check, create_folder=False), self.hooks.free_space)
        return saved[1]


def _never_prune(epoch: int, value: float) -> bool:
    return False
