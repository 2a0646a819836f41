"""One configuration, trained and scored on validation: the same path for a trial of a sweep and for `mnistsweep train`.

Reads top to bottom: seed, build, compile, callbacks, fit, keep the best epoch. It imports Keras; the rooms above import
it only when something is trained.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
from numpy.typing import NDArray

from mnistsweep import targets
from mnistsweep.atomic import atomic_write
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.errors import TrialFailed
from mnistsweep.models import losses, metrics, optimizers
from mnistsweep.paths import TrialPaths
from mnistsweep.seeds import repeat_seed
from mnistsweep.study.records import Result, State
from mnistsweep.training.callbacks import (
    BestWeights,
    FiniteGuard,
    HistoryWriter,
    Ownership,
    Reporter,
    StopRequested,
    TensorBoardLogger,
)
from mnistsweep.training.engines.memory import free_graphs
from mnistsweep.training.limits import TimeLimit, check_size
from mnistsweep.training.loop import FitOptions, fit
from mnistsweep.training.resume import ResumePoint, Saved, build_to_resume, identity

Build = Callable[[], Any]
Labelled = tuple[NDArray[Any], NDArray[Any]]
Fit = Callable[[Any, Labelled, Labelled, FitOptions, Sequence[keras.callbacks.Callback]], None]


@dataclass(frozen=True)
class Hooks:
    """How a training talks to whoever asked for it.

    Attributes:
        report: Takes an epoch (counted from 1) and the objective; True means: not worth going on with.
        should_stop: Asked several times a second; True interrupts the training.
        verify: Called before anything of a finished epoch is written; raises `LeaseLost` where the trial is another
            worker's now.
    """

    report: Callable[[int, float], bool] = lambda _epoch, _value: False
    should_stop: Callable[[], bool] = lambda: False
    verify: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Outcome:
    """How a training ended."""

    state: State
    result: Result


@dataclass(frozen=True)
class Run:
    """One repeat of a training: its best value and epoch, the epochs it had, and when it was pruned, if it was."""

    value: float
    best_epoch: int
    epochs: int
    pruned_at: int | None


@dataclass(frozen=True)
class _Repeat:
    """One repeat that is about to be trained.

    Attributes:
        index: Counted from 0.
        before: The results of those before it.
        elapsed: Says how many seconds the whole training has taken.
        saved: What a training that goes on has of this repeat.
    """

    index: int
    before: Sequence[Run]
    elapsed: Callable[[], float]
    saved: Saved | None


@dataclass(frozen=True)
class Training:
    """One configuration to train, and all that is needed for it.

    Attributes:
        config: Of the trial; `config.seed` is the trial's own.
        direction: ``max`` or ``min``: what is better for `config.objective`.
        dataset: What to train and to judge on.
        folder: Where the curves, the event files and the model go.
        build: Makes the model, compiled or not.
        fit_model: Trains it: `default_fit`, or what a user's `HyperModel.fit` does.
        hooks: Reports of the first repeat go here, so an early stop is decided on that one.
        resume: Where the state after each epoch goes; None: it is not kept.
    """

    config: Config
    direction: str
    dataset: Dataset
    folder: TrialPaths
    build: Build
    fit_model: Fit
    hooks: Hooks = Hooks()
    resume: Path | None = None

    def run(self, saved: Saved | None = None) -> Outcome:
        """Train as often as `trainer.repeats` says, and keep the model of the best epoch.

        Args:
            saved: Where an interrupted training of this configuration stood; it goes on from there.

        Returns:
            Completed or pruned, with the objective at the best epoch, averaged over repeats.

        Raises:
            TrialFailed: The training diverged, or went past a limit.
            Interrupted: It was asked to stop.
            LeaseLost: The trial is another worker's now.
            CannotResume: What was saved is not of this training.
            Exception: Whatever the model, the optimizer or the user's code raises.
        """
        began = time.perf_counter() - (saved.seconds if saved else 0.0)
        runs = [Run(**run) for run in saved.runs] if saved else []
        for index in range(len(runs), self.config.trainer.repeats):
            runs.append(self._run(_Repeat(index, runs, lambda: time.perf_counter() - began, saved)))
            saved = None
            if runs[-1].pruned_at is not None:
                break
        result = _summary(runs, self.direction, time.perf_counter() - began)
        if runs[-1].pruned_at is None:
            return Outcome(State.COMPLETED, result)
        return Outcome(State.PRUNED, replace(result, reason=f"pruned after epoch {runs[-1].pruned_at}"))

    def _run(self, repeat: _Repeat) -> Run:
        """One repeat, from its seed on."""
        seed = repeat_seed(self.config.seed, repeat.index)
        keras.utils.clear_session()
        keras.utils.set_random_seed(seed)
        model = self.build()
        try:
            return self._train(model, seed, repeat)
        finally:
            free_graphs(model)

    def _train(self, model: Any, seed: int, repeat: _Repeat) -> Run:
        """Train a model, and save it if it is better than those before."""
        config, trainer, first = self.config, self.config.trainer, repeat.index == 0
        if config.trial.max_parameters is not None:
            check_size(model, config.trial.max_parameters, self.dataset.train.images)
        if repeat.saved is not None and repeat.saved.phases:
            build_to_resume(model, self.dataset.train.images)
        form = compile_model(model, config, self.dataset)
        best = BestWeights(config.objective, "max" if self.direction == "max" else "min")
        reporter = Reporter(self.hooks.report if first else _ignore, config.objective)
        counter = EpochCounter()
        place = self.folder if first else TrialPaths(self.folder.folder / f"repeat-{repeat.index}")
        own = [counter, HistoryWriter(place.history), best, reporter, TensorBoardLogger(place.folder)]
        self._fit(model, form, seed, self._callbacks(own, repeat))
        if best.value is None or best.epoch is None:
            raise TrialFailed("no epoch was finished")
        whole = reporter.pruned_at == trainer.epochs and trainer.repeats == 1  # pruned when nothing was left to save
        run = Run(best.value, best.epoch, counter.epochs, None if whole else reporter.pruned_at)
        if _best([*repeat.before, run], self.direction) is run:
            best.restore(model)
            self.hooks.verify()
            with atomic_write(self.folder.model) as part:
                model.save(part)
                self.hooks.verify()  # that took a while
        return run

    def _callbacks(self, own: Sequence[keras.callbacks.Callback], repeat: _Repeat) -> list[keras.callbacks.Callback]:
        """All callbacks; what changes anything stands before the resume point, what ends the training after it."""
        config = self.config
        callbacks = [
            Ownership(self.hooks.verify),
            FiniteGuard(config.objective),
            *own,
            *_early_stopping(config, self.direction),
            *user_callbacks(config),
        ]
        if self.resume is not None:
            before = [asdict(run) for run in repeat.before]
            saved = repeat.saved or Saved(identity(config), repeat.index, before, 0.0)
            callbacks.append(ResumePoint(self.resume, saved, repeat.elapsed, callbacks))
        if config.trial.timeout_minutes is not None:
            callbacks.append(TimeLimit(config.trial.timeout_minutes, repeat.elapsed))
        return [*callbacks, StopRequested(self.hooks.should_stop)]

    def _fit(self, model: Any, form: str, seed: int, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        config, dataset = self.config, self.dataset
        train, validation = (
            (side.images, losses.encode(side.labels, dataset.classes, form))
            for side in (dataset.train, dataset.validation)
        )
        options = FitOptions(config.trainer.epochs, config.trainer.batch_size, seed, augmentation=dataset.augmentation)
        self.fit_model(model, train, validation, options, callbacks)


def compile_model(model: Any, config: Config, dataset: Dataset) -> str:
    """Compile a model as the configuration says, unless a user's own function did.

    Returns:
        The name of the loss, which decides the form of the labels.
    """
    if model.compiled:
        return _loss_name(model.loss) or config.trainer.loss
    steps = -(-len(dataset.train) // config.trainer.batch_size)
    optimizer = optimizers.build_optimizer(config.optimizer, config.schedule, steps, config.trainer.epochs)
    model.compile(optimizer, loss=losses.build_loss(config.trainer.loss), metrics=metrics.build(config.trainer.metrics))
    return config.trainer.loss


def default_fit(
    model: Any,
    train_: Labelled,
    validation: Labelled,
    options: FitOptions,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Train with this project's own loop."""
    fit(model, train_, validation, options, callbacks)


def clear(folder: TrialPaths) -> None:
    """Make a trial's folder, empty but for its configuration."""
    folder.folder.mkdir(parents=True, exist_ok=True)
    for path in folder.folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != folder.config:
            path.unlink()


class EpochCounter(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts the epochs that were finished."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Count."""
        self.epochs += 1


def user_callbacks(config: Config) -> list[keras.callbacks.Callback]:
    """The callbacks that the configuration names under `trainer.callbacks`, made anew."""
    made = []
    for index, entry in enumerate(config.trainer.callbacks):
        key = f"trainer.callbacks[{index}]"
        made.append(targets.call(key, targets.resolve(entry["_target_"], f"{key}._target_"), entry, {}))
    return made


def _early_stopping(config: Config, direction: str) -> list[keras.callbacks.Callback]:
    if config.trainer.patience is None:
        return []
    return [keras.callbacks.EarlyStopping(config.objective, patience=config.trainer.patience, mode=direction)]


def _loss_name(loss: Any) -> str | None:
    """The name of a loss as a user's own code compiled it: a name, a function or a `keras.losses.Loss`."""
    name = loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", None)
    return None if name is None else str(name)


def _best(runs: Sequence[Run], direction: str) -> Run:
    return (max if direction == "max" else min)(runs, key=lambda run: run.value)


def _summary(runs: Sequence[Run], direction: str, seconds: float) -> Result:
    values = [run.value for run in runs]
    return Result(
        objective=statistics.fmean(values),
        best_epoch=_best(runs, direction).best_epoch,
        epochs=sum(run.epochs for run in runs),
        seconds=seconds,
        std=statistics.stdev(values) if len(values) > 1 else None,
    )


def _ignore(epoch: int, value: float) -> bool:
    return False
