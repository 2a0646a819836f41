"""One batch of a stream, as arrays."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.examples import Examples
from mnistsweep.data.inputs import check_finite, to_array
from mnistsweep.data.parts import convert_targets, convert_weights
from mnistsweep.data.structure import Structure, describe, leaves, map_leaves
from mnistsweep.errors import DataError

FORMS = "(inputs, targets) or (inputs, targets, sample_weight)"


def unpack_batch(batch: Any) -> tuple[Any, ...]:
    """Inputs, targets and perhaps weights of a batch, as Keras unpacks them.

    Args:
        batch: Element of a dataset.

    Raises:
        DataError: The batch has other parts.
    """
    parts = tuple(batch) if isinstance(batch, tuple | list) else (batch,)
    if len(parts) == 3 and parts[2] is None:
        parts = parts[:2]
    if len(parts) not in (2, 3):
        raise DataError(f"a batch must be {FORMS}; received {describe(batch)}")
    return parts


def read_batch(batch: Any, side: str, source: str) -> Examples:
    """Convert a batch, and check it as arrays are checked.

    Args:
        batch: Element of a dataset.
        side: ``training``, ``validation`` or ``test``, for messages.
        source: Description of the source, for messages.

    Returns:
        Examples; inputs that no array can hold, such as ragged tensors, are unchanged.

    Raises:
        DataError: The batch has another form, or holds values that cannot be trained on.
    """
    try:
        x, y, *weights = unpack_batch(batch)
    except DataError as error:
        raise DataError(f"{error} ({side}, {source})") from error
    targets = convert_targets(map_leaves(decode_texts, y), side, source)
    inputs = map_leaves(lambda leaf: _dense(leaf, side, source), x)
    count = len(leaves(targets)[0])
    for array in leaves(inputs):
        if int(array.shape[0]) != count:
            raise DataError(
                f"a batch must have one target for each input: {array.shape[0]} {side} inputs, {count} targets "
                f"({source}); a dataset of single examples must be batched"
            )
        if isinstance(array, np.ndarray):
            check_finite(array, f"{side} inputs", "input of a batch,", source)
    return Examples(inputs, targets, convert_weights(weights[0], count, side, source) if weights else None)


def example_digests(examples: Examples) -> list[int]:
    """A hash of each example, 64 bits, from inputs, targets and weights.

    Args:
        examples: Examples.
    """
    rows = [_rows(leaf) for leaf in (*leaves(examples.inputs), *leaves(examples.targets))]
    if examples.weights is not None:
        rows.append(_rows(examples.weights))
    return [_digest(parts) for parts in zip(*rows, strict=True)]


def decode_texts(value: Any) -> NDArray[Any]:
    """A tensor or an array as an array; byte strings, as TensorFlow has them, become texts.

    Args:
        value: Anything that `numpy.asarray` converts.
    """
    array: NDArray[Any] = np.asarray(value)
    if array.dtype.kind != "O":
        return array
    texts = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in array.flat]
    return np.array(texts, dtype=object).reshape(array.shape)


def _digest(parts: tuple[bytes, ...]) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(part)
    return int.from_bytes(digest.digest(), "little")


def _rows(leaf: Any) -> list[bytes]:
    """Bytes of each row; an array without dense rows counts by its texts, or by its number of rows only."""
    if isinstance(leaf, np.ndarray):
        if leaf.dtype.kind == "O":
            return [repr(row if leaf.ndim == 1 else row.tolist()).encode("utf-8", "surrogatepass") for row in leaf]
        return [row.tobytes() for row in leaf]
    if hasattr(leaf, "to_list"):
        return [repr(row).encode() for row in leaf.to_list()]
    return [b""] * int(leaf.shape[0])


def _dense(leaf: Any, side: str, source: str) -> Structure:
    """An input as an array; a ragged or sparse tensor is returned unchanged."""
    if hasattr(leaf, "row_lengths") or hasattr(leaf, "dense_shape") or getattr(leaf, "is_sparse", False):
        return leaf
    return to_array(decode_texts(leaf), f"{side} inputs", source)
