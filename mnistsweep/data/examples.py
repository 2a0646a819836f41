"""Records of a loaded data set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.checksums import array_checksum
from mnistsweep.data.augmentation import Augmentation
from mnistsweep.data.scaling import Scaling


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and their classes, in the same order.

    Attributes:
        images: Scaled inputs: ``(n, height, width, channels)`` float32 for images, ``(n, ...)`` for anything else.
        labels: Classes ``0 .. K-1``, ``(n,)`` int32.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Data of a trial: a training side and a validation side. The test set is not included.

    Attributes:
        train: Training side, after the split and ``data.train_limit``.
        validation: Validation side, on which scores are measured.
        classes: Number of classes K.
        augmentation: Random distortions of the training images; None without augmentation.
    """

    train: Examples
    validation: Examples
    classes: int
    augmentation: Augmentation | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, ``(height, width, channels)`` for images: what ``keras.Input`` takes."""
        shape: tuple[Any, ...] = self.train.images.shape[1:]
        return shape

    @property
    def whole(self) -> Dataset:
        """Data with both sides as training side, to retrain the selected model.

        The validation side is part of it, so validation scores of such a training mean nothing.
        """
        images = np.concatenate([self.train.images, self.validation.images])
        images.setflags(write=False)  # a copy on the device stays valid from one training to the next
        labels = np.concatenate([self.train.labels, self.validation.labels])
        return Dataset(Examples(images, labels), self.validation, self.classes, self.augmentation)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The test set, which neither training nor selection reads.

    Attributes:
        stored: Inputs as in the source: ``(n, height, width, channels)`` for images, ``(n, ...)`` for anything else.
        labels: Classes ``0 .. K-1``, ``(n,)`` int32.
        scaling: Scaling with the statistics of the training side.
    """

    stored: NDArray[Any]
    labels: NDArray[np.int32]
    scaling: Scaling

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def images(self) -> NDArray[np.float32]:
        """Scaled inputs, as a model expects them."""
        return self.scaling.apply(self.stored)

    @cached_property
    def checksum(self) -> str:
        """Checksum of `stored` and `labels`, 16 hexadecimal digits: it identifies the test set by its content."""
        return array_checksum(self.stored, self.labels)

    @property
    def are_images(self) -> bool:
        """Whether the inputs are images: one gray or three colour channels."""
        return self.stored.ndim == 4 and self.stored.shape[-1] in (1, 3)

    @cached_property
    def _range(self) -> tuple[float, float]:
        """Values of black and white: 0 and 255 for bytes, 0 and 1 for fractions, otherwise the extremes."""
        low, high = float(self.stored.min()), float(self.stored.max())
        if self.stored.dtype == np.uint8:
            return 0.0, 255.0
        if low >= 0.0 and high <= 1.0:
            return 0.0, 1.0
        return low, max(high, low + 1e-12)

    @cached_property
    def shown(self) -> NDArray[np.float32]:
        """Inputs for display, from 0 (black) to 1 (white), of the shape of `stored`."""
        low, high = self._range
        shown = (self.stored.astype(np.float32) - np.float32(low)) / np.float32(high - low)
        return np.asarray(shown.clip(0.0, 1.0))  # rounding may exceed the range

    def scaled(self, shown: NDArray[Any]) -> NDArray[np.float32]:
        """Scale images in the range 0 to 1, for example distorted ones, as a model expects them.

        Args:
            shown: Images in the form of the property `shown`, any number.
        """
        low, high = self._range
        return self.scaling.apply(shown * np.float32(high - low) + np.float32(low))
