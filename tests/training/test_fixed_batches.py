"""Models with batches of a fixed size: stateful recurrent layers, and `keras.Input(batch_shape=...)`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from user_modules import write_module

from mnistsweep import data
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.schema import Config
from mnistsweep.errors import ConfigError, StudyError
from mnistsweep.evaluation import inference
from mnistsweep.evaluation.reading import read_model
from mnistsweep.paths import TrialPaths
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.training.building import fixed_batch_size, has_fixed_batches
from mnistsweep.training.engines import PortableEngine, choose_engine
from mnistsweep.training.loop import FitOptions, epoch_order, fit
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.hypermodel_training import train_once

SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("dense", "subclassed")]

MODULE = """
import keras
import numpy as np
from keras import layers

def series(count):
    def loader():
        rng = np.random.default_rng(0)
        x = rng.normal(size=(count + 12, 5, 2)).astype("float32")
        y = (x[:, :, 0].sum(axis=1) > 0).astype(int)
        return (x[:count], y[:count]), (x[count:], y[count:])
    return loader

even, uneven = series(48), series(52)

def finished(model):
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model

def stateful():
    inputs = keras.Input(batch_shape=(8, 5, 2))
    return finished(keras.Model(inputs, layers.Dense(1, "sigmoid")(layers.LSTM(4, stateful=True)(inputs))))

def dense():
    inputs = keras.Input(batch_shape=(8, 5, 2))
    return finished(keras.Model(inputs, layers.Dense(1, "sigmoid")(layers.Flatten()(inputs))))

class Recurrent(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = layers.GRU(4, stateful=True), layers.Dense(1, "sigmoid")
    def call(self, x):
        return self.out(self.hidden(x))

def subclassed():
    return finished(Recurrent())

def uncompiled():
    return Recurrent()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return write_module(tmp_path, monkeypatch, MODULE)


@pytest.fixture
def overrides(module: str) -> Callable[..., list[str]]:
    def make(model: str, *more: str, source: str = "even") -> list[str]:
        targets = ["data=custom", f"data._target_={module}.{source}", f"model._target_={module}.{model}"]
        loss = [
            "trainer.loss=binary_crossentropy",
            "objective=val_accuracy",
            "trainer.epochs=2",
            "trainer.batch_size=8",
        ]
        return [*targets, "data.validation=16", *loss, *more]

    return make


def make_config(overrides: list[str]) -> Config:
    return to_config(compose(Recipe(tuple(overrides))))


@pytest.mark.parametrize("kind", ["stateful", *SLOW])
def test_a_training_equals_that_of_plain_keras(kind: str, module: str) -> None:
    users = __import__(module)
    (x, y), _ = users.even()
    train, validation = (x[:32], y[:32]), (x[32:], y[32:])
    ours, theirs = (_seeded(getattr(users, kind)) for _ in range(2))
    assert has_fixed_batches(ours)
    assert isinstance(choose_engine("auto", ours, train, validation, 8), PortableEngine)
    records = fit(ours, train, validation, FitOptions(2, 8, seed=5))
    for epoch, record in enumerate(records):
        rows = epoch_order(32, 5, epoch)
        history = theirs.fit(x[rows], y[rows], 8, verbose=0, shuffle=False, validation_data=validation).history
        assert record == pytest.approx({name: values[0] for name, values in history.items()}, abs=1e-6)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert fixed_batch_size(ours) == 8


def _seeded(build: Callable[[], Any]) -> Any:
    keras.utils.set_random_seed(3)
    return build()


@pytest.mark.parametrize("kind", [pytest.param("uncompiled", marks=pytest.mark.slow), "stateful", *SLOW])
def test_a_checkpoint_predicts_as_plain_keras_does(
    kind: str, overrides: Callable[..., list[str]], module: str, tmp_path: Path
) -> None:
    config = make_config(overrides(kind))
    plan_sweep(Recipe(), [*overrides(kind), "trainer.epochs=1,2"])
    paths, dataset = TrialPaths(tmp_path / "trial"), data.load(config.data)
    train_once(config, "max", paths, Hooks())
    model = read_model(paths.model, config, dataset)
    (x, _), _ = __import__(module).even()
    for _ in range(2):  # what was predicted before does not matter
        found = inference.class_probabilities(model, x[:12])[:, 1]
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()
    np.testing.assert_allclose(found, model.predict(x[:16], batch_size=8, verbose=0)[:12, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "source", "more", "message"),
    [
        ("stateful", "uneven", [], "trainer.batch_size: must divide the 36 examples of the training split.*received 8"),
        pytest.param(
            *("subclassed", "uneven", [], "trainer.batch_size: must divide the 36 examples of the training split"),
            marks=pytest.mark.slow,
        ),
        ("stateful", "even", ["data.validation=12", "data.train_limit=32"], "the 12 examples of the validation split"),
        ("stateful", "even", ["trainer.batch_size=16"], "trainer.batch_size: 16: the model cannot evaluate a batch"),
    ],
)
def test_what_plain_keras_refuses_is_refused_before_the_start(
    overrides: Callable[..., list[str]], tmp_path: Path, kind: str, source: str, more: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        plan_sweep(Recipe(), [*overrides(kind, *more, source=source), "trainer.epochs=1,2"])
    assert not (tmp_path / "logs").exists()


def test_a_batch_shape_without_a_state_takes_smaller_batches(overrides: Callable[..., list[str]]) -> None:
    assert plan_sweep(Recipe(), [*overrides("dense", source="uneven"), "trainer.epochs=1,2"]).warnings == ()


def test_a_stateful_model_refuses_a_test_set_that_is_no_multiple(overrides: Callable[..., list[str]]) -> None:
    config = make_config(overrides("stateful"))
    dataset, held_out = data.load(config.data), data.load_test(config.data)
    model = __import__(str(config.model["_target_"]).partition(".")[0]).stateful()
    with pytest.raises(StudyError, match=r"stateful and needs batches of 8 examples; received a test set of 12; .* 8 "):
        inference.predict(model, config, held_out, dataset)
