"""Losses by name, and the labels that each compares with."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from mnistsweep.errors import ConfigError, DataError
from mnistsweep.models.losses import KNOWN, build_loss, check, check_loss, encode, needs_one_hot

LABELS = np.array([0, 2, 1])
RIGHT = np.array([[0.9, 0.05, 0.05], [0.1, 0.1, 0.8], [0.1, 0.7, 0.2]], np.float32)


def value(loss: Any, predictions: Any) -> float:
    name = loss if isinstance(loss, str) else loss.__name__
    return float(keras.ops.mean(keras.losses.get(loss)(encode(LABELS, 3, name), predictions)))


@pytest.mark.parametrize("name", KNOWN)
def test_known_losses_are_kerass_and_prefer_the_right_class(name: str) -> None:
    loss = build_loss(name)
    assert np.isfinite(value(loss, RIGHT))
    assert value(loss, RIGHT) < value(loss, RIGHT[:, ::-1])


@pytest.mark.parametrize("name", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_both_cross_entropies_are_the_mean_surprise(name: str) -> None:
    assert value(name, RIGHT) == pytest.approx(-np.log([0.9, 0.8, 0.7]).mean(), rel=1e-5)


def test_poisson_is_the_mean_over_classes_of_prediction_minus_label_times_log() -> None:
    expected = np.mean([(1 - np.log(p)) / 3 for p in (0.9, 0.8, 0.7)])  # predictions sum to 1
    assert value("poisson", RIGHT) == pytest.approx(expected, rel=1e-5)


def test_labels_are_encoded_as_the_loss_wants_them() -> None:
    one_hot = encode(LABELS, 3, "poisson")
    assert one_hot.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert one_hot.dtype == np.float32
    integers = encode(LABELS.astype(np.uint8), 3, "sparse_categorical_crossentropy")
    assert (integers.tolist(), integers.dtype) == ([0, 2, 1], np.int32)
    assert encode(np.array([], int), 3, "poisson").shape == (0, 3)


def test_the_name_decides_for_losses_of_ones_own() -> None:
    assert [name for name in KNOWN if not needs_one_hot(name)] == ["sparse_categorical_crossentropy"]
    assert needs_one_hot("my.losses:focal")
    assert not needs_one_hot("my.losses:sparse_focal")
    assert not needs_one_hot("keras.losses.SparseCategoricalCrossentropy")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 3]), "must lie from 0 to 2; received 0 to 3"),
        (np.array([-1, 1]), "received -1 to 1"),
        (np.array([0.0, 1.0]), "whole numbers; received float64"),
        (np.eye(3, dtype=int), r"a vector of whole numbers; received int64 of shape \(3, 3\)"),
    ],
)
def test_labels_that_do_not_fit(labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        encode(labels, 3, "poisson")


def squared(y_true: Any, y_pred: Any) -> Any:
    """A user's own loss."""
    return keras.ops.mean((y_true - y_pred) ** 2, axis=-1)


not_a_loss = 3


def test_a_loss_by_dotted_path() -> None:
    assert build_loss(f"{__name__}:squared") is squared
    assert build_loss(f"{__name__}.squared") is squared
    smoothed = build_loss("keras.losses.CategoricalGeneralizedCrossEntropy")
    assert isinstance(smoothed, keras.losses.Loss)
    with pytest.raises(ConfigError, match=r"is 3$"):
        build_loss(f"{__name__}.not_a_loss")


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("poison", r"trainer.loss: no Keras loss for classification is called 'poison'; did you mean 'poisson'\?"),
        ("SparseCategoricalCrossentropy", "did you mean 'sparse_categorical_crossentropy'"),
        ("no_such_package.loss", "trainer.loss: no module 'no_such_package'"),
        (f"{__name__}:squarred", r"did you mean 'squared'\?"),
        (3, "trainer.loss must be the name of a loss or a dotted path; received 3"),
    ],
)
def test_faults_of_a_loss(loss: Any, message: str) -> None:
    assert len(check(loss)) == 1
    with pytest.raises(ConfigError, match=message):
        check_loss(loss)
