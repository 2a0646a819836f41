"""Scaling of stored values to network inputs: divide by 255, unit norm, or standardize."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

METHODS = ("divide", "unit_norm", "standardize", "none")

# Number of inputs per step: the intermediate float64 arrays stay in the processor's cache.
CHUNK = 1024


def chunks(images: NDArray[Any]) -> Iterator[slice]:
    """Slices of the first axis, for processing in parts.

    Args:
        images: ``(n, ...)``.

    Returns:
        Slices that cover the axis.
    """
    return (slice(start, start + CHUNK) for start in range(0, len(images), CHUNK))


@dataclass(frozen=True, eq=False)
class Scaling:
    """A scaling with its statistics, so that all other images are scaled as the training side is.

    Attributes:
        method: ``divide``: by 255. ``unit_norm``: each line along axis 1 of the array (an image's column) to Euclidean
            norm 1, except lines of zeros: ``keras.utils.normalize(images, axis=1)``. ``standardize``: minus the mean,
            divided by the standard deviation. ``none``: unchanged.
        mean: For ``standardize``: one value per entry of the last axis (channel of an image, column of a table).
        deviation: Standard deviation, of the same shape; 1 where all values are equal.
    """

    method: str
    mean: NDArray[np.float64] | float = 0.0
    deviation: NDArray[np.float64] | float = 1.0

    @classmethod
    def fit(cls, method: str, images: NDArray[Any]) -> Scaling:
        """Compute the statistics that the method needs.

        Args:
            method: One of `METHODS`.
            images: Training side as stored, ``(n, ...)``.

        Returns:
            A scaling for other images of the same kind.
        """
        if method != "standardize":
            return cls(method)
        axes = tuple(range(images.ndim - 1))
        count = images.size / images.shape[-1]
        mean = sum(images[part].sum(axes, dtype=np.float64) for part in chunks(images)) / count
        squares = sum(np.square(images[part] - mean).sum(axes) for part in chunks(images))
        deviation = np.sqrt(squares / count)
        return cls(method, np.asarray(mean), np.where(deviation > 0.0, deviation, 1.0))

    def apply(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Scale images.

        Args:
            images: Images as stored, ``(n, ...)``.

        Returns:
            A new array of the same shape.

        Example:
            >>> Scaling("divide").apply(np.array([[0, 255]], np.uint8)).tolist()
            [[0.0, 1.0]]
        """
        scaled = np.empty(images.shape, np.float32)
        for part in chunks(images):
            scaled[part] = self._scale(images[part])
        return scaled

    def _scale(self, images: NDArray[Any]) -> NDArray[Any]:
        if self.method == "divide":
            return np.asarray(np.divide(images, np.float32(255.0), dtype=np.float32))
        if self.method == "unit_norm":
            norm = np.linalg.norm(images, 2, axis=1)
            norm[norm == 0] = 1
            return np.asarray(images / np.expand_dims(norm, 1))
        if self.method == "standardize":
            return np.asarray((images - self.mean) / self.deviation)
        return images

    def background(self, shape: tuple[int, ...]) -> tuple[float, ...]:
        """Value of a black pixel after scaling.

        Args:
            shape: Shape of one image, ``(height, width, channels)``.

        Returns:
            One value per channel, or a single zero for all.
        """
        black = self.apply(np.zeros((1, 1, 1, shape[-1]), np.float32))
        return tuple(black.ravel().tolist()) if black.any() else (0.0,)
