"""What every engine can do: train one epoch in a given order, and evaluate."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = tuple[NDArray[Any], NDArray[Any]]
"""Images and labels of one split; the first axis is the example."""

EVALUATION_EXAMPLES = 1024
"""Examples a batch in evaluation, at the most: beyond it the perceptron and the small convolutions gain nothing."""

EVALUATION_BYTES = 2**22
"""Input bytes a batch in evaluation, so that large images are not gathered a thousand at a time."""


class Engine(ABC):
    """Runs epochs of one compiled model over one training and one validation split.

    Args:
        model: A compiled Keras model.
        train: Images and labels to train on.
        validation: Images and labels to evaluate on, if any.
        batch_size: Examples a training step; the last batch of an epoch may be smaller and is trained on too.
    """

    def __init__(self, model: Any, train: Arrays, validation: Arrays | None, batch_size: int) -> None:
        self.model = model
        self.train = train
        self.validation = validation
        self.batch_size = batch_size

    @property
    def num_batches(self) -> int:
        """Training steps in an epoch."""
        return math.ceil(len(self.train[0]) / self.batch_size)

    @abstractmethod
    def train_epoch(
        self, order: NDArray[np.integer[Any]], callbacks: Any, images: NDArray[Any] | None = None
    ) -> dict[str, float]:
        """Train one epoch.

        Args:
            order: The row numbers of the training split, in the order in which they are seen.
            callbacks: A `keras.callbacks.CallbackList`; told of each block of batches by `on_train_batch_begin` with
                the number of its first batch and `on_train_batch_end` with the number of its last. After a block the
                epoch ends early if `model.stop_training` is set.
            images: Replace the training images for this epoch, row by row (augmentation).

        Returns:
            The metrics of the epoch, as `model.fit` reports them.
        """

    @abstractmethod
    def evaluate(self, callbacks: Any) -> dict[str, float]:
        """Evaluate on the whole validation split.

        Args:
            callbacks: A `keras.callbacks.CallbackList`; told by `on_test_begin`, `on_test_batch_*`, `on_test_end`.

        Returns:
            The metrics, without the prefix ``val_``; empty where there is no validation split.
        """


def scalars(logs: Mapping[str, Any]) -> dict[str, float]:
    """Turn the result of a training step into Python floats, sorted by name as `model.fit` reports them.

    A metric that holds several values under names of their own is flattened; what is no number is left out.

    Example:
        >>> scalars({"loss": np.float32(0.5), "accuracy": 1, "each": {"f1": 0.25}})
        {'accuracy': 1.0, 'f1': 0.25, 'loss': 0.5}
    """
    result: dict[str, float] = {}
    for name, value in logs.items():
        if isinstance(value, Mapping):
            result.update(scalars(value))
        elif np.ndim(value) == 0 and not isinstance(value, str):
            result[name] = float(value)
    return dict(sorted(result.items()))


def evaluation_batch_size(images: NDArray[Any], batch_size: int) -> int:
    """Choose how many examples to evaluate at once; never fewer than are trained on at once.

    Example:
        >>> evaluation_batch_size(np.zeros((10, 28, 28, 1), np.float32), 32)
        1024
        >>> evaluation_batch_size(np.zeros((10, 224, 224, 3), np.float32), 32)
        32
    """
    bytes_each = max(1, images[:1].nbytes)
    return max(batch_size, min(EVALUATION_EXAMPLES, EVALUATION_BYTES // bytes_each))
