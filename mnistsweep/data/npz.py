"""NumPy archives of the four arrays; the packaged copy of MNIST is one."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.array_headers import ArrayHeader, read_header
from mnistsweep.data.files import require_file
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import DataError, suggest
from mnistsweep.memory import format_bytes, require_memory

_Result = TypeVar("_Result")

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def read_file(file: Path, names: Iterable[str] = ARRAYS) -> dict[str, NDArray[Any]]:
    """Read arrays from an ``.npz`` file; other arrays in it are ignored.

    Args:
        file: Written by ``numpy.savez`` or ``numpy.savez_compressed``.
        names: Names of the arrays to read.

    Returns:
        The arrays by name.

    Raises:
        DataError: The file is not an archive or is damaged, an array is missing, an array holds Python objects
            (these are pickled, and unpickling executes code from the file), or the arrays do not fit in the memory.
    """
    require_file(file)
    if not zipfile.is_zipfile(file):
        raise DataError(f"{str(file)!r} is not a complete .npz archive: write it with numpy.savez")
    names = tuple(names)
    try:
        with np.load(file, allow_pickle=False) as archive:
            _check_present(file, names, archive.files)
            _check_memory(file, [_of_array(file, name, lambda n: read_header(archive.zip, n)) for name in names])
            return {name: _of_array(file, name, archive.__getitem__) for name in names}
    except DataError:
        raise
    except Exception as error:  # damage makes zipfile, struct and NumPy raise many types of errors
        raise DataError(f"{str(file)!r} cannot be read: {describe_error(error)}") from error


def _check_present(file: Path, names: Sequence[str], present: Sequence[str]) -> None:
    missing = [name for name in names if name not in present]
    if missing:
        listed = ", ".join(repr(name) for name in missing)
        remedy = suggest(missing[0], present) or "the archive is empty"
        raise DataError(f"{str(file)!r} must hold {', '.join(ARRAYS)}; it has no {listed}: {remedy}")


def _check_memory(file: Path, headers: Sequence[ArrayHeader]) -> None:
    """Check that the arrays fit in the memory: a small archive may unpack to a large array."""
    largest = max(headers, key=lambda header: header.nbytes)
    total = sum(header.nbytes for header in headers)
    require_memory(total, f"{str(file)!r} unpacks to arrays of {format_bytes(total)} ({largest})")


def _of_array(file: Path, name: str, read: Callable[[str], _Result]) -> _Result:
    """Read something of an array; an error names the array and the file."""
    try:
        return read(name)
    except Exception as error:  # damage makes zipfile, zlib and NumPy raise many types of errors
        raise DataError(f"array {name!r} of {str(file)!r} cannot be read: {describe_error(error)}") from error


def read_verified(file: Path, sums: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Read arrays and compare each with its SHA-256, for a file that belongs to the installation.

    Args:
        file: An ``.npz`` file of this package.
        sums: SHA-256 of each array's bytes, in hexadecimal, by array name.

    Returns:
        The arrays by name.

    Raises:
        DataError: The file is missing or damaged; the message says how to reinstall.
    """
    remedy = "install mnistsweep again: python -m pip install --force-reinstall --no-deps mnistsweep"
    if not file.is_file():
        raise DataError(f"the installation of mnistsweep lacks {str(file)!r}; {remedy}")
    try:
        arrays = read_file(file, tuple(sums))
    except DataError as error:
        raise DataError(f"the installation of mnistsweep is damaged: {error}; {remedy}") from error
    for name, expected in sums.items():
        received = hashlib.sha256(np.ascontiguousarray(arrays[name]).data).hexdigest()
        if received != expected:
            raise DataError(
                f"the installation of mnistsweep is damaged: array {name!r} of {str(file)!r} must have the SHA-256 "
                f"{expected[:12]}... and has {received[:12]}...; {remedy}"
            )
    return arrays
