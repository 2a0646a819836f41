"""The engine for every Keras backend: one call of `model.fit` an epoch."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.structure import take
from mnistsweep.training.engines.base import Engine, evaluation_size, to_floats


class PortableEngine(Engine):
    """Trains with Keras's public methods only, on TensorFlow, JAX or PyTorch, compiled or run eagerly.

    The engine passes the order of an epoch to `fit` by indexing the arrays, so each epoch copies the training images.
    """

    name = "portable"

    def train_epoch(
        self, order: NDArray[np.integer[Any]], callbacks: Any, images: NDArray[Any] | None = None
    ) -> dict[str, float]:
        """Train one epoch; see `Engine.train_epoch`."""
        x, y, *weights = self.train
        epoch = _EpochEvents(callbacks)
        history = self.model.history  # `fit` replaces it by a history of one epoch
        self.model.fit(
            take(x if images is None else images, order),
            take(y, order),
            sample_weight=weights[0][order] if weights else None,
            batch_size=self.batch_size,
            shuffle=False,
            verbose=0,
            callbacks=[epoch],
        )
        self.model.history = history
        _undo_averaging(self.model, epoch.weights)
        return epoch.logs

    def evaluate(self, callbacks: Any) -> dict[str, float]:
        """Evaluate; see `Engine.evaluate`."""
        if self.validation is None:
            return {}
        x, y, *weights = self.validation
        logs = self.model.evaluate(
            x,
            y,
            sample_weight=weights[0] if weights else None,
            batch_size=evaluation_size(self.model, x, self.batch_size),
            verbose=0,
            callbacks=callbacks,
            return_dict=True,
        )
        return to_floats(logs)


class _EpochEvents(keras.callbacks.Callback):  # type: ignore[misc]
    """Forwards the batch events of `fit`; keeps the other events, which the training loop sends itself."""

    def __init__(self, callbacks: Any) -> None:
        super().__init__()
        self._callbacks = callbacks
        self.logs: dict[str, float] = {}
        self.weights: list[NDArray[Any]] | None = None

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._callbacks.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._callbacks.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.logs = to_floats(logs or {})
        if getattr(self.model.optimizer, "use_ema", False):
            self.weights = self.model.get_weights()


def _undo_averaging(model: Any, weights: list[NDArray[Any]] | None) -> None:
    """Restore the weights of the end of the epoch.

    Where the optimizer keeps a moving average of the weights, `fit` ends by replacing the weights by it. That is right
    after the last epoch, where `loop.fit` does it, but not between epochs.
    """
    if weights is not None:
        model.set_weights(weights)
