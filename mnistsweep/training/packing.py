"""Nested plain values with arrays among them, converted to JSON and a list of bytes, and back."""

from __future__ import annotations

from typing import Any

import keras  # noqa: F401  (registers bfloat16 and other types with numpy)
import numpy as np
from numpy.typing import NDArray

# Key of the description that replaces an array in the JSON.
_ARRAY = "__array__"


def pack(value: Any, arrays: list[NDArray[np.uint8]]) -> Any:
    """Replace each array in a nested value by a description that JSON can represent.

    Args:
        value: Plain values, lists, dictionaries and numpy arrays.
        arrays: List to which the bytes of each array are appended.

    Returns:
        The value with ``{"__array__": [dtype, shape, number of bytes]}`` in place of each array.

    Example:
        >>> found = []
        >>> pack({"weights": [np.float32([1, 2])], "epoch": 3}, found)
        {'weights': [{'__array__': ['<f4', [2], 8]}], 'epoch': 3}
    """
    if isinstance(value, dict):
        return {key: pack(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [pack(item, arrays) for item in value]
    if not is_array(value):
        return value
    arrays.append(np.ascontiguousarray(value).reshape(-1).view(np.uint8))
    # numpy does not know the string of an extension type (bfloat16), but its name.
    dtype = value.dtype.name if value.dtype.kind == "V" else value.dtype.str
    return {_ARRAY: [dtype, list(value.shape), arrays[-1].size]}


def unpack(value: Any, data: NDArray[np.uint8]) -> Any:
    """Reverse `pack`.

    Args:
        value: Value that `pack` returned.
        data: Bytes of all arrays, one after the other.

    Returns:
        The nested value with writable copies of the arrays.
    """
    return _Unpacker(data).unpack(value)


def is_array(value: Any) -> bool:
    """Return whether a value is a numpy array or a numpy scalar that holds plain numbers or texts."""
    return isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject and value.dtype.names is None


class _Unpacker:
    """Reads the arrays in the order in which they were packed."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data
        self._position = 0

    def unpack(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.unpack(item) for item in value]
        if not isinstance(value, dict):
            return value
        if _ARRAY in value:
            return self._next_array(*value[_ARRAY])
        return {key: self.unpack(item) for key, item in value.items()}

    def _next_array(self, dtype: str, shape: list[int], size: int) -> Any:
        start, self._position = self._position, self._position + size
        array = self._data[start : self._position].copy().view(np.dtype(dtype)).reshape(shape)
        return array if shape else array[()]
