"""Distortions of images (noise, rotation, shift, blur, contrast, occlusion) as pure functions.

Each function takes images ``(n, height, width)`` or ``(n, height, width, channels)`` from 0 (black) to 1 (white), a
strength from 0 (no change) and a seed, and returns float32 images of the same shape, from 0 to 1. Random numbers are
drawn for each image. They depend on the seed but not on the strength, so twice the strength is twice the same
distortion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnistsweep.errors import DataError

Images: TypeAlias = NDArray[np.float32]
Seed: TypeAlias = int | Sequence[int]


@dataclass(frozen=True)
class Distortion:
    """Distortion with the strengths to measure.

    Attributes:
        name: Name, for example ``noise``.
        unit: Unit of the strength, for example ``amplitude``.
        strengths: Strengths, ascending from 0.
        apply: Function ``(images, strength, seed) -> images``.
        description: Sentence that describes the effect on an image.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    apply: Callable[[Any, float, Seed], Images]
    description: str

    def __post_init__(self) -> None:
        ascending = all(one < other for one, other in zip(self.strengths, self.strengths[1:], strict=False))
        if len(self.strengths) < 2 or self.strengths[0] != 0 or not ascending:
            raise DataError(
                f"distortion {self.name!r}: strengths must be two or more, ascending from 0, received {self.strengths}."
            )


def noise(images: Any, strength: float, seed: Seed = 0) -> Images:
    """Add uniform noise: ``clip(x + U(-a, a), 0, 1)``, independent for each pixel and channel.

    Args:
        images: ``(n, height, width[, channels])``, 0 to 1.
        strength: Amplitude a of the noise.
        seed: Seed of the noise.

    Example:
        >>> bool((noise(np.full((1, 2, 2), 0.5), 0.1).round(1) != 0.7).all())
        True
    """
    given = check_images(images, strength)
    drawn = np.random.default_rng(seed).random(given.shape, dtype=np.float32)
    return np.clip(given + np.float32(strength) * (2 * drawn - 1), 0, 1)


def rotation(images: Any, strength: float, seed: Seed = 0) -> Images:
    """Rotate each image about its centre, left or right; linear interpolation, black corners.

    Args:
        images: ``(n, height, width[, channels])``, 0 to 1.
        strength: Angle in degrees.
        seed: Seed of the direction, which is drawn for each image.
    """
    from scipy.ndimage import rotate

    given = check_images(images, strength)
    left = np.random.default_rng(seed).random(len(given)) < 0.5
    rotated = np.empty_like(given)
    for side, angle in ((left, strength), (~left, -strength)):
        if side.any():
            rotated[side] = rotate(given[side], angle, axes=(1, 2), reshape=False, order=1)
    return np.asarray(rotated.clip(0, 1))


def shift(images: Any, strength: float, seed: Seed = 0) -> Images:
    """Shift each image in a random direction by whole pixels; uncovered pixels are black.

    Args:
        images: ``(n, height, width[, channels])``, 0 to 1.
        strength: Distance as a fraction of the side.
        seed: Seed of the directions, uniform over the circle.
    """
    given = check_images(images, strength)
    count, height, width = given.shape[:3]
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi, (count, 1))
    rows = np.arange(height) - np.rint(strength * height * np.sin(angle)).astype(int)
    columns = np.arange(width) - np.rint(strength * width * np.cos(angle)).astype(int)
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
    shifted = given[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    shifted[~inside] = 0
    return np.asarray(shifted)


def blur(images: Any, strength: float, seed: Seed = 0) -> Images:
    """Blur by a Gaussian; the nearest pixel continues beyond the border.

    Args:
        images: ``(n, height, width[, channels])``, 0 to 1.
        strength: Standard deviation of the Gaussian in pixels.
        seed: Unused; there are no random numbers.
    """
    from scipy.ndimage import gaussian_filter

    given = check_images(images, strength)
    blurred = gaussian_filter(given, (0, strength, strength, 0)[: given.ndim], mode="nearest")
    return np.asarray(blurred.clip(0, 1), np.float32)


def contrast(images: Any, strength: float, seed: Seed = 0) -> Images:
    """Reduce the contrast: ``(1 - s) x + s m`` with m the mean of the image; at 1 the image is uniform.

    Args:
        images: ``(n, height, width[, channels])``, 0 to 1.
        strength: Share s of the contrast that is lost, 0 to 1.
        seed: Unused; there are no random numbers.
    """
    given = check_images(images, strength, max_strength=1)
    mean = given.mean(axis=tuple(range(1, given.ndim)), keepdims=True)
    return np.asarray((given + np.float32(strength) * (mean - given)).clip(0, 1))


def occlusion(images: Any, strength: float, seed: Seed = 0) -> Images:
    """Cover a random part of each image by a grey (0.5) square, as in Zeiler and Fergus (2014).

    Args:
        images: ``(n, height, width[, channels])``, 0 to 1.
        strength: Side of the square as a fraction of the image's shorter side, 0 to 1; rounded to whole pixels.
        seed: Seed of the positions, uniform over those where the whole square is inside the image.
    """
    given = check_images(images, strength, max_strength=1).copy()
    count, height, width = given.shape[:3]
    side = round(strength * min(height, width))
    place = np.random.default_rng(seed).random((2, count, 1))
    top, left = np.floor(place * np.array([height - side + 1, width - side + 1])[:, None, None])
    rows, columns = np.arange(height), np.arange(width)
    hidden = ((rows >= top) & (rows < top + side))[:, :, None] & ((columns >= left) & (columns < left + side))[:, None]
    given[hidden] = 0.5
    return given


def check_images(images: Any, strength: float = 0.0, max_strength: float = np.inf) -> Images:
    """Check the arguments of a distortion.

    Args:
        images: Images to check.
        strength: Strength of the distortion.
        max_strength: Maximum strength.

    Returns:
        Images as float32.

    Raises:
        DataError: The images are not from 0 to 1, or the strength is out of range.
    """
    given = np.asarray(images)
    if given.ndim not in (3, 4) or 0 in given.shape:
        raise DataError(f"images: must have the shape (n, height, width[, channels]), received {given.shape}.")
    if given.dtype.kind not in "fiub":
        raise DataError(f"images: must be numbers, received dtype {given.dtype}.")
    smallest, largest = float(given.min()), float(given.max())
    if not (smallest >= 0 and largest <= 1):  # written so that NaN fails, too
        raise DataError(f"images: must lie from 0 to 1, received {smallest:g} to {largest:g}; divide bytes by 255.")
    if not 0 <= strength <= max_strength:
        limit = f"from 0 to {max_strength:g}" if np.isfinite(max_strength) else "at least 0"
        raise DataError(f"strength: must be {limit}, received {strength}.")
    return given.astype(np.float32, copy=False)


_ALL = (
    Distortion(
        "noise",
        "amplitude",
        tuple(step / 10 for step in range(11)),
        noise,
        "Each pixel is moved by a random amount, uniform from minus to plus the amplitude (1 is from black to white).",
    ),
    Distortion("rotation", "degrees", (0, 10, 20, 30, 45, 90), rotation, "Each image is turned, left or right."),
    Distortion(
        "shift",
        "fraction of the side",
        (0, 0.05, 0.1, 0.15, 0.2, 0.3),
        shift,
        "Each image is moved in a direction of its own.",
    ),
    Distortion("blur", "sigma in pixels", (0, 0.5, 1, 1.5, 2, 3), blur, "Each image is smoothed by a Gaussian."),
    Distortion(
        "contrast",
        "share lost",
        (0, 0.2, 0.4, 0.6, 0.8, 0.9),
        contrast,
        "Each image is mixed with its own mean grey.",
    ),
    Distortion(
        "occlusion",
        "side of the square, fraction of the image's",
        (0, 0.1, 0.2, 0.3, 0.4, 0.5),
        occlusion,
        "A grey square hides a random part of each image.",
    ),
)

# Distortions by name. To add one:
# `measure_robustness(..., distortions={**DISTORTIONS, "fog": Distortion("fog", ...)})`.
DISTORTIONS: Mapping[str, Distortion] = {distortion.name: distortion for distortion in _ALL}
