"""Inputs of a model as a loader returned them: converted to structures of NumPy arrays, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.scaling import chunks
from mnistsweep.data.structure import Structure, describe, named_leaves
from mnistsweep.data.unsupported import advice, dtype_advice, item_advice
from mnistsweep.errors import DataError

# Smallest height and width of a gray image without a channel axis: a `(n, 32, 3)` array is a series of 32 steps.
MIN_IMAGE_SIDE = 5


def convert_inputs(
    value: Any, side: str, source: str, num_targets: int | None = None, key: str | None = None
) -> Structure:
    """Convert the inputs that a loader returned.

    Args:
        value: An array or anything that `numpy.asarray` converts to one, a dictionary, list or tuple of arrays, or a
            pandas DataFrame. A DataFrame with columns of different types becomes a dictionary of its columns. A list is
            a structure if its items are arrays of ``num_targets`` examples; otherwise it is converted to one array.
        side: ``training``, ``validation`` or ``test``, for messages.
        source: Description of the source, for messages.
        num_targets: Number of targets; None: unknown.
        key: Key of the value in a dictionary of inputs, for messages.

    Returns:
        A structure of arrays. Texts have dtype object. Gray images of bytes, ``(n, height, width)``, get a channel
        axis; every other array keeps its shape.

    Raises:
        DataError: A value cannot be converted; the message has its type, not its content.
    """
    if isinstance(value, Mapping):
        parts: Any = {str(key): convert_inputs(part, side, source, key=str(key)) for key, part in value.items()}
    elif _is_table(value):
        return _convert_table(value, side, source)
    elif _is_structure(value, num_targets):
        parts = [convert_inputs(part, side, source) for part in value]
    else:
        name = f"{side} inputs" if key is None else f"{side} inputs {key!r}"
        return _with_channels(to_array(value, name, source))
    if not parts:
        raise DataError(f"there are no {side} inputs; received {describe(value)} ({source})")
    return parts


def column_names(value: Any) -> tuple[str, ...]:
    """Names of the columns of a pandas DataFrame or Series; empty for any other value.

    Args:
        value: Inputs or targets as a loader returned them.
    """
    if _is_table(value):
        return tuple(str(name) for name in value.columns)
    name = getattr(value, "name", None) if type(value).__name__ == "Series" else None
    return () if name is None else (str(name),)


def to_array(value: Any, name: str, source: str) -> NDArray[Any]:
    """Convert a value to an array of numbers or texts.

    Args:
        value: Anything that `numpy.asarray` converts, for example a tensor on the CPU or nested lists.
        name: Description of the value, for messages.
        source: Description of the source, for messages.

    Raises:
        DataError: The value is no array, has no axis, or holds other objects than numbers and texts.
    """
    rule = f"{name} must be one array, an entry for each example; received {describe(value)}"
    if remedy := advice(value):
        raise DataError(f"{rule}; {remedy} ({source})")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        remedy = (
            "give its items one length (keras.utils.pad_sequences)" if "inhomogeneous" in str(error) else str(error)
        )
        raise DataError(f"{rule}; {remedy} ({source})") from error
    if array.ndim == 0:
        raise DataError(f"{rule} ({source})")
    if array.dtype.kind in "UST":
        return array.astype(object)
    if array.dtype.kind == "O":
        _check_texts(array, name, source)
    elif array.dtype.kind not in "buif":
        raise DataError(
            f"{name} must be numbers or texts; received {describe(array)}; {dtype_advice(array.dtype)} ({source})"
        )
    return array


def _check_texts(array: NDArray[Any], name: str, source: str) -> None:
    """Check that an array of objects has only texts.

    Raises:
        DataError: It has something else; the message has the type of the first such object, and its position.
    """
    for position, item in enumerate(array.flat):
        if not isinstance(item, str):
            example = position * len(array) // array.size
            raise DataError(
                f"{name} must be numbers or texts; received an array of objects, example {example} holds "
                f"{describe(item)}; {item_advice(item)} ({source})"
            )


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
    for key, array in named_leaves(inputs):
        name = f"{side} inputs{f' {key}' if key else ''}"
        if len(array) != count:
            raise DataError(f"every input needs one target: {len(array)} {name}, {count} targets ({source})")
        if array.size == 0:
            raise DataError(f"there are no {name}: shape {array.shape} ({source})")
        check_finite(array, name, "input", source)


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
    return {name: to_array(column, f"{side} inputs {name!r}", source) for name, column in columns.items()}


def _column(column: Any) -> NDArray[Any]:
    """Convert a column; one of a nullable type of pandas without missing values has the type of NumPy."""
    numpy_type = getattr(column.dtype, "numpy_dtype", None)
    return np.asarray(column.to_numpy() if numpy_type is None or column.isna().any() else column.to_numpy(numpy_type))


def _with_channels(array: NDArray[Any]) -> NDArray[Any]:
    is_gray = array.dtype == np.uint8 and array.ndim == 3 and min(array.shape[1:], default=0) >= MIN_IMAGE_SIDE
    return array[..., np.newaxis] if is_gray else array
