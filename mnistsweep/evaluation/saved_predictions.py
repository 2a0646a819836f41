"""Predictions of one model for the test set, computed once and read from disk by every later report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.arrays import SUM_TOLERANCE
from mnistsweep.evaluation.saved_arrays import read_arrays, write_arrays


@dataclass(frozen=True, eq=False, kw_only=True)
class Predictions:
    """Predictions of one model, with what is known about its training.

    Attributes:
        outputs: Predictions for the test set by the name of the output, ``(n, ...)`` each; the name of a single output
            is empty. They are empty where the outputs of the model do not correspond to the targets.
        kinds: Kind of each output by its name, see `output_heads.OutputHead`.
        loss: Loss on the test set, by the loss function that the model was trained with; NaN where it has none.
        parameters: Number of parameters of the model.
        curve: Learning curve: metrics of each epoch by name; empty if unknown.
        validation: Predictions for the validation split by the name of the output; None for a model that was trained
            on it.
        objective: Objective of the sweep, measured with the model on the validation split; None if it was not measured.
        checksum: SHA-256 of the file of a retrained model; None for a checkpoint, whose checksum is in the ledger.
        margins: Names of the outputs that predict classes without probabilities (a hinge loss): their predictions are
            scores, see `class_scores.class_scores`.
    """

    outputs: Mapping[str, NDArray[Any]]
    kinds: Mapping[str, str]
    loss: float
    parameters: int
    curve: list[dict[str, float]] = field(default_factory=list)
    validation: Mapping[str, NDArray[Any]] | None = None
    objective: float | None = None
    checksum: str | None = None
    margins: Sequence[str] = ()


def write_predictions(path: Path, predictions: Predictions, origin: Mapping[str, Any]) -> None:
    """Write the predictions of one model.

    Args:
        path: Path of the ``.npz`` file.
        predictions: Predictions of the model.
        origin: Values that determine the predictions, see `saved_arrays`.
    """
    names = ("loss", "parameters", "curve", "objective", "checksum", "margins")
    notes = {name: getattr(predictions, name) for name in names} | {"outputs": list(predictions.kinds.items())}
    arrays = {"notes": np.array(json.dumps(notes))}
    for position, name in enumerate(predictions.kinds):
        test, validation = _keys(predictions.kinds, position)
        arrays[test] = predictions.outputs[name]
        if predictions.validation is not None:
            arrays[validation] = predictions.validation[name]
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
    if arrays is None or "notes" not in arrays:
        return None
    notes = json.loads(str(arrays["notes"]))
    kinds = dict(notes.get("outputs", [("", "classes")]))  # earlier versions wrote one output with class probabilities
    keys = {name: _keys(kinds, position) for position, name in enumerate(kinds)}
    if not {test for test, _ in keys.values()} <= arrays.keys():
        return None
    classes = [arrays[test] for name, (test, _) in keys.items() if kinds[name] == "classes"]
    if "margins" not in notes and not all(map(_are_probabilities, classes)):
        return None  # earlier versions wrote margins as they are, and their reports failed
    validated = {name: arrays[key] for name, (_, key) in keys.items() if key in arrays}
    return Predictions(
        outputs={name: arrays[key] for name, (key, _) in keys.items()},
        kinds=kinds,
        loss=notes["loss"],
        parameters=notes["parameters"],
        curve=notes["curve"],
        validation=validated if len(validated) == len(kinds) and kinds else None,
        objective=notes.get("objective"),  # earlier versions wrote neither this nor the checksum
        checksum=notes.get("checksum"),
        margins=notes.get("margins", ()),
    )


def _are_probabilities(rows: NDArray[Any]) -> bool:
    """Whether rows lie from 0 to 1, except for rounding."""
    return bool(rows.min(initial=0.0) >= 0 and rows.max(initial=1.0) <= 1 + SUM_TOLERANCE)


def _keys(kinds: Mapping[str, str], position: int) -> tuple[str, str]:
    """Names of the arrays of an output for the test set and the validation split."""
    if list(kinds.items()) == [("", "classes")]:
        return "probabilities", "validation"
    return f"predictions_{position}", f"validation_{position}"
