"""Class probabilities from models: logits, binary outputs, invalid outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from mnistsweep.errors import StudyError
from mnistsweep.evaluation import inference


def make(units: int, activation: str | None, loss: Any) -> Any:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units, activation=activation)])
    model.compile("sgd", loss=loss)
    return model


def test_logits_and_single_columns_become_probabilities() -> None:
    inputs = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    logits = make(4, None, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    outputs = keras.ops.convert_to_numpy(logits(inputs)).astype(np.float64)
    expected = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(inference.class_probabilities(logits, inputs), expected, atol=1e-6)
    binary = make(1, "sigmoid", "binary_crossentropy")
    found = inference.class_probabilities(binary, inputs)
    np.testing.assert_allclose(found[:, 1], keras.ops.convert_to_numpy(binary(inputs))[:, 0], atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_a_single_logit_becomes_two_probabilities() -> None:
    inputs = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    model = make(1, None, keras.losses.BinaryCrossentropy(from_logits=True))
    outputs = keras.ops.convert_to_numpy(model(inputs)).astype(np.float64)[:, 0]
    found = inference.class_probabilities(model, inputs)
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-outputs)), atol=1e-6)


def test_columns_of_a_binary_loss_are_sigmoids_each() -> None:
    """Not a softmax: the loss compares each column by itself, so the rows need not sum to 1."""
    inputs = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    model = make(3, None, keras.losses.BinaryCrossentropy(from_logits=True))
    outputs = keras.ops.convert_to_numpy(model(inputs)).astype(np.float64)
    np.testing.assert_allclose(inference.class_probabilities(model, inputs), 1 / (1 + np.exp(-outputs)), atol=1e-6)


def test_models_with_other_outputs_are_refused() -> None:
    inputs = np.zeros((4, 3), np.float32)
    entry = keras.Input((3,))
    two = keras.Model(entry, [keras.layers.Dense(2)(entry), keras.layers.Dense(2)(entry)])
    named = keras.Model(entry, {"a": keras.layers.Dense(2)(entry)})
    flat = keras.Model(entry, keras.layers.Reshape(())(keras.layers.Dense(1)(entry)))
    for model, reason in ((two, "has 2 outputs"), (named, "has 1 outputs"), (flat, r"has the shape \(4,\)")):
        model.compile(loss=None)
        with pytest.raises(StudyError, match=rf"one output, a row of class probabilities.*{reason}"):
            inference.class_probabilities(model, inputs)
