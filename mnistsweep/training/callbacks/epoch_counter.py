"""Number of epochs that a training has finished."""

from __future__ import annotations

import keras

from mnistsweep.training.callbacks.logs import Logs


class EpochCounter(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts the finished epochs.

    Attributes:
        epochs: Number of finished epochs; a resumed training includes the epochs of earlier attempts.
        last: Number of the last finished epoch, from 1; a second call of `model.fit` counts from 1 again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epochs = 0
        self.last = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add one."""
        self.epochs += 1
        self.last = epoch + 1
