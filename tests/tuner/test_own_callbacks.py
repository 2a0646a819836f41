"""A callback that the `fit` of a user's hypermodel creates, compared with plain Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from user_modules import write_module

from mnistsweep import data
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.paths import TrialPaths
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.hypermodel_training import train_once

MODULE = """
import keras
import keras_tuner
from keras import layers

class Share(keras.callbacks.Callback):
    '''Adds the share of validation examples that are predicted to be of class 0.'''
    def __init__(self, x):
        super().__init__()
        self.x = x
    def on_epoch_end(self, epoch, logs=None):
        logs["val_share"] = float((self.model.predict(self.x, verbose=0).argmax(axis=1) == 0).mean())

class Own(keras_tuner.HyperModel):
    def build(self, hp):
        units = hp.Choice("units", [4, 8])
        keras.metrics.AUC()  # of another model
        model = keras.Sequential([keras.Input((6, 6, 1)), layers.Flatten(), layers.Dense(4, "softmax")])
        metrics = [keras.metrics.SparseCategoricalAccuracy(), keras.metrics.SparseTopKCategoricalAccuracy(2)]
        model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=metrics)
        return model
    def fit(self, hp, model, x, y, validation_data, callbacks=None, **options):
        own = [Share(validation_data[0])]
        return model.fit(x, y, validation_data=validation_data, shuffle=False, callbacks=own + callbacks, **options)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return write_module(tmp_path, monkeypatch, MODULE)


def test_its_metric_is_the_objective(module: str, tiny_data: list[str], tmp_path: Path) -> None:
    fixed = ["trainer.epochs=3", "trainer.batch_size=16", "objective=val_share", "direction=max", "seed=4"]
    config = to_config(compose(Recipe((*tiny_data, "model=perceptron", f"model._target_={module}.Own", *fixed))))
    result = train_once(config, "max", TrialPaths(tmp_path / "trial"), Hooks()).result
    found = pd.read_csv(tmp_path / "trial" / "history.csv")
    expected = _plain(module, data.load(config.data), seed=4)
    assert result.objective == found.val_share.max() == max(expected["val_share"])
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-6)


def _plain(module: str, dataset: data.Dataset, seed: int) -> dict[str, list[float]]:
    """History of the same `build` and `fit` in plain Keras."""
    own = __import__(module).Own()

    class Hyperparameters:
        def Choice(self, name: str, values: list[int]) -> int:
            return values[0]

    keras.utils.set_random_seed(seed)
    model = own.build(Hyperparameters())
    train, validation = ((one.inputs, dataset.labels(one)) for one in (dataset.train, dataset.validation))
    fitted: Any = own.fit(None, model, *train, validation, [], epochs=3, batch_size=16, verbose=0)
    history: dict[str, list[float]] = fitted.history
    return history
