"""A training of a small classifier of images, for the tests of the loop and of the engines."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mnistsweep.training.loop import FitOptions, epoch_order

EXAMPLES, BATCH = 70, 16  # four whole batches and one of 6


def arrays(count: int = EXAMPLES, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 4, 4, 1)).astype(np.float32), rng.integers(0, 3, count)


TRAIN, VALIDATION = arrays(), arrays(30, seed=1)


def model(dropout: float = 0.0, optimizer: Any = "sgd", kind: type = keras.Sequential, **compiling: Any) -> Any:
    keras.utils.set_random_seed(3)
    layers = [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(8, activation="relu")]
    layers += [keras.layers.Dropout(dropout)] if dropout else []
    built = kind([*layers, keras.layers.Dense(3, activation="softmax")])
    built.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **compiling)
    return built


def options(epochs: int = 2, **changes: Any) -> FitOptions:
    return FitOptions(**{"epochs": epochs, "batch_size": BATCH, "seed": 5} | changes)


def same_weights(one: Any, other: Any, tolerance: float = 0.0) -> None:
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def plain_fit(built: Any, epochs: int, callbacks: Any = ()) -> list[dict[str, float]]:
    """Train with Keras's own `fit`, in the order of `epoch_order`."""
    records = []
    for epoch in range(epochs):
        rows = epoch_order(EXAMPLES, 5, epoch)
        x, y = TRAIN[0][rows], TRAIN[1][rows]
        history = built.fit(x, y, BATCH, verbose=0, shuffle=False, validation_data=VALIDATION, callbacks=callbacks)
        records.append({name: values[0] for name, values in history.history.items()})
    return records


class Recorder(keras.callbacks.Callback):
    """Records the events that it receives."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, Any]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.events.append(("train_begin", None))

    def on_train_end(self, logs: Any = None) -> None:
        self.events.append(("train_end", sorted(logs or {})))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.events.append(("epoch_begin", epoch))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.events.append(("epoch_end", epoch))

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.events.append(("batch_begin", batch))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.events.append(("batch_end", batch))

    def on_test_begin(self, logs: Any = None) -> None:
        self.events.append(("test_begin", None))

    def on_test_end(self, logs: Any = None) -> None:
        self.events.append(("test_end", None))
