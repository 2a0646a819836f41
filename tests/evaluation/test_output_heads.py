"""Predictions of each kind of output against those of plain Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from scipy import special

from mnistsweep.analysis.arrays import check_probabilities
from mnistsweep.data.task import Task
from mnistsweep.errors import StudyError
from mnistsweep.evaluation.inference import class_probabilities, predict_outputs
from mnistsweep.evaluation.output_heads import find_heads, is_class_map
from mnistsweep.training.target_form import TargetForm

X = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)


def form(kind: str) -> TargetForm:
    return TargetForm(Task(kind, (0, 1) if kind == "classes" else ()), "source")


def made(outputs: Any, loss: Any, forms: Any, targets: Any) -> tuple[dict[str, Any], dict[str, str], Any]:
    """Predictions and kinds of the outputs, and what Keras predicts."""
    entry = keras.Input((3,))
    model = keras.Model(entry, outputs(entry))
    model.compile("sgd", loss)
    heads = find_heads(model, forms, targets, X)
    plain = model.predict(X, verbose=0)
    return predict_outputs(model, X, heads), {head.name: head.kind for head in heads}, plain


def clip(values: np.ndarray) -> np.ndarray:
    """What Keras's binary cross-entropy compares with the labels."""
    return values.clip(0, 1)


@pytest.mark.parametrize(
    ("units", "loss", "kind", "expected", "convert"),
    [
        (1, "mse", "regression", "regression", lambda z: z),
        (3, "mae", "regression", "regression", lambda z: z),
        (1, "binary_crossentropy", "classes", "classes", lambda z: np.concatenate([1 - clip(z), clip(z)], axis=1)),
        (2, "binary_crossentropy", "classes", "multi_label", clip),
        (3, LOGITS, "multi_label", "multi_label", special.expit),
        (
            3,
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "classes",
            "classes",
            lambda z: special.softmax(z, axis=1),
        ),
    ],
)
def test_one_output(units: int, loss: Any, kind: str, expected: str, convert: Any) -> None:
    targets = np.zeros((7, units)) if kind != "classes" else np.zeros(7, int)
    found, kinds, plain = made(layers.Dense(units), loss, form(kind), targets)
    assert kinds == {"": expected}
    np.testing.assert_allclose(found[""], convert(plain.astype(float)), atol=1e-6)
    assert found[""].dtype == np.float64


@pytest.mark.parametrize("as_list", [False, True])
def test_several_outputs_are_matched_by_name(as_list: bool) -> None:
    """Also where the model returns a list and the targets are a dictionary in another order."""

    def outputs(entry: Any) -> Any:
        named = {name: layers.Dense(units, name=name)(entry) for name, units in (("z", 1), ("a", 2))}
        return list(named.values()) if as_list else named

    losses = {"z": "mse", "a": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}
    targets = {"a": np.zeros(7, int), "z": np.zeros(7)}
    found, kinds, plain = made(outputs, losses, {"a": form("classes"), "z": form("regression")}, targets)
    assert kinds == {"a": "classes", "z": "regression"}
    z, a = plain if as_list else (plain["z"], plain["a"])
    np.testing.assert_allclose(found["z"], z, atol=1e-6)
    np.testing.assert_allclose(found["a"], special.softmax(a, axis=1), atol=1e-6)


def test_targets_in_a_list_have_the_names_of_the_outputs() -> None:
    def outputs(entry: Any) -> Any:
        return [layers.Dense(1, name="late")(entry), layers.Dense(1, name="early")(entry)]

    forms = [form("regression"), form("regression")]
    found, kinds, plain = made(outputs, "mse", forms, [np.zeros(7), np.zeros(7)])
    assert list(kinds) == ["late", "early"]
    np.testing.assert_allclose(found["late"], plain[0], atol=1e-6)


def test_one_target_and_several_outputs_have_no_predictions() -> None:
    def outputs(entry: Any) -> Any:
        return [layers.Dense(1)(entry), layers.Dense(2)(entry)]

    assert made(outputs, None, form("regression"), np.zeros(7))[:2] == ({}, {})


def test_an_output_of_another_size_than_the_target_has_no_scores() -> None:
    """Such as mean and variance for one number."""
    assert made(layers.Dense(2), "mse", form("regression"), np.zeros(7))[1] == {"": "none"}


def test_masks_and_maps_are_the_most_probable_classes() -> None:
    masks = np.zeros((7, 2, 2))
    for channels, loss, truth in ((1, LOGITS, masks), (1, own_dice, masks), (3, "mse", masks.astype(int))):
        shape = (2, 2, channels)
        outputs = keras.Sequential([layers.Dense(4 * channels), layers.Reshape(shape)])
        found, kinds, plain = made(outputs, loss, form("array"), truth)
        assert kinds == {"": "class_map"}
        np.testing.assert_array_equal(found[""], plain.argmax(axis=-1) if channels > 1 else plain[..., 0] >= 0)


@pytest.mark.parametrize(
    ("truth", "output", "expected"),
    [
        (np.zeros((4, 8, 8), np.uint8), (1, 8, 8, 3), True),
        (np.full((4, 8, 8, 1), 3), (1, 8, 8, 3), False),  # there is no channel for class 3
        (np.zeros((4, 8, 8, 1), np.float32), (1, 8, 8, 1), True),
        (np.full((4, 8, 8, 1), 0.5), (1, 8, 8, 1), False),
        (np.eye(3)[np.zeros((4, 8, 8), int)], (1, 8, 8, 3), True),
        (np.ones((4, 8, 8, 3)), (1, 8, 8, 3), False),
        (np.zeros((4, 12), np.int64), (1, 12, 50), True),
        (np.zeros((4, 12), np.int64), (1, 12), False),
    ],
)
def test_class_maps_are_told_from_other_arrays(truth: np.ndarray, output: tuple[int, ...], expected: bool) -> None:
    assert is_class_map(truth, output) is expected


def own_dice(truth: Any, outputs: Any) -> Any:
    """A loss of logits that says nothing about them."""
    return 1 - keras.ops.mean(truth * keras.ops.sigmoid(outputs))


def own_logits(truth: Any, outputs: Any) -> Any:
    return keras.losses.sparse_categorical_crossentropy(truth, outputs, from_logits=True)


def divided(values: np.ndarray) -> np.ndarray:
    """What Keras's categorical cross-entropy compares with the labels."""
    return values / values.sum(axis=1, keepdims=True)


def sigmoid_of(threshold: float, slope: float = 1.0) -> Any:
    return lambda z: np.concatenate([special.expit(slope * (threshold - z)), special.expit(slope * (z - threshold))], 1)


@pytest.mark.parametrize(
    ("outputs", "loss", "are_margins", "convert"),
    [
        (layers.Dense(1), "hinge", True, sigmoid_of(0)),
        (layers.Dense(1, "tanh"), keras.losses.SquaredHinge(), True, sigmoid_of(0)),
        (layers.Dense(1, "sigmoid"), "hinge", True, lambda z: np.concatenate([1 - z, z], axis=1)),
        (layers.Dense(3), "categorical_hinge", True, lambda z: special.softmax(z, axis=1)),
        (layers.Dense(3), own_logits, True, lambda z: special.softmax(z, axis=1)),
        (layers.Dense(1), "mse", True, sigmoid_of(0.5, 4)),
        (layers.Dense(1), LOGITS, False, sigmoid_of(0)),
        (layers.Dense(3, "sigmoid"), "categorical_crossentropy", False, divided),
        (layers.Dense(3, "softmax"), own_logits, False, lambda z: z),
    ],
)
def test_outputs_without_probabilities_are_margins(outputs: Any, loss: Any, are_margins: bool, convert: Any) -> None:
    """The predicted class is the one of Keras: the sign of a margin, the largest of several."""
    model = keras.Sequential([keras.Input((3,)), outputs])
    model.compile("sgd", loss)
    x = 5 * np.sort(np.random.default_rng(1).normal(size=(300, 3)).astype(np.float32), axis=0)  # sorted by class
    (head,) = find_heads(model, form("classes"), np.zeros(300, int), x)
    expected = convert(model.predict(x, verbose=0).astype(float))
    assert head.are_margins is are_margins
    found = predict_outputs(model, x, [head])[""]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(class_probabilities(model, x), expected, atol=1e-5)
    check_probabilities(found)


def test_a_classifier_with_other_outputs_is_refused() -> None:
    outputs = keras.Sequential([layers.Dense(4), layers.Reshape((2, 2))])
    with pytest.raises(StudyError, match="the output of a classifier must be a row of class probabilities"):
        made(outputs, "mse", form("classes"), np.zeros(7, int))
