"""Distortions: what happens to pixels, and that it happens the same twice."""

from __future__ import annotations

import time

import numpy as np
import pytest

from mnistsweep.analysis.distortions import (
    DISTORTIONS,
    Distortion,
    blur,
    check_images,
    contrast,
    noise,
    occlusion,
    rotation,
    shift,
)
from mnistsweep.errors import DataError

RNG = np.random.default_rng(3)
SHAPES = [(6, 9, 9), (6, 9, 7, 1), (6, 8, 9, 3)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("distortion", DISTORTIONS.values(), ids=DISTORTIONS)
def test_every_distortion(distortion: Distortion, shape: tuple[int, ...]) -> None:
    images = RNG.random(shape)
    kept = images.copy()
    for strength in distortion.strengths:
        once = distortion.apply(images, strength, 4)
        assert (once.shape, once.dtype) == (shape, np.float32)
        assert once.min() >= 0
        assert once.max() <= 1
        np.testing.assert_array_equal(once, distortion.apply(images, strength, 4))
        if strength == 0:
            np.testing.assert_allclose(once, images, atol=1e-6)
    np.testing.assert_array_equal(images, kept)
    assert not np.allclose(once, images, atol=0.05)


@pytest.mark.parametrize("name", ["noise", "rotation", "shift", "occlusion"])
def test_the_seed_decides(name: str) -> None:
    images = RNG.random((40, 9, 9))
    distortion = DISTORTIONS[name]
    assert not np.array_equal(distortion.apply(images, 0.5, 1), distortion.apply(images, 0.5, (1, 2)))


def test_noise_is_uniform_and_the_same_at_each_strength() -> None:
    grey = np.full((20, 30, 30), 0.5)
    moved = noise(grey, 0.4) - 0.5
    assert moved.min() == pytest.approx(-0.4, abs=1e-3)
    assert moved.max() == pytest.approx(0.4, abs=1e-3)
    assert moved.std() == pytest.approx(0.4 / 3**0.5, rel=0.02)
    np.testing.assert_allclose(noise(grey, 0.2) - 0.5, moved / 2, atol=1e-6)
    assert noise(np.zeros((1, 30, 30)), 1.0).max() <= 1


def test_rotation_by_ninety_degrees_turns_either_way() -> None:
    images = RNG.random((50, 8, 8)).astype(np.float32)
    turned = rotation(images, 90)
    ways = {
        way: sum(np.allclose(one, np.rot90(image, way), atol=1e-5) for one, image in zip(turned, images, strict=True))
        for way in (1, -1)
    }
    assert sum(ways.values()) == 50
    assert min(ways.values()) > 10


def test_shift_moves_by_its_length_and_loses_nothing_that_stays_inside() -> None:
    images = np.zeros((200, 21, 21))
    images[:, 10, 10] = 1
    moved = shift(images, 0.3)
    assert (moved.sum(axis=(1, 2)) == 1).all()
    offsets = np.argwhere(moved)[:, 1:] - 10
    assert np.hypot(*offsets.T) == pytest.approx(6.3, abs=0.75)
    assert np.abs(offsets.mean(axis=0)).max() < 1  # no direction is preferred
    assert not shift(np.ones((5, 10, 10)), 2.0).any()  # out of the frame


def test_blur_spreads_a_point_as_a_gaussian() -> None:
    image = np.zeros((2, 41, 41, 3))
    image[0, 20, 20, 1] = 1
    spread = blur(image, 2.0)
    assert spread[0, ..., 1].sum() == pytest.approx(1, abs=1e-3)
    assert not spread[1].any()
    assert not spread[0, ..., [0, 2]].any()
    assert spread[0, 20, 22, 1] / spread[0, 20, 20, 1] == pytest.approx(np.exp(-0.5), rel=1e-3)


def test_contrast_mixes_with_the_mean() -> None:
    images = RNG.random((3, 4, 4, 3))
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(contrast(images, 0.25), 0.75 * images + 0.25 * mean, atol=1e-6)
    np.testing.assert_allclose(contrast(images, 1.0), np.broadcast_to(mean, images.shape), atol=1e-6)


def test_occlusion_is_a_whole_square_everywhere() -> None:
    hidden = occlusion(np.zeros((400, 10, 12)), 0.4) == 0.5
    assert (hidden.sum(axis=(1, 2)) == 16).all()
    assert (hidden.any(axis=2).sum(axis=1) == 4).all()
    assert (hidden.any(axis=1).sum(axis=1) == 4).all()
    assert hidden.any(axis=0).all()
    assert (occlusion(np.zeros((2, 5, 5)), 1.0) == 0.5).all()


@pytest.mark.parametrize(
    ("images", "strength", "message"),
    [
        (np.zeros((4, 4)), 0.1, r"must have the shape \(n, height, width\[, channels\]\), received \(4, 4\)"),
        (np.full((1, 2, 2), 255), 0.1, r"must lie from 0 to 1, received 255 to 255; divide bytes by 255"),
        (np.full((1, 2, 2), np.nan), 0.1, r"must lie from 0 to 1, received nan to nan"),
        (np.array([[["a"]]]), 0.1, r"must be numbers, received dtype <U1"),
        (np.zeros((1, 2, 2)), -0.1, r"strength: must be from 0 to 1, received -0.1"),
        (np.zeros((1, 2, 2)), 1.5, r"strength: must be from 0 to 1, received 1.5"),
    ],
)
def test_what_is_refused(images: np.ndarray, strength: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        contrast(images, strength)


def test_strength_without_an_upper_limit() -> None:
    with pytest.raises(DataError, match="strength: must be at least 0, received nan"):
        blur(np.zeros((1, 2, 2)), float("nan"))
    assert check_images(np.ones((1, 2, 2), np.uint8)).dtype == np.float32


@pytest.mark.parametrize("strengths", [(0,), (0.1, 0.2), (0, 0.2, 0.2), (0, 0.3, 0.2)])
def test_strengths_ascend_from_zero(strengths: tuple[float, ...]) -> None:
    with pytest.raises(DataError, match="distortion 'fog': strengths must be two or more, ascending from 0"):
        Distortion("fog", "density", strengths, noise, "")


def test_a_thousand_images_take_a_moment() -> None:
    images = RNG.random((1000, 28, 28), dtype=np.float32)
    start = time.perf_counter()
    for distortion in DISTORTIONS.values():
        for strength in distortion.strengths:
            distortion.apply(images, strength, 0)
    assert time.perf_counter() - start < 5  # 0.4 s on an idle machine; loops over images would take a minute
