"""The rehearsal trains one step: a model that fails only in a training is refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from user_modules import write_module

from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import ConfigError
from mnistsweep.planning.planner import plan_sweep

MODULE = """
import keras
import numpy as np
from keras import layers

def points():
    x = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
    y = (x[:, 0] > 0).astype(int)
    return (x[:40], y[:40]), (x[40:], y[40:])

class Noisy(layers.Layer):
    def call(self, x, training=False):
        return keras.ops.concatenate([x, x], axis=0) if training else x

class Broken(keras.Model):
    def train_step(self, *data):
        raise RuntimeError("no step")

class Whole(keras.Model):
    sizes = []

    def train_step(self, data):
        x, y = data  # as `fit` passes them: without weights that are absent
        Whole.sizes.append(len(x))
        assert len(x) == len(y) == 16
        return super().train_step(data)

class Guide(keras.Model):
    # steps as in the guide of Keras: they unpack inputs and targets

    def train_step(self, data):
        x, y = data
        return super().train_step((x, y))

    def test_step(self, data):
        x, y = data
        return super().test_step((x, y))

def compiled(input_shape, kind=keras.Model, layer=None, **options):
    x = inputs = keras.Input(input_shape)
    x = layers.Dense(4)(x) if layer is None else layer()(layers.Dense(4)(x))
    model = kind(inputs, layers.Dense(1, "sigmoid")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"], **options)
    return model

def noisy(input_shape, rate):
    return compiled(input_shape, layer=Noisy)

def broken(input_shape, rate):
    return compiled(input_shape, Broken)

def guide(input_shape, rate):
    return compiled(input_shape, Guide)

def whole(input_shape, rate):
    return compiled(input_shape, Whole, steps_per_execution=4)
"""


@pytest.fixture
def overrides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    name = write_module(tmp_path, monkeypatch, MODULE)
    data = ["data=custom", f"data._target_={name}.points", "data.validation=0.5", "trainer.batch_size=16"]
    return [*data, f"model._target_={name}.MODEL", "+model.rate=1,2", "objective=val_accuracy", "name=x"]


@pytest.mark.parametrize(("model", "reason"), [("noisy", "."), ("broken", "no step")])
def test_a_model_that_fails_only_in_training_is_refused(
    overrides: list[str], tmp_path: Path, model: str, reason: str
) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConfigError, match=f"model: the model evaluates examples, but cannot be trained: .*{reason}"):
        plan_sweep(Recipe(), [one.replace("MODEL", model) for one in overrides])
    assert [one for one in sorted(tmp_path.iterdir()) if one.name != "__pycache__"] == before


def test_a_training_step_of_the_users_own_gets_a_whole_batch(overrides: list[str]) -> None:
    plan_sweep(Recipe(), [one.replace("MODEL", "whole") for one in overrides])


def test_steps_that_unpack_inputs_and_targets_are_accepted(overrides: list[str]) -> None:
    plan = plan_sweep(Recipe(), [one.replace("MODEL", "guide") for one in overrides])
    assert (plan.config.objective, plan.direction) == ("val_accuracy", "max")
