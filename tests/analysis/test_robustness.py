"""Robustness: models whose answers to a distortion are known."""

from __future__ import annotations

import io

import numpy as np
import pytest

from mnistsweep.analysis import robustness
from mnistsweep.analysis.distortions import DISTORTIONS, Distortion
from mnistsweep.analysis.robustness import DistortionResponse, Robustness, measure_robustness
from mnistsweep.errors import DataError

IMAGES = np.repeat(np.array([0.0, 1.0], np.float32), 10)[:, None, None] * np.ones((20, 4, 4), np.float32)
LABELS = np.repeat([0, 1], 10)


def bright(images: np.ndarray) -> np.ndarray:
    """Two models that say how bright an image is; the second is less sure."""
    share = images.mean(axis=(1, 2, 3))
    one = np.stack([1 - share, share], axis=1)
    return np.stack([one, 0.5 + 0.4 * (one - 0.5)])


def darken(images: np.ndarray, strength: float, seed: object) -> np.ndarray:
    return np.clip(np.asarray(images, np.float32) - np.float32(strength), 0, 1)


DARK = {"dark": Distortion("dark", "shade", (0, 0.25, 0.75), darken, "Each image is darkened.")}


def test_a_known_answer() -> None:
    steps: list[tuple[int, int]] = []
    found = measure_robustness(bright, IMAGES, LABELS, DARK, on_step=lambda *step: steps.append(step), example=-1)
    (response,) = found.responses
    assert (response.name, response.unit, response.description) == ("dark", "shade", "Each image is darkened.")
    np.testing.assert_allclose(response.strengths, [0, 0.25, 0.75])
    np.testing.assert_allclose(response.accuracy, [[1, 1, 0.5], [1, 1, 0.5]])
    np.testing.assert_allclose(response.confidence, [[1, 0.875, 0.875], [0.7, 0.65, 0.65]], atol=1e-6)
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert found.num_images == 20
    np.testing.assert_allclose(found.examples["dark"][:, 0, 0], [1, 0.75, 0.25])
    assert found.examples["dark"].shape == (3, 4, 4)


def test_chunks_change_nothing_and_undistorted_images_are_predicted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measure_robustness(bright, IMAGES, LABELS, DARK)
    sizes: list[int] = []

    def counting(images: np.ndarray) -> np.ndarray:
        sizes.append(len(images))
        return bright(images)

    monkeypatch.setattr(robustness, "MAX_IMAGES", 8)
    parts = measure_robustness(counting, IMAGES, LABELS, DARK)
    np.testing.assert_allclose(parts.responses[0].accuracy, whole.responses[0].accuracy)
    np.testing.assert_allclose(parts.responses[0].confidence, whole.responses[0].confidence, atol=1e-6)
    assert sizes == [8, 8, 4] * 3


def test_one_model_colours_and_all_distortions() -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.random((12, 8, 8, 3)), np.arange(12) % 3

    def predict(given: np.ndarray) -> np.ndarray:
        assert given.dtype == np.float32
        assert given.shape[1:] == (8, 8, 3)
        return given.mean(axis=(1, 2)) / given.mean(axis=(1, 2)).sum(axis=1, keepdims=True)

    found = measure_robustness(predict, images, labels, seed=3)
    again = measure_robustness(predict, images, labels, seed=3)
    assert [response.name for response in found.responses] == list(DISTORTIONS)
    for response, repeated in zip(found.responses, again.responses, strict=True):
        assert response.accuracy.shape == (1, len(DISTORTIONS[response.name].strengths))
        assert found.examples[response.name].shape == (len(response.strengths), 8, 8, 3)
        np.testing.assert_array_equal(response.confidence, repeated.confidence)
        assert response.accuracy[0, 0] == found.responses[0].accuracy[0, 0]


def test_round_trip_to_disk_without_pickle() -> None:
    found = measure_robustness(bright, IMAGES, LABELS)
    file = io.BytesIO()
    np.savez(file, **found.to_arrays())
    file.seek(0)
    read = Robustness.from_arrays(np.load(file, allow_pickle=False))
    assert read.num_images == found.num_images
    assert isinstance(read.num_images, int)
    assert list(read.examples) == list(found.examples)
    for one, other in zip(read.responses, found.responses, strict=True):
        assert (one.name, one.unit, one.description) == (other.name, other.unit, other.description)
        for key in ("strengths", "accuracy", "confidence"):
            np.testing.assert_array_equal(getattr(one, key), getattr(other, key))
        np.testing.assert_array_equal(read.examples[one.name], found.examples[one.name])
    empty = Robustness.from_arrays(Robustness([], {}, 3).to_arrays())
    assert (list(empty.responses), empty.num_images) == ([], 3)


def test_a_missing_array_is_named() -> None:
    saved = measure_robustness(bright, IMAGES, LABELS, DARK).to_arrays()
    del saved["dark.accuracy"]
    with pytest.raises(DataError, match=r"an array is missing from the file: 'dark.accuracy'"):
        Robustness.from_arrays(saved)


def test_where_accuracy_falls() -> None:
    accuracy = np.array([[1.0, 0.9, 0.4, 0.6], [1.0, 0.7, 0.4, 0.6]])  # mean: 1, 0.8, 0.4, 0.6
    response = DistortionResponse("blur", "pixels", np.array([0.0, 1.0, 3.0, 4.0]), accuracy, accuracy)
    assert response.falls_below(0.9) == pytest.approx(0.5)
    assert response.falls_below(0.5) == pytest.approx(2.5)
    assert response.falls_below(0.4) is None
    assert response.falls_below(1.1) == 0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match=r"labels: must have the shape \(20,\), one for each image, received \(3,\)"):
        measure_robustness(bright, IMAGES, LABELS[:3])
    with pytest.raises(DataError, match="images: must lie from 0 to 1, received 0 to 255; divide bytes by 255"):
        measure_robustness(bright, IMAGES * 255, LABELS)
    with pytest.raises(DataError, match="labels: must lie from 0 to 1"):
        measure_robustness(bright, IMAGES, LABELS + 1)
    with pytest.raises(DataError, match="must lie from 0 to 1, row 0 is"):
        measure_robustness(lambda images: bright(images) * 9 - 4, IMAGES, LABELS)
    with pytest.raises(DataError, match=r"labels: must have the shape \(19,\)"):
        measure_robustness(lambda images: bright(images)[:, 1:], IMAGES, LABELS)
