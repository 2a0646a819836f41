"""NumPy archives of the four arrays; the packaged copy of MNIST is one."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.errors import DataError, suggest

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def read_file(file: Path, names: Iterable[str] = ARRAYS) -> dict[str, NDArray[Any]]:
    """Read arrays from an ``.npz`` file; other arrays in it are ignored.

    Args:
        file: Written by ``numpy.savez`` or ``numpy.savez_compressed``.
        names: Names of the arrays to read.

    Returns:
        The arrays by name.

    Raises:
        DataError: The file is not an archive or is damaged, an array is missing, or an array holds Python objects
            (these are pickled, and unpickling executes code from the file).
    """
    if not zipfile.is_zipfile(file):
        raise DataError(f"{str(file)!r} is not a complete .npz archive: write it with numpy.savez")
    try:
        with np.load(file, allow_pickle=False) as archive:
            _check_present(file, names, archive.files)
            return {name: _read_array(file, archive, name) for name in names}
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{str(file)!r} cannot be read: {type(error).__name__}: {error}") from error


def _check_present(file: Path, names: Iterable[str], present: list[str]) -> None:
    missing = [name for name in names if name not in present]
    if missing:
        listed = ", ".join(repr(name) for name in missing)
        remedy = suggest(missing[0], present) or "the archive is empty"
        raise DataError(f"{str(file)!r} must hold {', '.join(ARRAYS)}; it has no {listed}: {remedy}")


def _read_array(file: Path, archive: Any, name: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = archive[name]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            reason = "it holds pickled Python objects, which are not loaded; save it as an array of numbers"
        else:
            reason = f"{type(error).__name__}: {error}"
        raise DataError(f"array {name!r} of {str(file)!r} cannot be read: {reason}") from error
    return array


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
