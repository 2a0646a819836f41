"""What the recorded Keras trainings need beside mnistsweep: a callback.

`record.py` puts this folder on the import path of the sweeps.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

BLOCK = 10000


class HeldOutAccuracy(keras.callbacks.Callback):  # type: ignore[misc]
    """Adds the accuracy on the test set and the processor time of the epoch to the logs.

    The test set selects nothing: the accuracy says how good a configuration really is. The processor time counts
    training and validation, without this callback, and depends less on other programs than the wall time does.

    Args:
        path: Path of the ``.npz`` file with ``x_test`` and ``y_test``.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._began = time.process_time()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add ``test_score`` and ``processor_seconds``."""
        seconds = time.process_time() - self._began
        inputs, targets = _test_set(self._path)
        blocks = range(0, len(inputs), BLOCK)
        outputs = np.concatenate([np.asarray(self.model(inputs[at : at + BLOCK], training=False)) for at in blocks])
        if logs is not None:
            logs["test_score"] = float(np.mean(outputs.argmax(axis=1) == targets))
            logs["processor_seconds"] = seconds


@lru_cache(maxsize=2)  # no attribute of the callback, which each resume file would hold
def _test_set(path: str) -> tuple[NDArray[Any], NDArray[Any]]:
    with np.load(path) as arrays:
        return arrays["x_test"], arrays["y_test"]
