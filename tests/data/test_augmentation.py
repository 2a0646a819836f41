"""Augmentation: what each distortion does to shapes whose place, angle and size can be measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnistsweep import data
from mnistsweep.data import Augmentation, augmentation

Images = NDArray[np.float32]
HEIGHT, WIDTH = 41, 61  # not square, with a pixel in the middle
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH].astype("float64")
ROWS, COLUMNS = ROWS - HEIGHT // 2, COLUMNS - WIDTH // 2


def disc(count: int, radius: float = 5.0) -> Images:
    """The same disc in the middle of each image."""
    image = (np.hypot(ROWS, COLUMNS) <= radius).astype("float32")
    return np.repeat(image[None, :, :, None], count, axis=0)


def bar(count: int) -> Images:
    """A long upright bar, three pixels wide, through the middle."""
    image = ((np.abs(COLUMNS) <= 1) & (np.abs(ROWS) <= 12)).astype("float32")
    return np.repeat(image[None, :, :, None], count, axis=0)


def centres(images: Images) -> NDArray[np.float64]:
    """Centre of mass of each image, (column, row) from the middle."""
    mass = images[..., 0].sum(axis=(1, 2))
    return np.stack([(images[..., 0] * axis).sum(axis=(1, 2)) / mass for axis in (COLUMNS, ROWS)], axis=1)


def moments(images: Images) -> tuple[NDArray[np.float64], ...]:
    """Second moments about the middle: columns, rows, mixed."""
    image = images[..., 0]
    mass = image.sum(axis=(1, 2))
    pairs = (COLUMNS * COLUMNS, ROWS * ROWS, COLUMNS * ROWS)
    return tuple((image * pair).sum(axis=(1, 2)) / mass for pair in pairs)


def test_a_shift_moves_by_at_most_its_fraction_of_the_side() -> None:
    moved = centres(Augmentation(shift=0.2).apply(disc(400), seed=1, epoch=0))
    limit = 0.2 * np.array([WIDTH, HEIGHT])
    assert (np.abs(moved) <= limit + 1e-3).all()
    assert (moved.max(axis=0) > 0.9 * limit).all()
    assert (moved.min(axis=0) < -0.9 * limit).all()
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.2  # across and down are drawn apart


def test_a_shift_keeps_the_shape() -> None:
    shifted = Augmentation(shift=0.2).apply(disc(20), seed=1, epoch=0)
    np.testing.assert_allclose(shifted.sum(axis=(1, 2, 3)), disc(1).sum(), rtol=1e-4)


def test_a_rotation_turns_about_the_middle_by_at_most_its_angle() -> None:
    turned = Augmentation(rotation=30).apply(bar(400), seed=2, epoch=0)
    np.testing.assert_allclose(centres(turned), 0, atol=0.05)
    across, down, mixed = moments(turned)
    angle = np.degrees(0.5 * np.arctan2(2 * mixed, down - across))  # the axis of the bar against the upright
    assert np.abs(angle).max() <= 30.5
    assert angle.max() > 27
    assert angle.min() < -27
    np.testing.assert_allclose(across + down, (moments(bar(1))[0] + moments(bar(1))[1])[0], rtol=0.05)


def test_the_angle_of_a_rotation_is_that_of_its_draw() -> None:
    augment = Augmentation(rotation=90)
    transforms = augment.transforms((5, HEIGHT, WIDTH, 1), seed=4, epoch=1)
    drawn = 90 * np.random.default_rng([4, 1]).uniform(-1, 1, (5, 5))[:, 0]
    np.testing.assert_allclose(np.degrees(np.arctan2(transforms[:, 1], transforms[:, 0])), drawn, rtol=1e-4)
    middle = np.array([WIDTH // 2, HEIGHT // 2, 1])
    np.testing.assert_allclose(transforms[:, :3] @ middle, middle[0], rtol=1e-5)
    np.testing.assert_allclose(transforms[:, 3:6] @ middle, middle[1], rtol=1e-5)


def test_a_shear_leans_upright_lines_and_leaves_level_ones() -> None:
    leaning = Augmentation(shear=20).apply(bar(400), seed=3, epoch=0)
    _, down, mixed = moments(leaning)
    lean = np.degrees(np.arctan(mixed / down))
    assert np.abs(lean).max() <= 20.5
    assert lean.max() > 18
    assert lean.min() < -18
    np.testing.assert_allclose(down, moments(bar(1))[1][0], rtol=0.02)  # rows stay where they are


def test_a_zoom_magnifies_within_its_range_and_alike_in_both_directions() -> None:
    zoomed = Augmentation(zoom=0.25).apply(disc(400, radius=8), seed=5, epoch=0)
    scale = np.sqrt(zoomed.sum(axis=(1, 2, 3)) / disc(1, radius=8).sum())
    assert scale.min() >= 0.74
    assert scale.max() <= 1.26
    assert scale.min() < 0.78
    assert scale.max() > 1.22
    across, down, _ = moments(zoomed)
    np.testing.assert_allclose(across, down, rtol=0.02)
    np.testing.assert_allclose(centres(zoomed), 0, atol=0.01)


FULL = Augmentation(rotation=20, shift=0.1, shear=10, zoom=0.2)


def test_an_epoch_is_a_pure_function_of_seed_and_epoch() -> None:
    images = np.random.default_rng(0).random((30, 12, 9, 3), dtype=np.float32)
    before = images.copy()
    first = FULL.apply(images, seed=11, epoch=3)
    np.testing.assert_array_equal(first, FULL.apply(images, seed=11, epoch=3))
    np.testing.assert_array_equal(images, before)
    for seed, epoch in ((11, 4), (12, 3), (3, 11)):
        assert not np.array_equal(first, FULL.apply(images, seed=seed, epoch=epoch))
    assert len({image.tobytes() for image in FULL.apply(disc(30), seed=0, epoch=0)}) == 30


def test_an_image_is_distorted_the_same_however_many_follow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).random((30, 12, 9, 1), dtype=np.float32)
    whole = FULL.apply(images, seed=1, epoch=1)
    np.testing.assert_array_equal(FULL.apply(images[:10], seed=1, epoch=1), whole[:10])
    monkeypatch.setattr(augmentation, "CHUNK", 7)
    np.testing.assert_array_equal(FULL.apply(images, seed=1, epoch=1), whole)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shape_and_type_stay(dtype: str) -> None:
    images = np.random.default_rng(0).random((5, 12, 9, 3)).astype(dtype)
    distorted = FULL.apply(images, seed=1, epoch=1)
    assert distorted.shape == images.shape
    assert distorted.dtype == images.dtype


def test_channels_move_together() -> None:
    distorted = FULL.apply(np.repeat(disc(8), 3, axis=-1), seed=1, epoch=1)
    np.testing.assert_array_equal(distorted[..., 0], distorted[..., 2])


def test_uncovered_corners_are_black() -> None:
    white = np.ones((50, 12, 9, 1), np.float32)
    assert FULL.apply(white, seed=1, epoch=1).min() == 0.0


def test_uncovered_corners_are_what_scaling_makes_of_black(npz_config: Callable[..., dict[str, Any]]) -> None:
    config = npz_config(scaling="standardize", augmentation={"shift": 0.5})
    dataset = data.load(config)
    assert dataset.augmentation is not None
    assert dataset.augmentation.shift == 0.5
    black = dataset.augmentation.background
    white = np.ones_like(dataset.train.inputs)
    assert black[0] < 0
    assert dataset.augmentation.apply(white, seed=0, epoch=0).min() == pytest.approx(black[0])


def test_distorting_scaled_images_is_scaling_distorted_images(npz_config: Callable[..., dict[str, Any]]) -> None:
    raw = data.load(npz_config(scaling="none", augmentation={"rotation": 20, "shift": 0.1}))
    scaled = data.load(npz_config(scaling="standardize", augmentation={"rotation": 20, "shift": 0.1}))
    assert raw.augmentation is not None
    assert scaled.augmentation is not None
    mean, deviation = raw.train.inputs.mean(dtype="float64"), raw.train.inputs.std(dtype="float64")
    expected = (raw.augmentation.apply(raw.train.inputs, 5, 2) - mean) / deviation
    np.testing.assert_allclose(scaled.augmentation.apply(scaled.train.inputs, 5, 2), expected, atol=1e-5)


@pytest.mark.parametrize("none", [None, {}, {"rotation": 0.0, "shift": 0, "shear": 0.0, "zoom": 0.0}])
def test_no_distortion_is_no_augmentation(npz_config: Callable[..., dict[str, Any]], none: object) -> None:
    assert data.load(npz_config(augmentation=none)).augmentation is None
