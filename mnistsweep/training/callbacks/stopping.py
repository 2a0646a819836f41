"""Callbacks that end a training early, after a block of batches or after an epoch."""

from __future__ import annotations

from collections.abc import Callable

import keras

from mnistsweep.errors import TrialLimited
from mnistsweep.training.callbacks.logs import Logs


class Interrupted(KeyboardInterrupt):
    """The training was stopped on request and can be resumed later."""


class LastEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training after `trainer.stop_after`, an epoch before the last one that its schedules know.

    Args:
        epoch: Last epoch, counted from 1.
    """

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self._last = epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Stop after the last epoch."""
        if epoch + 1 >= self._last:
            self.model.stop_training = True


class _PeriodicCheck(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls `_check` after each block of batches, in training and in evaluation, and after each epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Check during training."""
        self._check()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Check during evaluation."""
        self._check()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Check after an epoch."""
        self._check()

    def _check(self) -> None:
        raise NotImplementedError


class StopOnRequest(_PeriodicCheck):
    """Interrupts a training when a stop was requested.

    Args:
        should_stop: Function that returns True once a stop was requested; called several times a second, so it must be
            fast.

    Raises:
        Interrupted: A stop was requested.
    """

    def __init__(self, should_stop: Callable[[], bool]) -> None:
        super().__init__()
        self._should_stop = should_stop

    def _check(self) -> None:
        if self._should_stop():
            raise Interrupted("the training was stopped on request")


class TimeLimit(_PeriodicCheck):
    """Fails a trial that takes longer than `trial.timeout_minutes`.

    Args:
        minutes: Maximum wall-clock time of the trial, over all attempts.
        elapsed: Function that returns the seconds that the trial has taken so far, over all attempts.

    Raises:
        TrialLimited: The time is up.
    """

    def __init__(self, minutes: float, elapsed: Callable[[], float]) -> None:
        super().__init__()
        self._minutes = minutes
        self._elapsed = elapsed
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Store the epoch for the message."""
        self._epoch = epoch + 1

    def _check(self) -> None:
        minutes = self._elapsed() / 60
        if minutes > self._minutes:
            limit = f"trial.timeout_minutes={self._minutes:g}"
            raise TrialLimited(f"timed out after {minutes:.3g} minutes in epoch {self._epoch} ({limit})")
