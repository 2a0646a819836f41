"""The callbacks that observe a training: they count and record its epochs, and keep its best one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from mnistsweep.errors import ConfigError, TrialFailed, suggest
from mnistsweep.paths import TrialPaths
from mnistsweep.training.callbacks.best_weights import BestWeights
from mnistsweep.training.callbacks.epoch_counter import EpochCounter
from mnistsweep.training.callbacks.epoch_snapshot import EpochSnapshot
from mnistsweep.training.callbacks.history_writer import HistoryWriter
from mnistsweep.training.callbacks.objective_reporter import ObjectiveReporter
from mnistsweep.training.callbacks.tensorboard_logger import TensorBoardLogger
from mnistsweep.training.outcome import RepeatResult
from mnistsweep.training.returned import RETURNED, Returned


@dataclass(frozen=True)
class Observers:
    """The callbacks that observe one repeat of a training.

    Attributes:
        objective: Name of the objective.
        counter: Counts the finished epochs.
        history: Writes the learning curves.
        best: Keeps the best epoch.
        reporter: Reports the objective, and prunes.
        tensorboard: Writes the learning curves for TensorBoard.
    """

    objective: str
    counter: EpochCounter
    history: HistoryWriter
    best: BestWeights
    reporter: ObjectiveReporter
    tensorboard: TensorBoardLogger

    @classmethod
    def create(
        cls,
        objective: str,
        direction: str,
        folder: TrialPaths,
        report: Callable[[int, float], bool],
        is_required: bool,
        snapshot: EpochSnapshot | None = None,
    ) -> Observers:
        """Create the callbacks.

        Args:
            objective: Name of the objective.
            direction: ``max`` or ``min``.
            folder: Paths of the files of this repeat.
            report: Function of the epoch (from 1) and the objective; returns True to prune the training.
            is_required: Whether each epoch must have the objective; False for a user's own `fit`, which may return it.
            snapshot: Callback with the model of each epoch, where users' callbacks may change it before these.
        """
        return cls(
            objective,
            EpochCounter(),
            HistoryWriter(folder.history, snapshot=snapshot),
            BestWeights(objective, "max" if direction == "max" else "min", is_required, snapshot),
            ObjectiveReporter(report, objective, is_required),
            TensorBoardLogger(folder.folder, snapshot),
        )

    @property
    def callbacks(self) -> list[keras.callbacks.Callback]:
        """The callbacks, in the order in which they are called."""
        return [self.counter, self.history, self.best, self.reporter, self.tensorboard]

    def record(self, returned: Returned) -> None:
        """Record what a user's own `fit` returned: its objective counts, whatever the epochs measured.

        If it is the best objective of the epochs, the weights after that epoch are kept. Otherwise it belongs to the
        model as the `fit` left it.

        Args:
            returned: Return value.

        Raises:
            ConfigError: Neither the epochs nor the History have the objective.
        """
        if returned.kind != "history":
            self.reporter.pruned_at = None
        if returned.value is None and self.best.value is None:
            known = [name for epoch in returned.epochs[-1:] for name in epoch]
            raise ConfigError(
                f"objective: the model does not measure {self.objective!r}; {suggest(self.objective, known)}"
            )
        if returned.value is not None and returned.value != self.best.value:
            self._record_at_end(returned, returned.value)

    def _record_at_end(self, returned: Returned, value: float) -> None:
        """Record an objective that is none of the epochs' as that of the last epoch."""
        epoch = self.counter.last
        if self.best.value is None:
            metrics = {**(returned.epochs[-1] if returned.kind == "dictionary" else {}), self.objective: value}
            self.history.add_to_last_row(metrics)
            self.tensorboard.write(epoch, metrics)
            self.reporter.report(epoch, value)
        else:
            self.history.add_to_last_row({RETURNED: value})
        self.best.value, self.best.epoch, self.best.weights = value, epoch, None

    def result(self, epochs: int, trainings: int) -> RepeatResult:
        """Result of the training.

        Args:
            epochs: Configured number of epochs.
            trainings: Configured number of trainings: repeats times folds.

        Raises:
            TrialFailed: No epoch was finished.
        """
        best, pruned_at = self.best, self.reporter.pruned_at
        if best.value is None or best.epoch is None:
            if self.counter.last:
                near = suggest(self.objective, self.history.names)
                raise ConfigError(f"objective: no epoch has {self.objective!r}; {near}")
            raise TrialFailed("no epoch was finished")
        # A single training that was pruned after its last epoch is complete: pruning saved nothing.
        is_complete = pruned_at == epochs and trainings == 1
        return RepeatResult(best.value, best.epoch, self.counter.epochs, None if is_complete else pruned_at)

    def restore_best(self, model: Any) -> None:
        """Set the weights of the model to those of the best epoch; a model as its `fit` left it is not changed."""
        if self.best.weights is not None:
            self.best.restore(model)
