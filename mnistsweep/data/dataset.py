"""The data of a trial: training and validation split, in memory or as streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.augmentation import Augmentation
from mnistsweep.data.examples import Examples
from mnistsweep.data.structure import Structure
from mnistsweep.data.task import PossibleTasks, Task
from mnistsweep.errors import ConfigError, DataError

if TYPE_CHECKING:
    from mnistsweep.data.streams.stream import Stream


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
