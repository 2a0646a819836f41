"""Training labels that the cleaning experiment suspects to be wrong: their positions, table rows and images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.label_quality import LabelQuality
from mnistsweep.data.structure import Structure
from mnistsweep.evaluation.display import table_inputs

# Number of the most suspect labels that are written for inspection, if no more are suspected or planted.
NUM_SHOWN = 40


def suspected_positions(ranking: LabelQuality) -> NDArray[np.int64]:
    """Positions of the suspected labels, ``(m,)``: the flagged ones, or the most suspect one if none is flagged."""
    flagged: NDArray[np.int64] = np.flatnonzero(ranking.flagged)
    return flagged if len(flagged) else ranking.order[:1]


def suspect_rows(
    ranking: LabelQuality,
    labels: NDArray[np.int64],
    planted: NDArray[np.int64],
    source_positions: NDArray[np.intp],
    class_names: Sequence[str],
) -> list[dict[str, Any]]:
    """Table of the most suspect labels: as many as are suspected or planted, at least `NUM_SHOWN`.

    Args:
        ranking: Ranking of the training labels.
        labels: Labels that the models are trained on, ``(n,)``.
        planted: Positions of the planted label errors.
        source_positions: Position of each training example in the training set of the data source, ``(n,)``.
        class_names: Value of each class in the source.

    Returns:
        A row per label, most suspect first; the keys are the columns of ``suspects.csv``. Labels are class numbers;
        where the classes have other values in the source, further columns have these.
    """
    suspected = suspected_positions(ranking)
    first = ranking.order[: max(len(suspected), len(planted), NUM_SHOWN)]
    flags = zip(first, np.isin(first, suspected), np.isin(first, planted), strict=True)
    return [
        {
            "index": int(source_positions[position]),
            "label": int(labels[position]),
            "suggested": int(ranking.suggested[position]),
            **_values(class_names, labels[position], ranking.suggested[position]),
            "suspected": bool(is_suspected),
            "planted": bool(is_planted),
            **{name: float(values[position]) for name, values in ranking.scores.items()},
        }
        for position, is_suspected, is_planted in flags
    ]


def _values(class_names: Sequence[str], label: int, suggested: int) -> dict[str, str]:
    """Values of two classes in the source; none where they are the class numbers."""
    if list(class_names) == [str(number) for number in range(len(class_names))]:
        return {}
    return {"label_value": class_names[label], "suggested_value": class_names[suggested]}


def add_inputs(
    rows: list[dict[str, Any]], ranking: LabelQuality, inputs: Structure, names: tuple[str, ...] = ()
) -> None:
    """Add the inputs of the most suspect labels to their rows, in columns ``input: NAME``: texts and table columns.

    Args:
        rows: Table of the most suspect labels, most suspect first; changed.
        ranking: Ranking of the training labels.
        inputs: Scaled inputs of the training split.
        names: Names of the columns of a table of numbers; empty where the source has none.
    """
    shown = table_inputs(inputs, names)
    for row, position in zip(rows, ranking.order, strict=False):
        cells = zip(shown.shown_columns, shown.cells(int(position)), strict=True)
        row |= {f"input: {name}": cell for name, cell in cells}


def suspect_images(ranking: LabelQuality, images: Structure) -> NDArray[np.uint8] | None:
    """Images of the `NUM_SHOWN` most suspect labels.

    Args:
        ranking: Ranking of the training labels.
        images: Scaled inputs of the training split.

    Returns:
        Bytes, 0 black and 255 white, ``(m, height, width)`` or ``(m, height, width, 3)``; None if the inputs are not
        images.
    """
    if getattr(images, "ndim", 0) != 4 or images.shape[-1] not in (1, 3):
        return None
    low, high = images.min(), images.max()
    shown = (images[ranking.order[:NUM_SHOWN]] - low) / max(high - low, np.finfo(np.float32).tiny)
    pixels: NDArray[np.uint8] = np.round(255 * np.clip(shown, 0, 1)).astype(np.uint8)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels
