"""A part of a data set that is not in memory: a dataset that delivers batches, and what one pass over it showed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mnistsweep.data.examples import Examples
from mnistsweep.data.streams.scan import Scan, read_all
from mnistsweep.data.streams.sources import Source
from mnistsweep.data.structure import Structure, concatenate, example_shapes
from mnistsweep.errors import DataError


@dataclass(frozen=True, eq=False)
class Stream:
    """Examples that a dataset delivers in batches, in place of `Examples`.

    Attributes:
        source: Dataset.
        scan: What one pass over it showed.
    """

    source: Source
    scan: Scan

    def __len__(self) -> int:
        return self.scan.num_examples

    @property
    def kind(self) -> str:
        """Name of the class of the dataset."""
        return self.source.kind

    @property
    def is_infinite(self) -> bool:
        """Whether the dataset never ends; then `len` is the number of examples that were read at the start."""
        return not self.scan.is_complete

    @property
    def own_batch_size(self) -> int | None:
        """Number of examples in a batch of the dataset; None: it has no batches of its own."""
        return self.scan.batch_size if self.source.is_batched else None

    @property
    def targets(self) -> Structure:
        """Targets that one pass delivered; another pass may deliver them in another order."""
        return self.scan.targets

    @property
    def has_weights(self) -> bool:
        """Whether the batches hold sample weights."""
        return self.scan.first.weights is not None

    def read(self, side: str) -> Examples:
        """Read the stream into memory (`scan.read_all`); each reading gives the same examples in the same order.

        Args:
            side: ``validation`` or ``test``, for messages.

        Raises:
            DataError: The stream cannot be read, has other values at each reading, or does not fit into memory.
        """
        return read_all(self.source, side, self.kind, must_repeat=True)

    def joined(self, other: Stream | Examples) -> Stream:
        """The examples of this stream, then those of another one.

        Args:
            other: Stream of the same kind.

        Raises:
            DataError: The streams cannot be joined.
        """
        if self.is_infinite or isinstance(other, Examples) or self.kind != other.kind:
            raise DataError(
                "report.refit: training and validation data cannot be joined: the training data never ends, or the two "
                "are of different kinds; use report.refit=false"
            )
        here, there = self.scan, other.scan
        scan = replace(
            here,
            targets=concatenate(here.targets, there.targets),
            num_examples=here.num_examples + there.num_examples,
            num_batches=here.num_batches + there.num_batches,
            digests=np.concatenate([here.digests, there.digests]),
        )
        return Stream(self.source.joined(other.source), scan)

    @property
    def input_shape(self) -> Any:
        """Shape of one input, or a structure of shapes; None for an axis of varying length."""
        specs = getattr(self.source.raw, "element_spec", None)
        if not isinstance(specs, tuple) or not specs or not self.source.spec or not self.source.is_batched:
            return example_shapes(self.scan.first.inputs)
        return _shapes(specs[0], example_shapes(self.scan.first.inputs))

    def num_batches(self, batch_size: int) -> int:
        """Number of batches in a pass.

        Args:
            batch_size: Number of examples in a batch, where the dataset has no batches of its own.
        """
        return self.scan.num_batches if self.source.is_batched else -(-len(self) // batch_size)

    def first_examples(self, count: int) -> Examples:
        """The first examples of the first batch.

        Args:
            count: Maximum number.
        """
        return self.scan.first.take(slice(count))


def _shapes(specs: Any, found: Any) -> Any:
    """Shapes that a dataset declares, in the form of those that were found."""
    if isinstance(found, dict):
        return {key: _shapes(specs[key], value) for key, value in found.items()}
    if isinstance(found, list):
        return [_shapes(spec, value) for spec, value in zip(specs, found, strict=True)]
    rank = getattr(specs.shape, "rank", None)
    return found if rank is None else tuple(specs.shape)[1:]
