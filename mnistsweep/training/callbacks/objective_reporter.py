"""Reports of the objective during a training, and pruning."""

from __future__ import annotations

from collections.abc import Callable

import keras

from mnistsweep.training.callbacks.logs import Logs, read_objective


class ObjectiveReporter(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports the objective after each epoch and stops the training if it should be pruned.

    Args:
        report: Function of the epoch (from 1) and the value; returns True to prune the trial.
        objective: Name of a metric in the logs.

    Attributes:
        pruned_at: Epoch after which the training was pruned, from 1; None if it was not pruned.
    """

    def __init__(self, report: Callable[[int, float], bool], objective: str) -> None:
        super().__init__()
        self._report = report
        self._objective = objective
        self.pruned_at: int | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the value of this epoch."""
        if self._report(epoch + 1, read_objective(logs or {}, self._objective)):
            self.pruned_at = epoch + 1
            self.model.stop_training = True
