"""Fixtures of the evaluation: copies of the shared sweep, a configuration, and models of a user."""

from __future__ import annotations

from pathlib import Path

import pytest
from reports import Reported, copied
from user_modules import write_module

from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.schema import Config

USER_MODULE = '''
import keras
import keras_tuner
from keras import layers

def net(input_shape, classes, width, activation="softmax"):
    hidden = layers.Dense(width, "relu")
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), hidden, layers.Dense(classes, activation)])

def logits(input_shape, classes, width):
    """Ends without a softmax, and is compiled here."""
    model = net(input_shape, classes, width, None)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.03), loss, metrics=["accuracy"])
    return model

def bad(input_shape, classes, kind):
    """More outputs than classes; or outputs that are NaN."""
    if kind == "wide":
        return net(input_shape, classes + 3, 8)
    model = net(input_shape, classes, 8)
    model.set_weights([weight * float("nan") for weight in model.get_weights()])
    return model

class Fitted(keras_tuner.HyperModel):
    """Overrides fit, and reports only at its end."""
    def build(self, hp):
        return net((6, 6, 1), 4, hp.Int("units", 8, 16, step=8))
    def fit(self, hp, model, x, y, epochs):
        return {"loss": float(epochs), "examples": len(x), "val_accuracy": 0.5}
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of an importable module with models of a user."""
    return write_module(tmp_path, monkeypatch, USER_MODULE)


@pytest.fixture
def folder(reported: Reported, tmp_path: Path) -> Path:
    """Copy of the shared sweep with its report."""
    return copied(reported.folder, tmp_path / "copy")


@pytest.fixture
def bare(reported: Reported, tmp_path: Path) -> Path:
    """Copy of the shared sweep without its report."""
    return copied(reported.folder, tmp_path / "bare", report=False)


@pytest.fixture
def config(tiny_data: list[str]) -> Config:
    """Configuration of a small perceptron over `tiny_file`."""
    overrides = (*tiny_data, "model=perceptron", "optimizer.learning_rate=0.01", "trainer.batch_size=16")
    overrides = (*overrides, "objective=val_accuracy")
    return to_config(compose(Recipe(overrides)))
