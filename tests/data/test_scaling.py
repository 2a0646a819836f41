"""Scaling: against Keras's own function, against the definition, and with the training side's statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mnistsweep import data
from mnistsweep.data.scaling import CHUNK, ArrayScaling, Scaling

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("shape", [(CHUNK + 5, 6, 5), (7, 6, 5, 3), (9, 4)])
def test_unit_norm_is_that_of_keras(dtype: str, shape: tuple[int, ...]) -> None:
    import keras

    images = RNG.integers(0, 256, shape).astype(dtype)
    images[0] = 0
    expected = keras.utils.normalize(images, axis=1).astype("float32")
    np.testing.assert_array_equal(ArrayScaling("unit_norm").apply(images), expected)


def test_unit_norm_of_mnist_is_that_of_keras() -> None:
    import keras

    from mnistsweep.data.sources import load_mnist

    (images, _), _ = load_mnist()
    config = {"_target_": "mnistsweep.data.sources.load_mnist", "scaling": "unit_norm", "train_limit": 2000}
    scaled = data.load(config).train.inputs[..., 0]
    np.testing.assert_array_equal(scaled, keras.utils.normalize(images[:2000], axis=1).astype("float32"))


def test_columns_of_an_image_have_norm_one() -> None:
    scaled = ArrayScaling("unit_norm").apply(RNG.integers(1, 256, (3, 6, 5, 1), dtype=np.uint8))
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), 1.0, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_divide_is_by_255(dtype: str) -> None:
    images = RNG.integers(0, 256, (CHUNK + 5, 3, 2, 1)).astype(dtype)
    np.testing.assert_array_equal(ArrayScaling("divide").apply(images), images.astype("float32") / np.float32(255))


def test_none_only_changes_the_type() -> None:
    for dtype, expected in [("float64", "float32"), ("bool", "float32"), ("int64", "int64")]:
        scaled = ArrayScaling("none").apply(np.array([[0, 1]], dtype))
        assert (scaled.dtype, scaled.tolist()) == (expected, [[0, 1]])
    assert ArrayScaling("none").apply(np.full((1, 5, 5, 1), 250, np.uint8)).dtype == np.float32


@pytest.mark.parametrize(
    ("array", "method"),
    [
        (np.zeros((2, 5, 5, 1), np.uint8), "divide"),
        (np.zeros((2, 5, 5, 1)), "none"),
        (np.zeros((2, 30), np.int64), "none"),  # token ids
        (np.array(["a", "b"], object), "none"),
    ],
)
def test_auto_divides_images_of_bytes_only(array: Any, method: str) -> None:
    assert ArrayScaling.fit("auto", array).method == method


def test_each_input_has_its_own_scaling() -> None:
    inputs = {"age": np.array([20.0, 40.0]), "text": np.array(["a", "b"], object), "image": np.full((2, 5, 5, 1), 255)}
    scaled = Scaling.fit("standardize", inputs).apply(inputs)
    assert scaled["age"].tolist() == [-1.0, 1.0]
    assert scaled["text"].tolist() == ["a", "b"]
    assert not scaled["image"].any()


def test_standardize_is_by_channel() -> None:
    images = RNG.normal([0, 50, 100], [1, 5, 20], (CHUNK + 200, 4, 4, 3))
    scaling = ArrayScaling.fit("standardize", images)
    np.testing.assert_allclose(scaling.mean, images.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(scaling.deviation, images.std(axis=(0, 1, 2)))
    scaled = scaling.apply(images)
    np.testing.assert_allclose(scaled.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=(0, 1, 2)), 1, atol=1e-5)


def test_a_channel_that_never_changes_becomes_zero() -> None:
    images = np.full((10, 4, 4, 1), 7, np.uint8)
    assert not ArrayScaling.fit("standardize", images).apply(images).any()


def test_statistics_come_from_the_training_side_after_the_limit(npz_config: Callable[..., dict[str, Any]]) -> None:
    images = np.full((40, 6, 5, 1), 200.0)  # the side that is trained on is the first 20 images
    images[:20] = RNG.normal(10, 2, (20, 6, 5, 1))
    config = npz_config(x_train=images, x_test=images[:12], scaling="standardize", train_limit=20)
    dataset = data.load(config)
    mean, deviation = images[:20].mean(), images[:20].std()
    assert dataset.train.inputs.mean() == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(dataset.validation.inputs, (200.0 - mean) / deviation, rtol=1e-5)
    np.testing.assert_array_equal(data.load_test(config).inputs, dataset.train.inputs[:12])


def test_background_is_what_black_becomes() -> None:
    images = RNG.integers(0, 256, (50, 4, 4, 2), dtype=np.uint8)
    scaling = ArrayScaling.fit("standardize", images)
    np.testing.assert_allclose(scaling.background(2), -scaling.mean / scaling.deviation, rtol=1e-6)
    for method in ("divide", "unit_norm", "none"):
        assert ArrayScaling(method).background(2) == (0.0,)
