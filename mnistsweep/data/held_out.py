"""The test set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.dataset import class_task
from mnistsweep.data.examples import Examples
from mnistsweep.data.scaling import Scaling
from mnistsweep.data.structure import Structure


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The test set, which neither training nor selection reads.

    Attributes:
        examples: Test set as in the source, not scaled.
        tasks: What the targets are possible for, see `Dataset.tasks`.
        scaling: Scaling with the statistics of the training split.
        columns: Names of the columns of a table of numbers; empty where the source has none.
        target_columns: Names of the targets; empty where the source has none.
    """

    examples: Examples
    tasks: Structure
    scaling: Scaling
    columns: tuple[str, ...] = ()
    target_columns: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def stored(self) -> Structure:
        """Inputs as in the source: ``(n, height, width, channels)`` for images, ``(n, ...)`` for anything else."""
        return self.examples.inputs

    @property
    def targets(self) -> Structure:
        """Targets as in the source; for an autoencoder the scaled inputs."""
        return self.inputs if self.examples.is_autoencoded else self.examples.targets

    @cached_property
    def inputs(self) -> Structure:
        """Scaled inputs, as a model expects them."""
        return self.scaling.apply(self.stored)

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """Classes ``0 .. K-1``, ``(n,)``.

        Raises:
            DataError: The targets cannot be classes.
        """
        return class_task(self.tasks).encode(self.targets, "test targets", "the test set").astype(np.int32)

    @property
    def checksum(self) -> str:
        """Checksum of the examples, 16 hexadecimal digits: it identifies the test set by its content."""
        return self.examples.checksum

    @property
    def are_images(self) -> bool:
        """Whether the inputs are images: one gray or three colour channels."""
        return getattr(self.stored, "ndim", 0) == 4 and self.stored.shape[-1] in (1, 3)

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
        return np.asarray(self.scaling.apply(shown * np.float32(high - low) + np.float32(low)))
