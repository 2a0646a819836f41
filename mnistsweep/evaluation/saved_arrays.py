"""Arrays saved with their origin, so that a later command recomputes only the arrays with another origin.

The origin is a mapping of plain values: trial, seed, epochs, checksums of the data. It is compared when the arrays are
read. Where it differs, for example because the sweep continued and has another winner, the arrays count as missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.atomic import atomic_write


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], origin: Mapping[str, Any]) -> None:
    """Write arrays with their origin; the write is atomic.

    Args:
        path: Path of the ``.npz`` file.
        arrays: Arrays by name; ``origin`` is reserved.
        origin: Values that determine the arrays; they must be serializable to JSON.
    """
    content: dict[str, Any] = {"origin": np.array(json.dumps(origin, sort_keys=True)), **arrays}
    with atomic_write(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **content)


def read_arrays(path: Path, origin: Mapping[str, Any] | None = None) -> dict[str, NDArray[Any]] | None:
    """Read arrays that `write_arrays` wrote.

    Args:
        path: Path of the ``.npz`` file.
        origin: Origin that the arrays must have; None accepts any.

    Returns:
        The arrays by name; None if the file is missing or damaged, or if its origin differs.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        saved_origin = json.loads(str(arrays.pop("origin")))
    except Exception:  # a damaged archive makes zipfile, zlib, NumPy and json raise many types of errors
        return None
    return arrays if origin is None or saved_origin == json.loads(json.dumps(origin)) else None
