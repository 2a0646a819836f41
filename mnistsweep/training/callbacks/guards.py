"""Callbacks that end a trial before an invalid epoch is recorded; put them before all other callbacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import keras

from mnistsweep.errors import TrialFailed
from mnistsweep.training.callbacks.logs import Logs, numbers_in, read_objective


class OwnershipCheck(keras.callbacks.Callback):  # type: ignore[misc]
    """Checks after each epoch, before anything is written, that this worker still owns the trial.

    Args:
        check: Function that raises `LeaseLost` if another worker owns the trial.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__()
        self._check = check

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Check the ownership."""
        self._check()


class FiniteGuard(keras.callbacks.Callback):  # type: ignore[misc]
    """Fails the trial as soon as its loss, or any metric of a finished epoch, is NaN or infinite.

    The running mean of the loss cannot recover from NaN, so the loss is also checked during the epoch.

    Args:
        objective: Name of the metric to optimize. If the model does not measure it, the error names the most similar
            metric. None: an epoch need not have it, or a callback that follows may add it to the logs.

    Raises:
        TrialFailed: A value is NaN or infinite.
        ConfigError: The model does not measure the objective.
    """

    def __init__(self, objective: str | None = None) -> None:
        super().__init__()
        self._objective = objective
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Store the epoch for the message."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Check the loss."""
        loss = (logs or {}).get("loss")
        if isinstance(loss, int | float):
            self._check({"loss": loss})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Check every metric, the loss first."""
        received, logs = logs or {}, numbers_in(logs or {})
        self._check({name: logs[name] for name in sorted(logs, key=lambda name: name != "loss")})
        if self._objective is not None:
            read_objective(received, self._objective)

    def _check(self, logs: Mapping[str, float]) -> None:
        for name, value in logs.items():
            if not math.isfinite(value):
                raise TrialFailed(f"{name} became {value} in epoch {self._epoch}")


class ObjectiveGuard(keras.callbacks.Callback):  # type: ignore[misc]
    """Fails the trial as soon as the objective that a user's callback has added to the logs is NaN or infinite.

    Put it after users' callbacks. Other values that they add may be anything.

    Args:
        objective: Name of the metric to optimize.
        is_required: Whether each epoch must have it; False for a user's own `fit`, which may return it at its end.

    Raises:
        TrialFailed: The value is NaN or infinite.
        ConfigError: The logs do not contain the objective, or it is no number.
    """

    def __init__(self, objective: str, is_required: bool = True) -> None:
        super().__init__()
        self._objective = objective
        self._is_required = is_required

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Check the objective."""
        if not self._is_required and self._objective not in (logs or {}):
            return
        value = read_objective(logs or {}, self._objective)
        if not math.isfinite(value):
            raise TrialFailed(f"{self._objective} became {value} in epoch {epoch + 1}")
