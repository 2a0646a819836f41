"""Examples in memory: inputs, targets, and perhaps weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.checksums import array_checksum
from mnistsweep.data import structure
from mnistsweep.data.structure import Structure


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and their targets, in the same order.

    Attributes:
        inputs: Inputs, as stored or scaled: one array ``(n, ...)``, for images ``(n, height, width, channels)``, or a
            structure of arrays for a model with several inputs.
        targets: Targets as in the source: one array, or a structure of arrays for a model with several outputs. For an
            autoencoder the inputs themselves, the same object.
        weights: Weight of each example in the loss, ``(n,)``; None for equal weights.
    """

    inputs: Structure
    targets: Structure
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return structure.num_examples(self.targets)

    @property
    def is_autoencoded(self) -> bool:
        """Whether the inputs are the targets."""
        return self.targets is self.inputs

    @cached_property
    def checksum(self) -> str:
        """Checksum of all arrays, 16 hexadecimal digits.

        Vectors of whole numbers count as int32, so that the same classes have one checksum in all file formats.
        """
        targets = [_as_classes(array) for array in structure.leaves(self.targets)]
        return array_checksum(
            *structure.leaves(self.inputs), *targets, *([] if self.weights is None else [self.weights])
        )

    @property
    def input_shape(self) -> Any:
        """Shape of one input, or a structure of shapes."""
        return structure.example_shapes(self.inputs)

    @property
    def has_weights(self) -> bool:
        """Whether the examples have weights."""
        return self.weights is not None

    def num_batches(self, batch_size: int) -> int:
        """Number of batches, the last of which may be smaller.

        Args:
            batch_size: Number of examples in a batch.
        """
        return -(-len(self) // batch_size)

    def first_examples(self, count: int) -> Examples:
        """The first examples.

        Args:
            count: Maximum number.
        """
        return self.take(slice(count))

    def take(self, positions: Any) -> Examples:
        """Some of the examples.

        Args:
            positions: Positions or a slice of the first axis.
        """
        inputs = structure.take(self.inputs, positions)
        targets = inputs if self.is_autoencoded else structure.take(self.targets, positions)
        return Examples(inputs, targets, None if self.weights is None else self.weights[positions])

    def joined(self, other: Examples) -> Examples:
        """These examples and others after them; read-only, so that copies on the device stay valid.

        Args:
            other: Examples of the same form. Where only one of the two has weights, those of the other are 1.
        """
        inputs = structure.read_only(structure.concatenate(self.inputs, other.inputs))
        targets = inputs if self.is_autoencoded else structure.concatenate(self.targets, other.targets)
        if self.weights is None and other.weights is None:
            return Examples(inputs, targets)
        weights = [np.ones(len(one), np.float32) if one.weights is None else one.weights for one in (self, other)]
        return Examples(inputs, targets, np.concatenate(weights))


def _as_classes(array: NDArray[Any]) -> NDArray[Any]:
    is_vector = array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1)
    if not is_vector or array.dtype.kind not in "bui":
        return array
    limits = np.iinfo(np.int32)
    fits = bool((array >= limits.min).all()) and bool((array <= limits.max).all())
    return array.reshape(len(array)).astype(np.int32) if fits else array
