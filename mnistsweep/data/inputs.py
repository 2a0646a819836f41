"""Inputs of a model as a loader returned them: converted to structures of NumPy arrays, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.scaling import chunks
from mnistsweep.data.structure import Structure, describe, leaves
from mnistsweep.errors import DataError

# Smallest height and width of a gray image without a channel axis: a `(n, 32, 3)` array is a series of 32 steps.
MIN_IMAGE_SIDE = 5


def convert_inputs(value: Any, side: str, source: str, num_targets: int | None = None) -> Structure:
    """Convert the inputs that a loader returned.

    Args:
        value: An array or anything that `numpy.asarray` converts to one, a dictionary, list or tuple of arrays, or a
            pandas DataFrame. A DataFrame with columns of different types becomes a dictionary of its columns. A list is
            a structure if its items are arrays of ``num_targets`` examples; otherwise it is converted to one array.
        side: ``training``, ``validation`` or ``test``, for messages.
        source: Description of the source, for messages.
        num_targets: Number of targets; None: unknown.

    Returns:
        A structure of arrays. Texts have dtype object. Gray images of bytes, ``(n, height, width)``, get a channel
        axis; every other array keeps its shape.

    Raises:
        DataError: A value cannot be converted; the message has its type, not its content.
    """
    if isinstance(value, Mapping):
        parts: Any = {str(key): convert_inputs(part, side, source) for key, part in value.items()}
    elif _is_table(value):
        return _convert_table(value, side, source)
    elif _is_structure(value, num_targets):
        parts = [convert_inputs(part, side, source) for part in value]
    else:
        return _with_channels(to_array(value, f"{side} inputs", source))
    if not parts:
        raise DataError(f"there are no {side} inputs: received {describe(value)} ({source})")
    return parts


def to_array(value: Any, name: str, source: str) -> NDArray[Any]:
    """Convert a value to an array of numbers or texts.

    Args:
        value: Anything that `numpy.asarray` converts, for example a tensor on the CPU or nested lists.
        name: Description of the value, for messages.
        source: Description of the source, for messages.

    Raises:
        DataError: The value is no array, has no axis, or holds other objects than numbers and texts.
    """
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{name} must be one array; received {describe(value)}: {error} ({source})") from error
    if array.ndim == 0:
        raise DataError(f"{name} must be one array, an entry for each example; received {describe(value)} ({source})")
    if array.dtype.kind in "UST":
        return array.astype(object)
    if array.dtype.kind == "O" and not all(isinstance(item, str) for item in array.flat):
        found = next(item for item in array.flat if not isinstance(item, str))
        raise DataError(f"{name} must be numbers or texts; received an array of {type(found).__name__} ({source})")
    return array


def check_inputs(inputs: Structure, count: int, side: str, source: str) -> None:
    """Check that inputs can be trained on.

    Args:
        inputs: Structure of arrays, as `convert_inputs` returns it.
        count: Number of targets.
        side: ``training``, ``validation`` or ``test``, for messages.
        source: Description of the source, for messages.

    Raises:
        DataError: The inputs are empty, are not as many as the targets, or hold values that are not finite.
    """
    for array in leaves(inputs):
        if len(array) != count:
            raise DataError(f"every input needs one target: {len(array)} {side} inputs, {count} targets ({source})")
        if array.size == 0:
            raise DataError(f"there are no {side} inputs: shape {array.shape} ({source})")
        if array.dtype.kind not in "buifO":
            raise DataError(f"{side} inputs must be numbers or texts; received dtype {array.dtype} ({source})")
        check_finite(array, f"{side} inputs", "input", source)


def check_finite(array: NDArray[Any], name: str, item: str, source: str) -> None:
    """Check that an array of floating-point numbers has only finite numbers, as float32, the type used in training.

    Args:
        array: Any array; others than floating-point ones pass.
        name: Description of the array, for messages.
        item: Word for one example, for messages.
        source: Description of the source, for messages.

    Raises:
        DataError: A number is not finite; the message names the first. 1e300 is finite only before the conversion.
    """
    if array.dtype.kind != "f":
        return
    for part in chunks(array):
        with np.errstate(over="ignore"):
            bad = ~np.isfinite(array[part].astype(np.float32))
        if bad.any():
            place = np.argwhere(bad)[0]
            value = array[part][tuple(place)]
            position = part.start + int(place[0])
            raise DataError(f"{name} must be finite float32 numbers; {item} {position} holds {value} ({source})")


def _is_structure(value: Any, count: int | None) -> bool:
    """Whether a list or tuple holds the arrays of several inputs, not the examples of one."""
    if not isinstance(value, list | tuple) or not value or len(value) == count:
        return False
    lengths = [len(part) if getattr(part, "shape", ()) else None for part in value]
    return all(length == (lengths[0] if count is None else count) and length is not None for length in lengths)


def _is_table(value: Any) -> bool:
    """Whether a value is a pandas DataFrame; pandas is not imported for values of other types."""
    return type(value).__name__ == "DataFrame" and hasattr(value, "dtypes") and hasattr(value, "columns")


def _convert_table(table: Any, side: str, source: str) -> Structure:
    """Convert a DataFrame: a table of numbers to one array, one of mixed types to a dictionary of its columns."""
    columns = {str(name): _column(table[name]) for name in table.columns}
    if columns and all(column.dtype.kind in "buif" for column in columns.values()):
        return np.stack(list(columns.values()), axis=1)
    return {name: to_array(column, f"{side} inputs, column {name!r}", source) for name, column in columns.items()}


def _column(column: Any) -> NDArray[Any]:
    """Convert a column; one of a nullable type of pandas without missing values has the type of NumPy."""
    numpy_type = getattr(column.dtype, "numpy_dtype", None)
    return np.asarray(column.to_numpy() if numpy_type is None or column.isna().any() else column.to_numpy(numpy_type))


def _with_channels(array: NDArray[Any]) -> NDArray[Any]:
    is_gray = array.dtype == np.uint8 and array.ndim == 3 and min(array.shape[1:], default=0) >= MIN_IMAGE_SIDE
    return array[..., np.newaxis] if is_gray else array
