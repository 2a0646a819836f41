"""A model at the end of an epoch, before users' callbacks change it."""

from __future__ import annotations

from typing import Any

import keras
from numpy.typing import NDArray

from mnistsweep.training.callbacks.logs import Logs, read_learning_rate


class EpochSnapshot(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights that an epoch was evaluated with, and its learning rate.

    Users' callbacks may change both when an epoch ends. They may also add the objective to the logs, so the best epoch
    is known only after them. Put it before users' callbacks.

    Attributes:
        weights: Weights after the last epoch; None before the first.
        learning_rate: Learning rate of the last epoch; NaN for a model without an optimizer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[NDArray[Any]] | None = None
        self.learning_rate = 0.0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Copy the weights and the learning rate."""
        self.weights = self.model.get_weights()
        self.learning_rate = read_learning_rate(self.model)


def epoch_learning_rate(model: Any, snapshot: EpochSnapshot | None) -> float:
    """Return the learning rate that an epoch was trained with: that of the snapshot, or the current one."""
    return read_learning_rate(model) if snapshot is None else snapshot.learning_rate
