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
        is_required: Whether each epoch must have the objective; False: an epoch without it is not reported.

    Attributes:
        pruned_at: Epoch after which the training was pruned, from 1; None if it was not pruned.
        is_muted: Whether the training that runs now must not be stopped: a user's own `fit` runs it for itself.
    """

    def __init__(self, report: Callable[[int, float], bool], objective: str, is_required: bool = True) -> None:
        super().__init__()
        self._report = report
        self._objective = objective
        self._is_required = is_required
        self.pruned_at: int | None = None
        self.is_muted = False
        self._is_ignored = False

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the value of this epoch."""
        if self.pruned_at is not None:  # a loop of the user's own has ignored the request to stop, and goes on
            self.pruned_at, self._is_ignored = None, True
        if not self._is_required and self._objective not in (logs or {}):
            return
        should_stop = self.report(epoch + 1, read_objective(logs or {}, self._objective))
        if should_stop and not (self.is_muted or self._is_ignored):
            self.pruned_at = epoch + 1
            self.model.stop_training = True

    def report(self, epoch: int, value: float) -> bool:
        """Report a value, and stop nothing.

        Args:
            epoch: Number of the epoch, from 1.
            value: Objective.

        Returns:
            Whether the training should be pruned.
        """
        return self._report(epoch, value)
