"""Metrics under names that do not change between the trials of a process."""

from __future__ import annotations

from typing import Any

import keras

from mnistsweep.training.metric_names import with_stable_names


class StableNames(keras.callbacks.Callback):  # type: ignore[misc]
    """Adds the values of metrics that Keras has numbered to the logs of an epoch, under stable names.

    Put it before all callbacks that read metrics.
    """

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add the values for the callbacks that follow."""
        if logs is not None:
            logs.update(with_stable_names(self.model, logs))
