"""Predictions of one model for the test set, computed once and read from disk by every later report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.evaluation.saved_arrays import read_arrays, write_arrays


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of one model, with what is known about its training.

    Attributes:
        probabilities: Class probabilities for the test set, ``(n, classes)``.
        loss: Loss on the test set, by the loss function that the model was trained with.
        parameters: Number of parameters of the model.
        curve: Learning curve: metrics of each epoch by name; empty if unknown.
        validation: Class probabilities for the validation split, ``(m, classes)``; None for a model that was trained
            on it.
        objective: Objective of the sweep, measured with the model on the validation split; None if it was not measured.
        checksum: SHA-256 of the file of a retrained model; None for a checkpoint, whose checksum is in the ledger.
    """

    probabilities: NDArray[np.float64]
    loss: float
    parameters: int
    curve: list[dict[str, float]] = field(default_factory=list)
    validation: NDArray[np.float64] | None = None
    objective: float | None = None
    checksum: str | None = None


def write_predictions(path: Path, predictions: Predictions, origin: Mapping[str, Any]) -> None:
    """Write the predictions of one model.

    Args:
        path: Path of the ``.npz`` file.
        predictions: Predictions of the model.
        origin: Values that determine the predictions, see `saved_arrays`.
    """
    notes = {name: getattr(predictions, name) for name in ("loss", "parameters", "curve", "objective", "checksum")}
    arrays = {"probabilities": predictions.probabilities, "notes": np.array(json.dumps(notes))}
    if predictions.validation is not None:
        arrays["validation"] = predictions.validation
    write_arrays(path, arrays, origin)


def read_predictions(path: Path, origin: Mapping[str, Any] | None = None) -> Predictions | None:
    """Read the predictions of one model.

    Args:
        path: Path of the ``.npz`` file.
        origin: Origin that the predictions must have; None accepts any.

    Returns:
        The predictions; None if the file is missing or damaged, or if its origin differs.
    """
    arrays = read_arrays(path, origin)
    if arrays is None or not {"probabilities", "notes"} <= arrays.keys():
        return None
    notes = json.loads(str(arrays["notes"]))
    return Predictions(
        arrays["probabilities"],
        notes["loss"],
        notes["parameters"],
        notes["curve"],
        arrays.get("validation"),
        notes.get("objective"),  # earlier versions wrote neither this nor the checksum
        notes.get("checksum"),
    )
