"""The training labels that look wrong to the cleaning experiment: which they are, as a table, and as pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.label_quality import LabelQuality

# How many are kept to look at.
MAX_SHOWN = 40


def suspected(ranking: LabelQuality) -> NDArray[np.int64]:
    """The labels that the arms are about, ``(m,)``: those flagged; the most suspect one where none is."""
    flagged: NDArray[np.int64] = np.flatnonzero(ranking.flagged)
    return flagged if len(flagged) else ranking.order[:1]


def to_rows(
    ranking: LabelQuality, labels: NDArray[np.int64], planted: NDArray[np.int64], positions: NDArray[np.intp]
) -> list[dict[str, Any]]:
    """The first of a ranking, most suspect first: as many as are suspected, or planted, or shown.

    Args:
        ranking: Of the training side.
        labels: As they are trained on, ``(n,)``.
        planted: Positions of the planted errors.
        positions: Of the training side in the training set as its source has it, ``(n,)``.
    """
    chosen = suspected(ranking)
    first = ranking.order[: max(len(chosen), len(planted), MAX_SHOWN)]
    marks = zip(first, np.isin(first, chosen), np.isin(first, planted), strict=True)
    return [
        {
            "index": int(positions[example]),
            "label": int(labels[example]),
            "suggested": int(ranking.suggested[example]),
            "suspected": bool(is_suspected),
            "planted": bool(is_planted),
            **{name: float(values[example]) for name, values in ranking.scores.items()},
        }
        for example, is_suspected, is_planted in marks
    ]


def to_pictures(ranking: LabelQuality, images: NDArray[Any]) -> NDArray[np.uint8] | None:
    """The images of the first, 0 black and 255 white; None where the inputs are no images.

    Args:
        ranking: Of the training side.
        images: Of the training side, scaled.
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        return None
    low, high = images.min(), images.max()
    shown = (images[ranking.order[:MAX_SHOWN]] - low) / max(high - low, np.finfo(np.float32).tiny)
    shades: NDArray[np.uint8] = np.round(255 * np.clip(shown, 0, 1)).astype(np.uint8)
    return shades[..., 0] if shades.shape[-1] == 1 else shades
