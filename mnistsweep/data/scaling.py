"""Scaling of stored values to network inputs: divide by 255, unit norm, or standardize. Texts are never scaled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.structure import Structure, map_leaves
from mnistsweep.errors import ConfigError

METHODS = ("auto", "divide", "unit_norm", "standardize", "none")

# Number of inputs per step: the intermediate float64 arrays stay in the processor's cache.
CHUNK = 1024


def chunks(array: NDArray[Any]) -> Iterator[slice]:
    """Slices of the first axis, for processing in parts.

    Args:
        array: ``(n, ...)``.

    Returns:
        Slices that cover the axis.
    """
    return (slice(start, start + CHUNK) for start in range(0, len(array), CHUNK))


@dataclass(frozen=True, eq=False)
class ArrayScaling:
    """A scaling of one array with its statistics, so that all other arrays are scaled as the training split is.

    Attributes:
        method: ``divide``: by 255. ``unit_norm``: each line along axis 1 of the array (an image's column) to Euclidean
            norm 1, except lines of zeros: ``keras.utils.normalize(images, axis=1)``. ``standardize``: minus the mean,
            divided by the standard deviation. ``none``: unchanged, except that floating-point numbers and images of
            bytes become float32.
        mean: For ``standardize``: one value per entry of the last axis (channel of an image, column of a table).
        deviation: Standard deviation, of the same shape; 1 where all values are equal.
    """

    method: str
    mean: NDArray[np.float64] | float = 0.0
    deviation: NDArray[np.float64] | float = 1.0

    @classmethod
    def fit(cls, method: str, array: NDArray[Any]) -> ArrayScaling:
        """Compute the statistics that the method needs.

        Args:
            method: One of `METHODS`. ``auto`` divides images of bytes by 255 and leaves all other arrays unchanged.
            array: Training split as stored, ``(n, ...)``.

        Raises:
            ConfigError: The method is ``unit_norm`` and the array has one axis only.
        """
        if method == "auto":
            method = "divide" if _are_byte_images(array) else "none"
        if array.dtype.kind == "O":
            method = "none"
        if method == "unit_norm" and array.ndim < 2:
            raise ConfigError(f"data.scaling: unit_norm needs rows of numbers; received inputs of shape {array.shape}")
        if method != "standardize":
            return cls(method)
        axes = tuple(range(max(1, array.ndim - 1)))
        count = array.size / (array.shape[-1] if array.ndim > 1 else 1)
        mean = sum(array[part].sum(axes, dtype=np.float64) for part in chunks(array)) / count
        squares = sum(np.square(array[part] - mean).sum(axes) for part in chunks(array))
        deviation = np.sqrt(squares / count)
        return cls(method, np.asarray(mean), np.where(deviation > 0.0, deviation, 1.0))

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        """Scale an array.

        Args:
            array: Array as stored, ``(n, ...)``.

        Returns:
            A new array of the same shape: float32, except texts and whole numbers that the method leaves unchanged.

        Example:
            >>> ArrayScaling("divide").apply(np.array([[0, 255]], np.uint8)).tolist()
            [[0.0, 1.0]]
        """
        if self.method == "none" and array.dtype.kind in "uiO" and not _are_byte_images(array):
            return array.copy()
        scaled = np.empty(array.shape, np.float32)
        for part in chunks(array):
            scaled[part] = self._scale(array[part])
        return scaled

    def _scale(self, array: NDArray[Any]) -> NDArray[Any]:
        if self.method == "divide":
            return np.asarray(np.divide(array, np.float32(255.0), dtype=np.float32))
        if self.method == "unit_norm":
            norm = np.linalg.norm(array, 2, axis=1)
            norm[norm == 0] = 1
            return np.asarray(array / np.expand_dims(norm, 1))
        if self.method == "standardize":
            return np.asarray((array - self.mean) / self.deviation)
        return array

    def background(self, channels: int) -> tuple[float, ...]:
        """Value of a black pixel after scaling.

        Args:
            channels: Number of channels of an image.

        Returns:
            One value per channel, or a single zero for all.
        """
        black = self.apply(np.zeros((1, 1, 1, channels), np.float32))
        return tuple(black.ravel().tolist()) if black.any() else (0.0,)


@dataclass(frozen=True, eq=False)
class Scaling:
    """A scaling of all inputs of a model.

    Attributes:
        arrays: Scaling of each array, in a structure of the form of the inputs.
    """

    arrays: Structure

    @classmethod
    def fit(cls, method: str, inputs: Structure) -> Scaling:
        """Compute the statistics that the method needs for each array of the inputs.

        Args:
            method: One of `METHODS`.
            inputs: Training split as stored.

        Raises:
            ConfigError: The method cannot be used for one of the arrays.
        """
        return cls(map_leaves(lambda array: ArrayScaling.fit(method, array), inputs))

    @classmethod
    def unscaled(cls, inputs: Structure) -> Scaling:
        """Scaling that changes no value, for data that stream.

        Args:
            inputs: Inputs of the form of the data.
        """
        return cls(map_leaves(lambda _: ArrayScaling("none"), inputs))

    def apply(self, inputs: Structure) -> Structure:
        """Scale inputs; returns new arrays.

        Args:
            inputs: Inputs as stored, of the form of the training split.
        """
        return map_leaves(lambda array, scaling: scaling.apply(array), inputs, self.arrays)


def _are_byte_images(array: NDArray[Any]) -> bool:
    return array.dtype == np.uint8 and array.ndim == 4 and array.shape[-1] in (1, 3, 4)
