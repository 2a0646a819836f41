"""Retrained models: training set, seeds, learning rate schedule, divergence."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from user_modules import write_module

from mnistsweep import data
from mnistsweep.config.schema import Config
from mnistsweep.errors import TrialFailed
from mnistsweep.evaluation import inference, retraining

OWN_FIT = """
import keras
import keras_tuner

class Noting(keras_tuner.HyperModel):
    def build(self, hp):
        layers = [keras.layers.Flatten(), keras.layers.Dense(hp.Int("units", 4, 8)), keras.layers.Dense(4, "softmax")]
        model = keras.Sequential(layers)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, hp, model, *args, callbacks=(), **options):
        noting = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(note="good", none=None))
        return model.fit(*args, callbacks=[noting, *callbacks], **options)
"""


@pytest.fixture
def own_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return write_module(tmp_path, monkeypatch, OWN_FIT)


def test_a_retrained_model_learns_from_all_examples_and_is_reproducible(config: Config) -> None:
    dataset = data.load(config.data)
    seen: list[int] = []
    first = retraining.retrain(config, dataset.whole, seed=5, epochs=3, on_epoch=seen.append)
    assert seen == [1, 2, 3]
    assert [set(epoch) for epoch in first.curve] == [{"accuracy", "loss"}] * 3
    assert first.curve[-1]["loss"] < first.curve[0]["loss"]
    again = retraining.retrain(config, dataset.whole, seed=5, epochs=3)
    other = retraining.retrain(config, dataset.whole, seed=6, epochs=3)
    images = dataset.validation.inputs
    first_seed, same_seed, other_seed = (
        inference.class_probabilities(one.model, images) for one in (first, again, other)
    )
    np.testing.assert_array_equal(first_seed, same_seed)
    assert np.abs(first_seed - other_seed).max() > 1e-3
    np.testing.assert_allclose(first_seed.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "poisson", "sparse_categorical_crossentropy"])
def test_a_retrained_model_is_evaluated_with_targets_in_the_form_that_it_was_trained_on(
    config: Config, loss: str
) -> None:
    config = dataclasses.replace(config, trainer=dataclasses.replace(config.trainer, loss=loss))
    dataset, held_out = data.load(config.data), data.load_test(config.data)
    trained = retraining.retrain(config, dataset, seed=5, epochs=1)
    found = inference.predict(trained.model, config, held_out, dataset, validation=True)
    rows = np.clip(found.outputs[""], 1e-7, 1)
    losses = np.mean(rows - np.log(rows) * np.eye(rows.shape[1])[held_out.targets], axis=1)
    own = -np.log(rows[np.arange(len(rows)), held_out.targets])
    assert found.loss == pytest.approx(np.mean(losses if loss == "poisson" else own), rel=1e-4)
    assert found.objective is not None
    # a model that was compiled by other means since is treated as one that its builder has compiled
    trained.model.compile("sgd", "sparse_categorical_crossentropy")
    assert inference.predict(trained.model, config, held_out, dataset).loss == pytest.approx(np.mean(own), rel=1e-4)


def test_the_schedule_is_that_of_the_trial(config: Config) -> None:
    """Stopped early, the learning rate is still high: the best epoch's model is repeated, not a faster schedule."""
    scheduled = dataclasses.replace(
        config, schedule={"name": "cosine", "warmup_epochs": 0.0, "final_learning_rate": 0.0}
    )
    dataset = data.load(config.data)
    one = retraining.retrain(
        dataclasses.replace(scheduled, trainer=dataclasses.replace(config.trainer, epochs=2)), dataset, 1, 2
    )
    two = retraining.retrain(
        dataclasses.replace(scheduled, trainer=dataclasses.replace(config.trainer, epochs=4)), dataset, 1, 2
    )
    assert float(one.model.optimizer.learning_rate) < 1e-6
    assert float(two.model.optimizer.learning_rate) == pytest.approx(0.005, rel=0.1)


def test_a_diverging_loss_fails(config: Config) -> None:
    own = {**config.model, "activation": "linear"}
    config = dataclasses.replace(config, model=own, optimizer={"name": "sgd", "learning_rate": 1e30})
    with pytest.raises(TrialFailed, match=r"the loss of epoch \d is (nan|inf)"):
        retraining.retrain(config, data.load(config.data), seed=1, epochs=2)


def test_callbacks_of_a_users_own_fit_may_add_values_of_any_type(config: Config, own_fit: str) -> None:
    own = dataclasses.replace(config, model={"_target_": f"{own_fit}.Noting", "hp": {"units": 4}})
    curve = retraining.retrain(own, data.load(config.data), seed=1, epochs=1).curve
    assert [set(epoch) for epoch in curve] == [{"accuracy", "loss", "val_accuracy", "val_loss"}]
