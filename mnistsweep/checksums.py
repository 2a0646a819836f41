"""Checksums: of arrays, which identify training data and test sets, and of files, which identify saved models."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def array_checksum(*arrays: NDArray[Any]) -> str:
    """Compute the checksum of arrays. Sweep folders and reports store it, so its value must not change.

    Args:
        *arrays: Arrays of numbers, or of texts (dtype object); their order counts.

    Returns:
        The first 16 hexadecimal digits of a SHA-256 over the dtype, shape and bytes (in C order) of each array.

    Example:
        >>> array_checksum(np.arange(3, dtype=np.uint8))
        'f85a16cb15ea56a8'
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(_content(array))
    return digest.hexdigest()[:16]


def file_checksum(path: Path) -> str:
    """Compute the checksum of a file, as the program ``sha256sum`` does. Ledgers and reports store it.

    Args:
        path: Path of the file.

    Returns:
        The SHA-256 of the content, 64 hexadecimal digits.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content(array: NDArray[Any]) -> Any:
    """Bytes of an array in C order; those of texts are their lengths and UTF-8 codes, not their addresses."""
    if array.dtype.kind != "O":
        return np.ascontiguousarray(array).data
    texts = [str(text).encode("utf-8", "surrogatepass") for text in array.flat]
    return b"".join(len(text).to_bytes(8, "little") + text for text in texts)
