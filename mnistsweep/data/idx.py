"""The IDX format, in which MNIST, Fashion-MNIST, KMNIST and EMNIST are published.

A file is a header of big-endian 32-bit numbers and then the bytes of the array. The first number, called magic, encodes
type and dimension: 2049 (0x801) for a vector of unsigned bytes, the labels; 2051 (0x803) for a stack of images. The
size of each dimension follows. (LeCun, Cortes and Burges, "The MNIST database of handwritten digits", on file formats.)
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistsweep.errors import DataError, suggest

MAGIC = {"labels": 2049, "images": 2051}
DIMENSIONS = {"labels": 1, "images": 3}
GZIP_MAGIC = b"\x1f\x8b"


def read_folder(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Read the four files of a data set.

    Args:
        folder: Folder with ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and
            ``t10k-labels-idx1-ubyte``, each gzipped (``.gz``) or not; also spelt ``train-images.idx3-ubyte``.

    Returns:
        ``x_train``, ``y_train``, ``x_test``, ``y_test``: images ``(n, height, width)``, labels ``(n,)``.

    Raises:
        DataError: A file is missing or has another content; the message names all missing files.
    """
    wanted = {
        f"{axis}_{side}": (f"{stem}-{kind}", kind)
        for side, stem in (("train", "train"), ("test", "t10k"))
        for axis, kind in (("x", "images"), ("y", "labels"))
    }
    files = {name: _find(folder, stem, kind) for name, (stem, kind) in wanted.items()}
    missing = [f"{stem}-idx{DIMENSIONS[kind]}-ubyte" for name, (stem, kind) in wanted.items() if files[name] is None]
    if missing:
        remedy = suggest(missing[0], [entry.name for entry in folder.iterdir()]) or "the folder is empty"
        names = ", ".join(repr(name) for name in missing)
        raise DataError(f"the folder has no file {names}, nor the same with .gz: {remedy}")
    return {name: read_file(file, wanted[name][1]) for name, file in files.items() if file is not None}


def _find(folder: Path, stem: str, kind: str) -> Path | None:
    """Path of one of the four files, under any of its names; None where it is missing."""
    dimensions = DIMENSIONS[kind]
    spellings = [f"{stem}{joint}idx{dimensions}-ubyte{end}" for joint in "-." for end in ("", ".gz")]
    return next((folder / name for name in spellings if (folder / name).is_file()), None)


def read_file(file: Path, kind: str) -> NDArray[np.uint8]:
    """Read one file and check it against its header.

    Args:
        file: Path of the file. Its content shows whether it is gzipped: browsers unpack files without renaming.
        kind: ``images`` or ``labels``.

    Returns:
        ``(n, height, width)`` or ``(n,)``.

    Raises:
        DataError: The magic number or the length is wrong, the stream is damaged, or the file is not readable.
    """
    content = _content(file)
    dimensions = DIMENSIONS[kind]
    header = 4 * (1 + dimensions)
    if len(content) < header:
        raise DataError(f"{str(file)!r} is damaged: {len(content)} bytes, less than the header's {header}")
    magic, *shape = struct.unpack(f">{1 + dimensions}I", content[:header])
    if magic != MAGIC[kind]:
        other = next((f", the magic number of {name}" for name, number in MAGIC.items() if number == magic), "")
        raise DataError(
            f"{str(file)!r} is not an IDX file of {kind}: its magic number must be {MAGIC[kind]}; it is {magic}{other}"
        )
    if len(content) - header != math.prod(shape):
        sizes = " x ".join(str(size) for size in shape)
        raise DataError(
            f"{str(file)!r} is damaged: its header announces {sizes} bytes after the first {header}; "
            f"it has {len(content) - header}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _content(file: Path) -> bytes:
    """Bytes of a file, decompressed."""
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if content.startswith(GZIP_MAGIC) else content
    except (OSError, EOFError, zlib.error) as error:  # BadGzipFile is an OSError
        raise DataError(f"{str(file)!r} cannot be read: {type(error).__name__}: {error}") from error
