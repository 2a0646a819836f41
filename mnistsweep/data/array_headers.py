"""Headers of arrays in NumPy's file format, read and checked before the memory for an array is allocated."""

from __future__ import annotations

import math
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from mnistsweep.errors import DataError

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@dataclass(frozen=True)
class ArrayHeader:
    """Shape and type of a stored array.

    Attributes:
        name: Name of the array.
        shape: Length of each axis.
        dtype: NumPy's type of an element.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Size of the array in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.name}, shape {self.shape}, dtype {self.dtype}"


def read_header(archive: zipfile.ZipFile, name: str) -> ArrayHeader:
    """Read the header of an array in an ``.npz`` archive, and check it against the size of the array's file.

    Args:
        archive: Open archive.
        name: Name of the array.

    Raises:
        DataError: The header is damaged, the array holds Python objects, or it has another size than its file.
    """
    entry = archive.getinfo(name if name in archive.namelist() else f"{name}.npy")
    try:
        with archive.open(entry) as file:
            header = _parse(file, name)
            rest = entry.file_size - file.tell()
    except (DataError, OSError, EOFError, zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:  # a damaged header makes ast, tokenize and NumPy raise many types of errors
        raise DataError("its header is damaged; write the file again with numpy.savez") from error
    if header.nbytes != rest:
        raise DataError(
            f"its header announces {header.nbytes:,} bytes (shape {header.shape}, dtype {header.dtype}); "
            f"it has {rest:,}"
        )
    return header


def _parse(file: IO[bytes], name: str) -> ArrayHeader:
    version = np.lib.format.read_magic(file)
    if version not in _READERS:  # version 3 has names of fields that are not Latin
        raise DataError(f"its format has the version {version[0]}.{version[1]}; save it as an array of numbers")
    shape, _, dtype = _READERS[version](file)
    if dtype.hasobject:
        raise DataError("it holds pickled Python objects, which are not loaded; save it as an array of numbers")
    if dtype.names is not None:
        raise DataError(f"it holds records with the fields {', '.join(dtype.names)}; save it as an array of numbers")
    if not all(isinstance(length, int) and length >= 0 for length in shape):
        raise DataError(f"its header announces the shape {shape}; the length of an axis must be 0 or more")
    return ArrayHeader(name, shape, dtype)
