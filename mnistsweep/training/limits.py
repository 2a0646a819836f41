"""Limits of one trial: the size of its model, before it is trained, and the time of its training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mnistsweep.errors import TrialLimited


class TimeLimit(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training that takes too long, after a block of batches or an epoch.

    Args:
        minutes: Of wall-clock time, over all attempts at the trial.
        elapsed: Says how many seconds it has taken.
    """

    def __init__(self, minutes: float, elapsed: Callable[[], float]) -> None:
        super().__init__()
        self._minutes = minutes
        self._elapsed = elapsed
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch for the message."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the clock."""
        self._check()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the clock."""
        self._check()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look at the clock."""
        self._check()

    def _check(self) -> None:
        minutes = self._elapsed() / 60
        if minutes > self._minutes:
            limit = f"trial.timeout_minutes={self._minutes:g}"
            raise TrialLimited(f"timed out after {minutes:.3g} minutes in epoch {self._epoch} ({limit})")


def check_size(model: Any, most: int, images: NDArray[Any]) -> None:
    """Refuse a model with too many parameters.

    Args:
        model: A Keras model; one that waits for its first batch is built.
        most: How many parameters it may have, those that are not trained included.
        images: Some that it takes.

    Raises:
        TrialLimited: It has more.
    """
    if not model.built:
        model(images[:1])
    parameters = sum(int(np.prod(variable.shape)) for variable in model.weights)
    if parameters > most:
        raise TrialLimited(f"the model has {parameters} parameters, more than trial.max_parameters={most}")
