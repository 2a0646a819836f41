"""From stored values to what a network is fed: divide by 255, unit norm, or standardize."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

METHODS = ("divide", "unit_norm", "standardize", "none")

# Inputs that are scaled in one step: the intermediate float64 arrays stay in the processor's cache.
CHUNK = 1024


def chunks(images: NDArray[Any]) -> Iterator[slice]:
    """Cut the first axis into pieces that are worked on one after the other.

    Args:
        images: ``(n, ...)``.

    Returns:
        Slices that cover it.
    """
    return (slice(start, start + CHUNK) for start in range(0, len(images), CHUNK))


@dataclass(frozen=True, eq=False)
class Scaling:
    """A scaling with its statistics, so that validation, test and new images are scaled as the training side was.

    Attributes:
        method: ``divide``: by 255. ``unit_norm``: each line along axis 1 of the array (an image's column) to Euclidean
            norm 1, lines of zeros left alone: ``keras.utils.normalize(images, axis=1)``. ``standardize``: less the
            mean, divided by the standard deviation. ``none``: as it is.
        mean: For ``standardize``: one value for each entry of the last axis (channel of an image, column of a table).
        deviation: Likewise; 1 where all values are the same.
    """

    method: str
    mean: NDArray[np.float64] | float = 0.0
    deviation: NDArray[np.float64] | float = 1.0

    @classmethod
    def fit(cls, method: str, images: NDArray[Any]) -> Scaling:
        """Take the statistics that the method needs.

        Args:
            method: One of `METHODS`.
            images: The training side as stored, ``(n, ...)``.

        Returns:
            The scaling.
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
        """Scale.

        Args:
            images: ``(n, ...)`` as stored.

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
        """Say what a black pixel becomes.

        Args:
            shape: Of one image, ``(height, width, channels)``.

        Returns:
            One value a channel, or one zero for all.
        """
        black = self.apply(np.zeros((1, 1, 1, shape[-1]), np.float32))
        return tuple(black.ravel().tolist()) if black.any() else (0.0,)
