"""A small data set of four classes, and functions that write it in each format."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.uint8]]

LOADERS = "mnistsweep.data.sources."
IDX_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


@pytest.fixture
def arrays() -> Arrays:
    """40 training and 12 test images, 6 high and 5 wide so that a swap of the axes shows; labels 0, 1, 2, 3, 0, ..."""
    rng = np.random.default_rng(7)
    return {
        "x_train": rng.integers(0, 256, (40, 6, 5), dtype=np.uint8),
        "y_train": (np.arange(40) % 4).astype(np.uint8),
        "x_test": rng.integers(0, 256, (12, 6, 5), dtype=np.uint8),
        "y_test": (np.arange(12) % 4).astype(np.uint8),
    }


@pytest.fixture
def awkward(tmp_path: Path) -> Path:
    """A folder whose name has a space, accents and what a shell or Hydra would read as its own."""
    folder = tmp_path / "données à moi, = [1]"
    folder.mkdir()
    return folder


@pytest.fixture
def idx_bytes() -> Callable[[NDArray[np.uint8]], bytes]:
    """The content of an IDX file."""

    def content(array: NDArray[np.uint8]) -> bytes:
        return struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()

    return content


@pytest.fixture
def write_idx(idx_bytes: Callable[[NDArray[np.uint8]], bytes]) -> Callable[..., None]:
    """Write the four files of a data set into a folder."""

    def write(folder: Path, arrays: Arrays, zipped: bool = False, dotted: bool = False) -> None:
        for key, name in IDX_NAMES.items():
            content = idx_bytes(arrays[key])
            spelt = name.replace("-idx", ".idx") if dotted else name
            (folder / (spelt + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)

    return write


@pytest.fixture
def npz_config(tmp_path: Path, arrays: Arrays) -> Callable[..., dict[str, object]]:
    """Write an `.npz` file with some arrays replaced (None: left out); return the configuration that reads it."""

    def config(validation: object = 8, **changes: object) -> dict[str, object]:
        keys = {key: value for key, value in changes.items() if key not in arrays}
        content = arrays | {key: value for key, value in changes.items() if key in arrays}
        file = tmp_path / "own.npz"
        np.savez(file, **{key: value for key, value in content.items() if value is not None})  # type: ignore[arg-type]
        return {"_target_": LOADERS + "load_npz", "path": str(file), "validation": validation} | keys

    return config
