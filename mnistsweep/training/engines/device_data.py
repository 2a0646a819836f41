"""Copies of arrays on the device, shared by the engines that use the same array."""

from __future__ import annotations

import weakref
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

_copies: dict[int, tuple[weakref.ref[NDArray[Any]], Any]] = {}
"""Tensors by the `id` of the array that they copy; an entry is removed when its array is deleted."""


def on_device(array: NDArray[Any]) -> Any:
    """Return a copy of an array on the device.

    Args:
        array: Any array. A constant array (see `is_constant`) is copied once and its copy is reused as long as the
            array exists; any other array is copied at each call.

    Returns:
        A TensorFlow tensor.
    """
    if not is_constant(array):
        return copy_to_device(array)
    key = id(array)
    if key not in _copies:
        reference = weakref.ref(array, lambda _: _copies.pop(key, None))
        _copies[key] = (reference, copy_to_device(array))
    return _copies[key][1]


def is_constant(array: NDArray[Any]) -> bool:
    """Return whether an array, and every array that it is a view of, is read-only (``array.flags.writeable``)."""
    base: Any = array
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return False
        base = base.base
    return True


def copy_to_device(array: NDArray[Any]) -> Any:
    """Copy an array to the device, floats in Keras's default precision, as `model.fit` does.

    Args:
        array: Any array.

    Returns:
        A TensorFlow tensor.
    """
    import tensorflow as tf

    if np.issubdtype(array.dtype, np.floating):
        array = array.astype(keras.config.floatx(), copy=False)
    return tf.constant(array)
