"""One pass over a stream: what it delivers, and what identifies its data."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optree
from numpy.typing import NDArray

from mnistsweep import memory
from mnistsweep.data.examples import Examples
from mnistsweep.data.streams.batches import example_digests, read_batch
from mnistsweep.data.streams.sources import Source
from mnistsweep.data.structure import Structure, concatenate_all, leaves, map_leaves, num_bytes
from mnistsweep.errors import DataError
from mnistsweep.user_code import explained

# Number of batches that are read of a dataset that never ends.
MAX_INFINITE_BATCHES = 64

# Number of batches that are read a second time, to see whether the order and the values are the same.
NUM_REPEATED = 2

# Maximum memory of the targets that a scan keeps; targets with more than two axes are kept of the first batch only.
MAX_TARGET_BYTES = 2**28


@dataclass(frozen=True, eq=False)
class Scan:
    """Result of one pass over a stream.

    Attributes:
        first: First batch.
        targets: Targets of the examples, in the order of the pass; for large targets those of the first batches.
        num_examples: Number of examples that were read.
        num_batches: Number of batches that were read.
        is_complete: Whether the pass came to the end of the stream; False for one that never ends.
        has_fixed_values: Whether a second reading gave the same examples, in any order.
        has_fixed_order: Whether a second reading gave the same examples in the same order.
        digests: Hash of each example, in the order of the pass.
        spec: Types and shapes of a batch.
    """

    first: Examples
    targets: Structure
    num_examples: int
    num_batches: int
    is_complete: bool
    has_fixed_values: bool
    has_fixed_order: bool
    digests: NDArray[np.uint64]
    spec: tuple[str, ...]

    @property
    def identity(self) -> bytes:
        """What identifies the data: types and shapes, then the examples in any order, as far as they can be read again.

        Of a stream with other values at each reading, such as random distortions, the number of examples remains. Of an
        infinite one the first examples count if they are always the same.
        """
        digest = hashlib.sha256("\n".join(self.spec).encode())
        if self.is_complete:
            digest.update(f"\n{self.num_examples}".encode())
        if self.has_fixed_values if self.is_complete else self.has_fixed_order:
            digest.update(np.sort(self.digests).tobytes())
        return digest.digest()

    @property
    def batch_size(self) -> int:
        """Number of examples in the first batch."""
        return len(self.first)


def scan(source: Source, side: str, description: str) -> Scan:
    """Read a stream once, and its first batches a second time.

    Args:
        source: Dataset.
        side: ``training`` or ``validation``, for messages.
        description: Description of the source, for messages.

    Raises:
        DataError: The stream is empty, cannot be read, or delivers what cannot be trained on.
    """
    with explained(lambda reason: DataError(f"the {side} data cannot be read: {reason} ({description})")):
        seen = _Reader(side, description)
        limit = MAX_INFINITE_BATCHES if source.is_infinite else None
        for batch in itertools.islice(source.batches(), limit):
            seen.add(batch)
        if not seen.digests:
            raise DataError(f"there are no {side} examples: the dataset is empty ({description})")
        again = _Reader(side, description)
        for batch in itertools.islice(source.batches(), NUM_REPEATED):
            again.add(batch)
    return Scan(
        first=seen.first,
        targets=concatenate_all(seen.targets),
        num_examples=len(seen.digests),
        num_batches=seen.num_batches,
        is_complete=not source.is_infinite,
        has_fixed_values=set(again.digests) <= set(seen.digests),
        has_fixed_order=again.digests == seen.digests[: len(again.digests)],
        digests=np.array(seen.digests, np.uint64),
        spec=tuple(source.spec) or _spec(seen.first),
    )


def read_all(source: Source, side: str, description: str, must_repeat: bool = False) -> Examples:
    """Read a stream into memory, once, so that inputs and targets stay together.

    The examples of a stream that is shuffled at each reading are put in an order of their content: results that refer
    to positions hold for the next reading too.

    Args:
        source: Dataset.
        side: ``validation`` or ``test``, for messages.
        description: Description of the source, for messages.
        must_repeat: Whether a stream with other values at each reading is refused.

    Raises:
        DataError: The stream is empty or never ends, cannot be read, or does not fit into memory.
    """
    if source.is_infinite:
        raise DataError(f"the {side} data must end; received an infinite {source.kind} ({description})")
    with explained(lambda reason: DataError(f"the {side} data cannot be read: {reason} ({description})")):
        parts: list[Examples] = []
        for batch in source.batches():
            parts.append(read_batch(batch, side, description))
            if len(parts) == 1:
                _require_arrays(parts[0], source, side, description)
        if not parts:
            raise DataError(f"there are no {side} examples: the dataset is empty ({description})")
        again = example_digests(read_batch(next(iter(source.batches())), side, description))
    digests = [digest for part in parts for digest in example_digests(part)]
    if must_repeat and not set(again) <= set(digests):
        raise DataError(f"the {side} data have other values at each reading, so that results differ ({description})")
    weights = [part.weights for part in parts if part.weights is not None]
    inputs, targets = (concatenate_all([getattr(part, name) for part in parts]) for name in ("inputs", "targets"))
    examples = Examples(inputs, targets, np.concatenate(weights) if weights else None)
    return examples if digests[: len(again)] == again else examples.take(np.argsort(np.array(digests, np.uint64)))


def _require_arrays(first: Examples, source: Source, side: str, description: str) -> None:
    """Check that a stream can be kept in memory: its batches are arrays, and the memory suffices."""
    kinds = sorted({type(leaf).__name__ for leaf in leaves(first.inputs) if not isinstance(leaf, np.ndarray)})
    if kinds:
        raise DataError(f"the {side} inputs must be arrays to be kept in memory; received {kinds} ({description})")
    if source.num_elements is not None:
        share = 1.0 if source.is_batched else 1.0 / len(first)
        size = 2 * share * source.num_elements * (num_bytes(first.inputs) + num_bytes(first.targets))
        memory.require_memory(size, f"the {side} data ({description}) need {memory.format_bytes(size)}")


@dataclass
class _Reader:
    """Collects what a pass delivers."""

    side: str
    description: str
    digests: list[int] = field(default_factory=list)
    targets: list[Structure] = field(default_factory=list)
    num_batches: int = 0
    _num_bytes: int = 0
    _first: Examples | None = None

    @property
    def first(self) -> Examples:
        """First batch."""
        assert self._first is not None
        return self._first

    def add(self, batch: Any) -> None:
        """Read a batch."""
        examples = read_batch(batch, f"{self.side} (batch {self.num_batches})", self.description)
        self._first = examples if self._first is None else self._first
        self.num_batches += 1
        self.digests += example_digests(examples)
        is_small = all(leaf.ndim <= 2 for leaf in leaves(examples.targets)) and self._num_bytes < MAX_TARGET_BYTES
        if is_small or not self.targets:
            self._num_bytes += num_bytes(examples.targets)
            self.targets.append(examples.targets)


def _spec(examples: Examples) -> tuple[str, ...]:
    """Types and shapes of one example."""
    described = map_leaves(lambda leaf: f"{leaf.dtype}{tuple(leaf.shape[1:])}", (examples.inputs, examples.targets))
    return tuple(map(str, optree.tree_leaves(described)))
