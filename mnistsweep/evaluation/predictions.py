"""What the models of a report say of the test set: made once, kept, and read ever after.

A model's answers are kept with what they came from (trial, seed, epochs, checksums of the data); where that has
changed, because the sweep went on and has another winner, they are made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.atomic import atomic_write
from mnistsweep.data import HeldOut


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one model says.

    Attributes:
        probabilities: Of the test set, ``(n, classes)``.
        loss: The loss that it was trained with, on the test set.
        parameters: How many the model has.
        curve: Of its training, an entry an epoch; empty where that is not known.
        validation: Probabilities of the validation side, ``(m, classes)``, for a model that was not trained on it.
    """

    probabilities: NDArray[np.float64]
    loss: float
    parameters: int
    curve: list[dict[str, float]] = field(default_factory=list)
    validation: NDArray[np.float64] | None = None


def write(path: Path, predictions: Predictions, origin: Mapping[str, Any]) -> None:
    """Keep predictions.

    Args:
        path: An ``.npz`` file.
        predictions: Of one model.
        origin: What they came from, plain values.
    """
    notes = {"loss": predictions.loss, "parameters": predictions.parameters, "curve": predictions.curve}
    arrays = {"probabilities": predictions.probabilities, "notes": np.array(json.dumps(notes))}
    if predictions.validation is not None:
        arrays["validation"] = predictions.validation
    write_arrays(path, arrays, origin)


def read(path: Path, origin: Mapping[str, Any] | None = None) -> Predictions | None:
    """Predictions that were kept; None where there are none, or where they came from something else.

    Args:
        path: An ``.npz`` file.
        origin: What they must have come from; None: whatever it is.
    """
    arrays = read_arrays(path, origin)
    if arrays is None or not {"probabilities", "notes"} <= arrays.keys():
        return None
    notes = json.loads(str(arrays["notes"]))
    return Predictions(
        arrays["probabilities"], notes["loss"], notes["parameters"], notes["curve"], arrays.get("validation")
    )


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], origin: Mapping[str, Any]) -> None:
    """Keep arrays with what they came from, whole or not at all."""
    whole: dict[str, Any] = {"origin": np.array(json.dumps(origin, sort_keys=True)), **arrays}
    with atomic_write(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **whole)


def read_arrays(path: Path, origin: Mapping[str, Any] | None = None) -> dict[str, NDArray[Any]] | None:
    """Arrays that `write_arrays` kept; None where there are none, they are damaged, or came from something else."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        came_from = json.loads(str(arrays.pop("origin")))
    except Exception:  # a damaged archive makes zip, zlib and numpy raise whatever they stumble over
        return None
    return arrays if origin is None or came_from == json.loads(json.dumps(origin)) else None


def checksum(held_out: HeldOut) -> str:
    """Name a test set by its content."""
    digest = hashlib.sha256()
    for array in (held_out.stored, held_out.labels):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
