"""The interface of the engines."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.streams.stream import Stream
from mnistsweep.data.structure import Structure, leaves, num_bytes, num_examples, take
from mnistsweep.training.building import has_fixed_batches
from mnistsweep.training.engines.device_data import is_constant

Split = tuple[Structure, Structure] | tuple[Structure, Structure, NDArray[Any]]
"""Inputs, targets and perhaps sample weights of the training or the validation split: arrays, or structures of arrays;
the first axis of each is the example."""

Encode = Callable[[Structure, NDArray[Any] | None], tuple[Structure, NDArray[Any] | None]]
"""Function of the targets and the weights of a batch, which returns those that the model gets."""


@dataclass(frozen=True, eq=False)
class StreamSplit:
    """A split that streams.

    Attributes:
        stream: Inputs, targets and perhaps weights, in batches.
        encode: Conversion of targets and weights; None: the model gets them as the dataset delivers them.
    """

    stream: Stream
    encode: Encode | None = None


AnySplit = Split | StreamSplit
"""A split in memory, or one that streams."""

MAX_EVALUATION_EXAMPLES = 1024
"""Maximum number of examples in an evaluation batch; larger batches are no faster for perceptrons and small
convolutional networks."""

MAX_EVALUATION_BYTES = 2**22
"""Maximum input bytes of an evaluation batch, so that an engine does not gather a thousand large images at a time."""


class Engine(ABC):
    """Runs epochs of a compiled model over a training split and a validation split.

    Args:
        model: A compiled Keras model.
        train: Inputs, targets and perhaps weights to train on.
        validation: Inputs, targets and perhaps weights to evaluate on; None for no evaluation.
        batch_size: Number of examples in a training step. The last batch of an epoch may be smaller; it is used too.

    Attributes:
        name: Name of the engine.
        reason: Why it was chosen.
    """

    name: str
    reason: str = ""

    def __init__(self, model: Any, train: Split, validation: Split | None, batch_size: int) -> None:
        self.model = model
        self.train = train
        self.validation = validation
        self.batch_size = batch_size

    @property
    def num_batches(self) -> int:
        """Number of training steps in an epoch."""
        return math.ceil(num_examples(self.train[0]) / self.batch_size)

    @abstractmethod
    def train_epoch(
        self, order: NDArray[np.integer[Any]], callbacks: Any, images: NDArray[Any] | None = None
    ) -> dict[str, float]:
        """Train one epoch.

        Args:
            order: Row numbers of the training split in training order.
            callbacks: A `keras.callbacks.CallbackList`. For each block of batches, the engine calls
                `on_train_batch_begin` with the number of the first batch and `on_train_batch_end` with the number of
                the last. The epoch ends after a block if `model.stop_training` is set.
            images: Images that replace the training images in this epoch, row by row (augmentation); None for none.

        Returns:
            Metrics of the epoch, as `model.fit` reports them.
        """

    @abstractmethod
    def evaluate(self, callbacks: Any) -> dict[str, float]:
        """Evaluate the model on the whole validation split.

        Args:
            callbacks: A `keras.callbacks.CallbackList`; the engine calls `on_test_begin`, `on_test_batch_begin`,
                `on_test_batch_end` and `on_test_end`.

        Returns:
            Metrics without the prefix ``val_``; empty if there is no validation split.
        """

    def depends_only_on(self, variables: Iterable[Any], tables: Iterable[Any]) -> bool:
        """Whether its compiled functions use no other state, so that a training goes on once these are restored.

        Args:
            variables: Variables of Keras.
            tables: Lookup tables, which do not change.
        """
        return False

    @property
    def num_own_bytes(self) -> int:
        """Memory of arrays that no other engine uses, in bytes."""
        splits = [split for split in (self.train, self.validation) if split is not None]
        arrays = {id(array): array for split in splits for array in leaves(list(split))}
        return sum(2 * array.nbytes for array in arrays.values() if not is_constant(array))


def to_floats(logs: Mapping[str, Any]) -> dict[str, float]:
    """Convert the result of a training step to Python floats, sorted by name as `model.fit` reports them.

    Args:
        logs: Metrics by name. A metric with several named values is flattened; values that are not numbers are left
            out.

    Example:
        >>> to_floats({"loss": np.float32(0.5), "accuracy": 1, "each": {"f1": 0.25}})
        {'accuracy': 1.0, 'f1': 0.25, 'loss': 0.5}
    """
    result: dict[str, float] = {}
    for name, value in logs.items():
        if isinstance(value, Mapping):
            result.update(to_floats(value))
        elif np.ndim(value) == 0 and not isinstance(value, str):
            result[name] = float(value)
    return dict(sorted(result.items()))


def evaluation_size(model: Any, inputs: Structure, batch_size: int) -> int:
    """Choose the number of examples in an evaluation batch: that of a training step where the model fixes the size.

    Args:
        model: A Keras model.
        inputs: Inputs to evaluate on.
        batch_size: Number of examples in a training step.
    """
    return batch_size if has_fixed_batches(model) else evaluation_batch_size(inputs, batch_size)


def evaluation_batch_size(inputs: Structure, batch_size: int) -> int:
    """Choose the number of examples in an evaluation batch; it is never smaller than the training batch.

    Args:
        inputs: Inputs to evaluate on.
        batch_size: Number of examples in a training step.

    Example:
        >>> evaluation_batch_size(np.zeros((10, 28, 28, 1), np.float32), 32)
        1024
        >>> evaluation_batch_size(np.zeros((10, 224, 224, 3), np.float32), 32)
        32
    """
    bytes_each = max(1, num_bytes(take(inputs, slice(1))))
    return max(batch_size, min(MAX_EVALUATION_EXAMPLES, MAX_EVALUATION_BYTES // bytes_each))
