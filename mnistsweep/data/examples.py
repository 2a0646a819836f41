"""The records that a data set is handed over in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.augmentation import Augmentation


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and their classes, position by position.

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
    """What a trial sees: a side to train on and a side to be judged by. The test set is not in here.

    Attributes:
        train: The training side, after the split and ``data.train_limit``.
        validation: The side that scores are measured on.
        classes: The number of classes K.
        augmentation: Random distortions for the training side; None where there are none.
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
