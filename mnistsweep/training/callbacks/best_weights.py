"""The best epoch of a training and the weights of the model after it."""

from __future__ import annotations

from typing import Any, Literal

import keras
from numpy.typing import NDArray

from mnistsweep.errors import ConfigError, TrialFailed
from mnistsweep.training.callbacks.epoch_snapshot import EpochSnapshot
from mnistsweep.training.callbacks.logs import Logs, read_objective

Direction = Literal["max", "min"]


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the best value of the objective, its epoch and the weights of the model; the first of equal epochs counts.

    Args:
        objective: Name of a metric in the logs, for example ``val_accuracy``.
        direction: ``max`` if larger values are better, ``min`` if smaller values are better.
        is_required: Whether each epoch must have the objective; False: an epoch without it is ignored, because a user's
            own `fit` may return the objective at its end.
        snapshot: Callback with the weights of the epoch, where callbacks before this one may have changed the model.

    Attributes:
        value: Best value so far; None before the first epoch.
        epoch: Epoch of the best value, from 1; None before the first epoch.
        weights: Weights after that epoch; None before the first epoch. The three attributes are public, so that a
            resumed training can restore them.

    Raises:
        ConfigError: The direction is neither ``max`` nor ``min``.
    """

    def __init__(
        self,
        objective: str,
        direction: Direction,
        is_required: bool = True,
        snapshot: EpochSnapshot | None = None,
    ) -> None:
        super().__init__()
        if direction not in ("max", "min"):
            raise ConfigError(f"direction: must be 'max' or 'min', received {direction!r}")
        self._objective = objective
        self._is_required = is_required
        self._snapshot = snapshot
        self._sign = 1 if direction == "max" else -1
        self.value: float | None = None
        self.epoch: int | None = None
        self.weights: list[NDArray[Any]] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier call of `model.fit`, as the learning curves do."""
        self.value, self.epoch, self.weights = None, None, None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Copy the weights if this epoch is better than all earlier epochs."""
        if not self._is_required and self._objective not in (logs or {}):
            return
        value = read_objective(logs or {}, self._objective)
        if self.value is None or self._sign * value > self._sign * self.value:
            self.value, self.epoch = value, epoch + 1
            self.weights = self.model.get_weights() if self._snapshot is None else self._snapshot.weights

    def restore(self, model: Any) -> None:
        """Set the weights of a model to those of the best epoch.

        Args:
            model: The trained model, or another model of the same architecture.

        Raises:
            TrialFailed: No epoch was finished.
        """
        if self.weights is None:
            raise TrialFailed("no epoch was finished, so there are no best weights")
        model.set_weights(self.weights)
