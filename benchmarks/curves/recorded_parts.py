"""What the recorded trainings need beside mnistsweep: a callback, and a network for tables.

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


class HeldOutScore(keras.callbacks.Callback):  # type: ignore[misc]
    """Adds the score on the test set and the processor time of the epoch to the logs.

    The test set selects nothing: the score says how good a configuration really is. The processor time counts training
    and validation, without this callback, and depends less on other programs than the wall time does.

    Args:
        path: Path of the ``.npz`` file with ``x_test`` and ``y_test``.
        kind: ``accuracy`` of predicted classes, or ``mse``, the mean squared error of predicted numbers.
    """

    def __init__(self, path: str, kind: str) -> None:
        super().__init__()
        self._path = path
        self._kind = kind
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
            logs["test_score"] = _score(self._kind, outputs, targets)
            logs["processor_seconds"] = seconds


@lru_cache(maxsize=2)  # no attribute of the callback, which each resume file would hold
def _test_set(path: str) -> tuple[NDArray[Any], NDArray[Any]]:
    with np.load(path) as arrays:
        return arrays["x_test"], arrays["y_test"]


def _score(kind: str, outputs: NDArray[Any], targets: NDArray[Any]) -> float:
    if kind == "accuracy":
        return float(np.mean(outputs.argmax(axis=1) == targets))
    return float(np.mean((outputs.reshape(-1).astype(np.float64) - targets) ** 2))


def regressor(
    input_shape: tuple[int, ...],
    dense_layers: int = 2,
    layer_size: int = 32,
    activation: str = "relu",
    dropout: float = 0.0,
    l2: float = 0.0,
) -> keras.Model:
    """Build a perceptron with one linear output.

    Args:
        input_shape: Shape of one example.
        dense_layers: Number of hidden layers.
        layer_size: Units of each hidden layer.
        activation: Activation of the hidden layers.
        dropout: Fraction of units dropped after each hidden layer.
        l2: Weight of the squared kernels of the hidden layers in the loss.
    """
    penalty = keras.regularizers.L2(l2) if l2 else None
    model = keras.Sequential([keras.Input(tuple(input_shape))])
    for _ in range(dense_layers):
        model.add(keras.layers.Dense(layer_size, activation, kernel_regularizer=penalty))
        model.add(keras.layers.Dropout(dropout))
    model.add(keras.layers.Dense(1))
    return model
