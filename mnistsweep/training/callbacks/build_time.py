"""How long it took until a model could be trained: building, compiling and tracing it, and reading its checkpoint."""

from __future__ import annotations

import time

import keras

from mnistsweep.training.callbacks.logs import Logs


class BuildTime(keras.callbacks.Callback):  # type: ignore[misc]
    """Measures the time until the first batch was trained, and the time of the first evaluated batch.

    The first batch of each kind traces the model.

    Attributes:
        seconds: Measured time in seconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self._began: float | None = time.perf_counter()
        self._has_evaluated = False

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """End the first measurement."""
        self._add()

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Begin the second measurement."""
        if not self._has_evaluated:
            self._has_evaluated, self._began = True, time.perf_counter()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """End the second measurement."""
        self._add()

    def _add(self) -> None:
        if self._began is not None:
            self.seconds += time.perf_counter() - self._began
            self._began = None
