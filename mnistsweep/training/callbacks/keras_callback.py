"""The callback for programs with a training of their own: it reports each epoch to the sweep, and ends the training."""

from __future__ import annotations

import math

import keras

from mnistsweep.config.objective import direction_of
from mnistsweep.errors import ConfigError, TrialFailed, suggest
from mnistsweep.running_trial import Running, current_trial, currently_running
from mnistsweep.training.callbacks.logs import Logs
from mnistsweep.training.callbacks.stopping import Interrupted


class KerasCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports a metric to the sweep after each epoch, and ends the training when the trial should stop.

    Pass it to ``model.fit`` in a program that a sweep runs as a function. The pruner of the sweep compares the reported
    values of the trials. Several calls of ``fit`` in one trial count their epochs on. When the program runs alone,
    without a sweep, the callback does nothing.

    Args:
        monitor: Name of the reported metric in the logs, for example ``"val_accuracy"``. It must be better in the same
            direction as the objective of the sweep. None: the objective of the sweep. Where this is a number of the
            program's own, which the training does not measure: ``val_loss`` if the objective is minimized, otherwise
            the first metric of the validation data that is maximized, such as ``val_accuracy``.

    Raises:
        ConfigError: The training does not measure the metric, or the metric is better in the other direction.
        TrialFailed: The metric is NaN or infinite.

    Example:
        >>> import numpy as np
        >>> from mnistsweep.training.callbacks.keras_callback import KerasCallback
        >>> model = keras.Sequential([keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), callbacks=[KerasCallback()], verbose=0)
    """

    def __init__(self, monitor: str | None = None) -> None:
        super().__init__()
        self._monitor = monitor

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Check the direction of the metric."""
        running = currently_running()
        direction = direction_of(self._monitor) if self._monitor else None
        if running.direction and direction not in (None, running.direction):
            words = {"max": "maximized", "min": "minimized"}
            raise ConfigError(
                f"KerasCallback: monitor must be better in the direction of the objective; received {self._monitor!r}, "
                f"but {running.objective!r} is {words[running.direction]}; monitor another metric."
            )

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Interrupt the training if the sweep is asked to stop."""
        self._interrupt()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Interrupt the evaluation if the sweep is asked to stop."""
        self._interrupt()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the metric; end the training if the pruner stops the trial."""
        self._interrupt()
        running = currently_running()
        if not running.objective:
            return  # the program runs alone
        running.trial.report(_read(logs or {}, self._monitor or _default_metric(logs or {}, running)))
        if running.trial.should_stop:
            self.model.stop_training = True

    def _interrupt(self) -> None:
        """Interrupt the training on request; after the pruner's decision the training ends by itself."""
        if not self.model.stop_training and current_trial().should_stop:
            raise Interrupted("the training was stopped on request")


def _default_metric(logs: Logs, running: Running) -> str:
    """The reported metric where the user has named none; that of the objective if there is no better one."""
    objective = running.objective
    if objective in logs or direction_of(objective) is not None:
        return objective
    fitting = [name for name in logs if name.startswith("val_") and direction_of(name) == running.direction]
    return next((name for name in ("val_loss", *fitting) if name in fitting), objective)


def _read(logs: Logs, metric: str) -> float:
    """Value of a metric that is a finite number."""
    if metric not in logs:
        raise ConfigError(
            f"KerasCallback: the training does not measure {metric!r}; write KerasCallback('METRIC'); "
            f"{suggest(metric, logs)}."
        )
    value = float(logs[metric])
    if not math.isfinite(value):
        raise TrialFailed(f"{metric} became {value}")
    return value
