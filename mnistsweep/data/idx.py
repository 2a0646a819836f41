"""The IDX format, in which MNIST, Fashion-MNIST, KMNIST and EMNIST are published.

A file is a header of big-endian 32-bit numbers and then the bytes of the array. The first number, called magic, encodes
type and dimension: 2049 (0x801) for a vector of unsigned bytes, the labels; 2051 (0x803) for a stack of images. The
size of each dimension follows. (LeCun, Cortes and Burges, "The MNIST database of handwritten digits", on file formats.)
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.files import require_file
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import DataError, suggest
from mnistsweep.memory import format_bytes, require_memory
from mnistsweep.path_checks import is_missing

MAGIC = {"labels": 2049, "images": 2051}
DIMENSIONS = {"labels": 1, "images": 3}
GZIP_MAGIC = b"\x1f\x8b"

# Deflate, the compression of gzip, makes a file at most 1032 times smaller.
MAX_GZIP_RATIO = 1032

READ_BYTES = 2**20

Stream = IO[bytes] | gzip.GzipFile


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
    found = [folder / name for name in spellings if not is_missing(folder / name)]
    return next((file for file in found if file.is_file()), found[0] if found else None)


def read_file(file: Path, kind: str) -> NDArray[np.uint8]:
    """Read one file and check it against its header.

    Args:
        file: Path of the file. Its content shows whether it is gzipped: browsers unpack files without renaming.
        kind: ``images`` or ``labels``.

    Returns:
        ``(n, height, width)`` or ``(n,)``.

    Raises:
        DataError: The magic number or the length is wrong, the stream is damaged, the file is not readable, or the
            array does not fit in the memory.
    """
    require_file(file)
    try:
        with file.open("rb") as stored:
            size = os.fstat(stored.fileno()).st_size
            if stored.read(len(GZIP_MAGIC)) != GZIP_MAGIC:
                stored.seek(0)
                return _read_stream(file, stored, kind, at_most=size, exactly=size)
            stored.seek(0)
            with gzip.GzipFile(fileobj=stored) as unpacked:
                return _read_stream(file, unpacked, kind, at_most=MAX_GZIP_RATIO * size)
    except (OSError, EOFError, zlib.error) as error:  # BadGzipFile is an OSError
        raise DataError(f"{str(file)!r} cannot be read: {describe_error(error)}") from error


def _read_stream(file: Path, stream: Stream, kind: str, at_most: int, exactly: int | None = None) -> NDArray[np.uint8]:
    """Read the unpacked content of a file.

    Args:
        file: Path of the file, for messages.
        stream: Unpacked content.
        kind: ``images`` or ``labels``.
        at_most: Maximum size of the content in bytes that a file of this size can have.
        exactly: Size of the content in bytes; None: not known before it is unpacked.
    """
    shape = _read_shape(file, stream, kind)
    announced, num_before = math.prod(shape), 4 * (1 + len(shape))
    sizes = " x ".join(str(size) for size in shape)
    rule = f"{str(file)!r} is damaged: its header announces {sizes} bytes after the first {num_before}"
    if exactly is not None and exactly - num_before != announced:
        raise DataError(f"{rule}; it has {exactly - num_before}")
    if announced > at_most:
        raise DataError(f"{rule}; a file of its size holds at most {at_most:,}")
    require_memory(announced, f"{str(file)!r} unpacks to an array of {format_bytes(announced)} ({kind}, {sizes} bytes)")
    content = np.empty(announced, np.uint8)
    count = _read_into(stream, content)
    if count < announced:
        raise DataError(f"{rule}; it has {count}")
    if stream.read(1):
        raise DataError(f"{rule}; it has more")
    return content.reshape(shape)


def _read_shape(file: Path, stream: Stream, kind: str) -> tuple[int, ...]:
    """Read the header, and check its magic number."""
    dimensions = DIMENSIONS[kind]
    header = stream.read(4 * (1 + dimensions))
    if len(header) < 4 * (1 + dimensions):
        raise DataError(f"{str(file)!r} is damaged: {len(header)} bytes, less than the header's {4 * (1 + dimensions)}")
    magic, *shape = struct.unpack(f">{1 + dimensions}I", header)
    if magic != MAGIC[kind]:
        other = next((f", the magic number of {name}" for name, number in MAGIC.items() if number == magic), "")
        raise DataError(
            f"{str(file)!r} is not an IDX file of {kind}: its magic number must be {MAGIC[kind]}; it is {magic}{other}"
        )
    return tuple(shape)


def _read_into(stream: Stream, content: NDArray[np.uint8]) -> int:
    """Fill an array from a stream; returns the number of bytes that the stream had."""
    count = 0
    while count < len(content):
        part = stream.read(min(READ_BYTES, len(content) - count))
        if not part:
            break
        content[count : count + len(part)] = np.frombuffer(part, np.uint8)
        count += len(part)
    return count
