"""Losses by name."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from mnistsweep.errors import ConfigError
from mnistsweep.models.losses import build_loss, check, check_loss, names, short_name

LABELS = np.array([0, 2, 1])
RIGHT = np.array([[0.9, 0.05, 0.05], [0.1, 0.1, 0.8], [0.1, 0.7, 0.2]], np.float32)


# Losses that compare a row of class probabilities with a class, and are smaller for the right class.
OF_ROWS = [
    *("binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy"),
    *("categorical_hinge", "cosine_similarity", "hinge", "huber", "kl_divergence", "log_cosh", "mean_absolute_error"),
    *("mean_squared_error", "mean_squared_logarithmic_error", "poisson", "squared_hinge", "dice", "tversky"),
    *("sparse_categorical_crossentropy", "mse", "mae"),
]


def value(loss: Any, predictions: Any) -> float:
    name = loss if isinstance(loss, str) else loss.__name__
    labels = LABELS if name.startswith("sparse") else np.eye(3, dtype=np.float32)[LABELS]
    return float(keras.ops.mean(keras.losses.get(loss)(labels, predictions)))


@pytest.mark.parametrize("name", OF_ROWS)
def test_known_losses_are_kerass_and_prefer_the_right_class(name: str) -> None:
    loss = build_loss(name)
    assert np.isfinite(value(loss, RIGHT))
    assert value(loss, RIGHT) < value(loss, RIGHT[:, ::-1])


def test_every_name_is_one_that_keras_resolves() -> None:
    for name in names():
        assert callable(keras.losses.get(name))


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("poisson", "poisson"),
        ("keras.losses.SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"),
        ("my.losses:sparse_focal", "sparse_focal"),
        ("kld", "kld"),
    ],
)
def test_short_name(loss: str, expected: str) -> None:
    assert short_name(loss) == expected


def squared(y_true: Any, y_pred: Any) -> Any:
    """A user's own loss."""
    return keras.ops.mean((y_true - y_pred) ** 2, axis=-1)


not_a_loss = 3


def test_a_loss_by_dotted_path() -> None:
    assert build_loss(f"{__name__}:squared") is squared
    assert build_loss(f"{__name__}.squared") is squared
    smoothed = build_loss("keras.losses.CategoricalGeneralizedCrossEntropy")
    assert isinstance(smoothed, keras.losses.Loss)
    with pytest.raises(ConfigError, match=r"is of type int$"):
        build_loss(f"{__name__}.not_a_loss")


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("poison", r"trainer.loss: no loss of Keras is called 'poison'; did you mean 'poisson'\?"),
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
