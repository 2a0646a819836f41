"""Models trained anew, and what they say."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from mnistsweep import data
from mnistsweep.config.compose import Recipe, to_config
from mnistsweep.config.schema import Config
from mnistsweep.errors import StudyError, TrialFailed
from mnistsweep.evaluation import retraining
from mnistsweep.evaluation.predictions import Predictions, read, write, write_arrays


@pytest.fixture
def config(tiny_data: list[str]) -> Config:
    overrides = (*tiny_data, "model=perceptron", "optimizer.learning_rate=0.01", "trainer.batch_size=16")
    return to_config(Recipe(overrides).compose())


def test_a_refit_trains_on_all_it_is_given_and_repeats_itself(config: Config) -> None:
    dataset = data.load(config.data)
    seen: list[int] = []
    first = retraining.refit(config, dataset.whole, seed=5, epochs=3, on_epoch=seen.append)
    assert seen == [1, 2, 3]
    assert [set(epoch) for epoch in first.curve] == [{"accuracy", "loss"}] * 3
    assert first.curve[-1]["loss"] < first.curve[0]["loss"]
    again = retraining.refit(config, dataset.whole, seed=5, epochs=3)
    other = retraining.refit(config, dataset.whole, seed=6, epochs=3)
    images = dataset.validation.images
    mine, same, another = (retraining.class_probabilities(one.model, images) for one in (first, again, other))
    np.testing.assert_array_equal(mine, same)
    assert np.abs(mine - another).max() > 1e-3
    np.testing.assert_allclose(mine.sum(axis=1), 1, atol=1e-5)


def test_the_schedule_is_that_of_the_trial(config: Config) -> None:
    """Stopped early, the learning rate is still high: the best epoch's model is repeated, not a faster schedule."""
    scheduled = dataclasses.replace(
        config, schedule={"name": "cosine", "warmup_epochs": 0.0, "final_learning_rate": 0.0}
    )
    dataset = data.load(config.data)
    one = retraining.refit(
        dataclasses.replace(scheduled, trainer=dataclasses.replace(config.trainer, epochs=2)), dataset, 1, 2
    )
    two = retraining.refit(
        dataclasses.replace(scheduled, trainer=dataclasses.replace(config.trainer, epochs=4)), dataset, 1, 2
    )
    assert float(one.model.optimizer.learning_rate) < 1e-6
    assert float(two.model.optimizer.learning_rate) == pytest.approx(0.005, rel=0.1)


def test_a_loss_that_diverges_is_said(config: Config) -> None:
    own = {**config.model, "activation": "linear"}
    config = dataclasses.replace(config, model=own, optimizer={"name": "sgd", "learning_rate": 1e30})
    with pytest.raises(TrialFailed, match=r"the loss of epoch \d is (nan|inf)"):
        retraining.refit(config, data.load(config.data), seed=1, epochs=2)


def make(units: int, activation: str | None, loss: Any) -> Any:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units, activation=activation)])
    model.compile("sgd", loss=loss)
    return model


def test_logits_and_single_columns_become_probabilities() -> None:
    inputs = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    logits = make(4, None, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    outputs = keras.ops.convert_to_numpy(logits(inputs)).astype(np.float64)
    expected = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(retraining.class_probabilities(logits, inputs), expected, atol=1e-6)
    binary = make(1, "sigmoid", "binary_crossentropy")
    found = retraining.class_probabilities(binary, inputs)
    np.testing.assert_allclose(found[:, 1], keras.ops.convert_to_numpy(binary(inputs))[:, 0], atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_a_single_logit_becomes_two_probabilities() -> None:
    inputs = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    model = make(1, None, keras.losses.BinaryCrossentropy(from_logits=True))
    outputs = keras.ops.convert_to_numpy(model(inputs)).astype(np.float64)[:, 0]
    found = retraining.class_probabilities(model, inputs)
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-outputs)), atol=1e-6)


def test_models_with_other_outputs_are_refused() -> None:
    inputs = np.zeros((4, 3), np.float32)
    entry = keras.Input((3,))
    two = keras.Model(entry, [keras.layers.Dense(2)(entry), keras.layers.Dense(2)(entry)])
    named = keras.Model(entry, {"a": keras.layers.Dense(2)(entry)})
    flat = keras.Model(entry, keras.layers.Reshape(())(keras.layers.Dense(1)(entry)))
    for model, told in ((two, "this one has 2"), (named, "this one has 1"), (flat, r"has the shape \(4,\)")):
        model.compile(loss=None)
        with pytest.raises(StudyError, match=rf"one output, a row of class probabilities.*{told}"):
            retraining.class_probabilities(model, inputs)


def test_damaged_predictions_are_none(tmp_path: Path) -> None:
    file = tmp_path / "kept.npz"
    made = Predictions(np.full((200, 4), 0.25), 0.1, 7)
    write(file, made, {"trial": 3})
    whole = file.read_bytes()
    for damaged in (b"", whole[:30], whole[: len(whole) // 2], whole[:60] + b"????????" + whole[68:]):
        file.write_bytes(damaged)
        assert read(file, {"trial": 3}) is None
    write_arrays(file, {"other": np.zeros(3)}, {"trial": 3})
    assert read(file, {"trial": 3}) is None


def test_what_a_model_says_is_kept_with_what_it_came_from(config: Config, tmp_path: Path) -> None:
    dataset, held_out = data.load(config.data), data.load_test(config.data)
    trained = retraining.refit(config, dataset, seed=5, epochs=2)
    made = retraining.predict(trained.model, config, held_out, dataset, validation=True, curve=trained.curve)
    assert made.probabilities.shape == (20, 4)
    assert made.validation is not None
    assert made.validation.shape == (60, 4)
    expected = -np.log(made.probabilities[np.arange(20), held_out.labels]).mean()
    assert made.loss == pytest.approx(expected, rel=1e-4)
    assert made.parameters == trained.model.count_params()
    file = tmp_path / "kept.npz"
    write(file, made, {"trial": 3, "seed": 1})
    kept = read(file, {"seed": 1, "trial": 3})
    assert isinstance(kept, Predictions)
    np.testing.assert_array_equal(kept.probabilities, made.probabilities)
    assert (kept.loss, kept.curve) == (made.loss, trained.curve)
    assert read(file, {"trial": 4, "seed": 1}) is None
    file.write_bytes(file.read_bytes()[:100])
    assert read(file) is None


def test_a_model_comes_back_from_its_file(config: Config, tmp_path: Path) -> None:
    dataset = data.load(config.data)
    trained = retraining.refit(config, dataset, seed=5, epochs=1)
    trained.model.save(tmp_path / "kept.keras")
    images = dataset.validation.images
    loaded = retraining.load_model(tmp_path / "kept.keras", config)
    np.testing.assert_array_equal(
        retraining.class_probabilities(loaded, images), retraining.class_probabilities(trained.model, images)
    )
    (tmp_path / "kept.keras").write_bytes(b"no model")
    with pytest.raises(StudyError, match=r"kept\.keras: the model cannot be loaded"):
        retraining.load_model(tmp_path / "kept.keras", config)
