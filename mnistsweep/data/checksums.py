"""Checksums of arrays: they identify training data and test sets by their content."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def array_checksum(*arrays: NDArray[Any]) -> str:
    """Compute the checksum of arrays. Sweep folders and reports store it, so its value must not change.

    Args:
        *arrays: Arrays of any dtype without Python objects; their order counts.

    Returns:
        The first 16 hexadecimal digits of a SHA-256 over the dtype, shape and bytes (in C order) of each array.

    Example:
        >>> array_checksum(np.arange(3, dtype=np.uint8))
        'f85a16cb15ea56a8'
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
