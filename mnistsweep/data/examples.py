"""Records of a loaded data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.checksums import array_checksum
from mnistsweep.data import structure
from mnistsweep.data.augmentation import Augmentation
from mnistsweep.data.scaling import Scaling
from mnistsweep.data.structure import Structure
from mnistsweep.data.task import PossibleTasks, Task
from mnistsweep.errors import ConfigError, DataError

if TYPE_CHECKING:
    from mnistsweep.data.streams.stream import Stream


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


@dataclass(frozen=True, eq=False)
class Dataset:
    """Data of a trial: a training split and a validation split, in memory or streams. The test set is not included.

    Attributes:
        train: Training split, after the split and ``data.train_limit``.
        validation: Validation split, on which scores are measured.
        tasks: `PossibleTasks` of the targets, for several outputs a structure of them. The model decides between the
            possible tasks (`training.target_form`).
        checksum: Checksum of the training set before split and scaling (`data.checksum`).
        augmentation: Random distortions of the training images; None without augmentation.
        columns: Names of the columns of a table of numbers; empty where the source has none.
        num_folds: Number of folds of a cross-validation (``data.folds``); 1 without one. `train` and `validation` are
            the splits of the first fold.
        load_fold: Function from the index of a fold to its data set; None without cross-validation.
        reopen: Function that calls the loader again, for data that stream; None for arrays.
    """

    train: Examples | Stream
    validation: Examples | Stream
    tasks: Structure
    checksum: str = ""
    augmentation: Augmentation | None = None
    columns: tuple[str, ...] = ()
    num_folds: int = 1
    load_fold: Callable[[int], Dataset] | None = None
    reopen: Callable[[], Dataset] | None = None

    def fold(self, index: int) -> Dataset:
        """Data set of one fold: the fold validates, all others train.

        Args:
            index: Index of the fold, from 0.
        """
        return self.load_fold(index) if index and self.load_fold is not None else self

    @property
    def input_shape(self) -> Any:
        """Shape of one input, ``(height, width, channels)`` for images; for several inputs a structure of shapes."""
        return self.train.input_shape

    @property
    def is_stream(self) -> bool:
        """Whether the training split streams."""
        return not isinstance(self.train, Examples)

    def steps(self, batch_size: int, steps_per_epoch: int | None) -> int:
        """Number of training steps in an epoch.

        Args:
            batch_size: Number of examples in a step, where the data have no batches of their own.
            steps_per_epoch: Value of `trainer.steps_per_epoch`.

        Raises:
            ConfigError: It is missing for data that never end, or given for data that end.
        """
        is_infinite = not isinstance(self.train, Examples) and self.train.is_infinite
        rule = "trainer.steps_per_epoch: must be the number of batches in an epoch for training data that never end"
        if is_infinite and steps_per_epoch is None:
            raise ConfigError(f"{rule}; received null; set trainer.steps_per_epoch=100, for example")
        if not is_infinite and steps_per_epoch is not None:
            raise ConfigError(
                f"{rule}; received {steps_per_epoch} for data of {len(self.train)} examples; remove the key, or let "
                "the dataset repeat (dataset.repeat())"
            )
        return steps_per_epoch or self.train.num_batches(batch_size)

    def fresh(self) -> Dataset:
        """The same data for one more training; datasets that shuffle start with the order of their first epoch."""
        return self if self.reopen is None else self.reopen()

    def train_arrays(self, purpose: str) -> Examples:
        """The training split, which must be in memory.

        Args:
            purpose: What needs arrays, for the message.

        Raises:
            DataError: The training split streams.
        """
        if isinstance(self.train, Examples):
            return self.train
        raise DataError(f"data: {purpose} needs arrays, and the loader returns a {self.train.kind}, which streams")

    @cached_property
    def validation_arrays(self) -> Examples:
        """The validation split; one that streams is read into memory, once.

        Raises:
            DataError: It cannot be read, or does not fit into memory.
        """
        return self.validation if isinstance(self.validation, Examples) else self.validation.read("validation")

    @property
    def num_classes(self) -> int | None:
        """Number of classes of the only output; None where the targets cannot be classes."""
        return self.tasks.num_classes if isinstance(self.tasks, PossibleTasks) else None

    @property
    def classes(self) -> int:
        """Number of classes.

        Raises:
            DataError: The targets cannot be classes.
        """
        return len(class_task(self.tasks).values)

    def labels(self, examples: Examples) -> NDArray[np.int32]:
        """Class numbers ``0 .. K-1`` of examples, ``(n,)``.

        Args:
            examples: Examples of this data set.

        Raises:
            DataError: The targets cannot be classes.
        """
        return class_task(self.tasks).encode(examples.targets, "targets", "the data set").astype(np.int32)

    @property
    def whole(self) -> Dataset:
        """Data with both splits as training split, to retrain the selected model.

        The validation split is part of it, so validation scores of such a training mean nothing.
        """
        if isinstance(self.train, Examples):
            return replace(self, train=self.train.joined(self.validation_arrays), num_folds=1, load_fold=None)
        joined = self.train.joined(self.validation)

        def reopen() -> Dataset:
            return self.fresh().whole

        return replace(self, train=joined, reopen=reopen)


def class_task(tasks: Structure) -> Task:
    """The task with which the targets of the only output are classes.

    Args:
        tasks: `Dataset.tasks`.

    Raises:
        DataError: There are several outputs, or the targets cannot be classes.
    """
    if not isinstance(tasks, PossibleTasks):
        raise DataError(f"data.target: class labels are required; the loader returns {len(tasks)} targets per example")
    return tasks.of_classes()


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
