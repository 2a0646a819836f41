"""Kinds of datasets that deliver batches. Each class is the same interface to another library."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import optree

from mnistsweep.errors import DataError

# Number of examples in a batch in which examples are read that the dataset delivers one by one.
READ_BATCH = 32


class Source(ABC):
    """A dataset object that Keras's `fit` takes.

    Args:
        raw: The object, as the loader returned it or a part of it.

    Attributes:
        kind: Name of its class, for messages.
        base: By what it is recognised without an import: name of a base class and beginning of the name of its module.
        is_batched: Whether it delivers batches; otherwise it delivers examples, which are batched.
    """

    kind: str
    base: tuple[str, str]
    is_batched = True

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    @property
    @abstractmethod
    def num_elements(self) -> int | None:
        """Number of batches, or of examples that are not batched; None where it is not known, or infinite."""

    @property
    @abstractmethod
    def is_infinite(self) -> bool:
        """Whether the dataset declares that it never ends."""

    @property
    def spec(self) -> list[str]:
        """Type and shape of each array of an element, where the dataset declares them."""
        return []

    @abstractmethod
    def part(self, start: int, stop: int) -> Source:
        """Some consecutive elements.

        Args:
            start: Index of the first element.
            stop: Index after the last element.

        Raises:
            DataError: The dataset has no order in which parts can be taken.
        """

    @abstractmethod
    def joined(self, other: Source) -> Source:
        """The elements of this dataset, then those of another one of the same kind.

        Raises:
            DataError: The datasets cannot be joined.
        """

    def batched(self, batch_size: int) -> Any:
        """The dataset in batches, as `model.fit` takes it.

        Args:
            batch_size: Number of examples in a batch, where the dataset has no batches of its own.
        """
        return self.raw

    def batches(self) -> Iterator[Any]:
        """Iterate over the batches once, as in an epoch."""
        return iter(self.batched(READ_BATCH))


class TensorFlowSource(Source):
    """A `tf.data.Dataset`."""

    kind = "tf.data.Dataset"
    base = ("DatasetV2", "tensorflow.")

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        self.is_batched = _is_batched(raw)

    @property
    def num_elements(self) -> int | None:
        """Cardinality; None where it is unknown or infinite."""
        count = int(self.raw.cardinality())
        return count if count >= 0 else None

    @property
    def is_infinite(self) -> bool:
        """Whether the cardinality is infinite, ``tf.data.INFINITE_CARDINALITY``."""
        return int(self.raw.cardinality()) == -1

    @property
    def spec(self) -> list[str]:
        """Types and shapes of the element specification."""
        return [f"{spec.dtype.name}{_shape(spec)}" for spec in _leaf_specs(self.raw)]

    def part(self, start: int, stop: int) -> TensorFlowSource:
        """Elements by `skip` and `take`."""
        return self._derived(self.raw.skip(start).take(stop - start))

    def joined(self, other: Source) -> TensorFlowSource:
        """Both datasets by `concatenate`."""
        return self._derived(self.raw.concatenate(other.raw))

    def batched(self, batch_size: int) -> Any:
        """The dataset, batched if it is not."""
        return self.raw if self.is_batched else self.raw.batch(batch_size)

    def _derived(self, raw: Any) -> TensorFlowSource:
        result = copy.copy(self)  # the shapes of a part need not show whether it is batched
        result.raw = raw
        return result


class PyDatasetSource(Source):
    """A `keras.utils.PyDataset`; its batches have numbers."""

    kind = "keras.utils.PyDataset"
    base = ("PyDataset", "keras.")

    @property
    def num_elements(self) -> int | None:
        """Number of batches; None: infinite."""
        count = self.raw.num_batches
        return None if count is None else int(count)

    @property
    def is_infinite(self) -> bool:
        """Whether the dataset has no number of batches."""
        return self.raw.num_batches is None

    def part(self, start: int, stop: int) -> PyDatasetSource:
        """A dataset of the batches from one number to another."""
        from mnistsweep.data.streams.py_datasets import Part

        return PyDatasetSource(Part(self.raw, start, stop))

    def joined(self, other: Source) -> PyDatasetSource:
        """A dataset of the batches of both."""
        from mnistsweep.data.streams.py_datasets import Joined

        return PyDatasetSource(Joined(self.raw, other.raw))

    def batches(self) -> Iterator[Any]:
        """The batches in the order of their numbers, between the events of an epoch."""
        self.raw.on_epoch_begin()
        yield from iter(self.raw)
        self.raw.on_epoch_end()


class DataLoaderSource(Source):
    """A `torch.utils.data.DataLoader`."""

    kind = "torch.utils.data.DataLoader"
    base = ("DataLoader", "torch.utils.data")

    @property
    def num_elements(self) -> int | None:
        """Number of batches; None for a data set that is only iterable."""
        try:
            return len(self.raw)
        except TypeError:
            return None

    @property
    def is_infinite(self) -> bool:
        """False: a `DataLoader` does not declare it."""
        return False

    def part(self, start: int, stop: int) -> Source:
        """Not possible."""
        raise DataError("data.validation: cannot be taken from a torch DataLoader; return (train, validation, test)")

    def joined(self, other: Source) -> Source:
        """Not possible."""
        raise DataError("report.refit: two torch DataLoaders cannot be joined; use report.refit=false")


def source_class(value: object) -> type[Source] | None:
    """The class for a dataset that delivers batches; None for any other value.

    Args:
        value: Any value.
    """
    for parent in type(value).__mro__:
        for kind in (TensorFlowSource, PyDatasetSource, DataLoaderSource):
            name, module = kind.base
            if parent.__name__ == name and str(parent.__module__).startswith(module):
                return kind
    return None


def is_dataset(value: object) -> bool:
    """Whether a value is a dataset that delivers batches.

    Args:
        value: Any value.
    """
    return source_class(value) is not None


def open_source(raw: Any) -> Source:
    """The interface to a dataset.

    Args:
        raw: Value for which `is_dataset` is true.
    """
    found = source_class(raw)
    assert found is not None
    return found(raw)


def _leaf_specs(dataset: Any) -> list[Any]:
    return [spec for spec in optree.tree_leaves(dataset.element_spec) if hasattr(spec, "dtype")]


def _shape(spec: Any) -> tuple[int | None, ...] | None:
    return None if spec.shape.rank is None else tuple(spec.shape)


def _is_batched(dataset: Any) -> bool:
    """Whether the elements are batches. As in `model.fit` they are, unless their shapes show that they are examples.

    An element with a scalar in it, or with arrays of different first axes, is an example.
    """
    shapes = [_shape(spec) for spec in _leaf_specs(dataset)]
    if None in shapes:  # not declared: the first element shows it
        first: Any = next(iter(dataset), None)
        shapes = [tuple(leaf.shape) for leaf in optree.tree_leaves(first)]
    return all(shapes) and len({shape[0] for shape in shapes if shape}) == 1
