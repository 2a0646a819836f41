"""A training of a model with four weights, for the tests of callbacks."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mnistsweep.training.loop import FitOptions, fit

EPOCHS = 4


def data(count: int = 32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 3)).astype(np.float32), rng.normal(size=(count, 1)).astype(np.float32)


def model(learning_rate: Any = 0.1) -> Any:
    keras.utils.set_random_seed(0)
    built = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    built.compile(keras.optimizers.SGD(learning_rate), "mse", metrics=["mae"])
    return built


def train(built: Any, *callbacks: Any, epochs: int = EPOCHS, initial_epoch: int = 0) -> list[dict[str, float]]:
    options = FitOptions(epochs=epochs, batch_size=8, seed=0, initial_epoch=initial_epoch)
    return fit(built, data(), data(16), options, callbacks)


def replay(callback: Any, values: list[float], objective: str = "val_loss", built: Any = None) -> Any:
    """Send the events of a training to a callback, without training."""
    callback.set_model(built or model())
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"loss": 1.0, objective: value})
    return callback


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
