"""Planted label errors: labels changed on purpose, and the share of them that a ranking finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Integers
from mnistsweep.errors import DataError


@dataclass(frozen=True, eq=False)
class PlantedErrors:
    """Labels with planted errors.

    Attributes:
        labels: Labels including the planted errors, ``(n,)``.
        indices: Positions of the planted errors, ascending.
    """

    labels: Integers
    indices: Integers


def plant_label_errors(labels: Any, share: float, classes: int, seed: int) -> PlantedErrors:
    """Replace a share of the labels by another class, drawn uniformly from the other classes.

    Args:
        labels: ``(n,)``, integers from 0 to classes - 1.
        share: Share of the labels, from 0 to 0.5; exactly ``round(share * n)`` labels are changed.
        classes: Number of classes, at least 2.
        seed: Seed of the positions and of the new classes.

    Raises:
        DataError: The share is out of range.

    Example:
        >>> planted = plant_label_errors([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], share=0.2, classes=3, seed=0)
        >>> int((planted.labels != [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]).sum()), len(planted.indices)
        (2, 2)
    """
    if not 0 <= share <= 0.5:
        raise DataError(f"plant: must be a share of the labels from 0 to 0.5, received {share}.")
    changed = np.array(labels, dtype=np.int64)
    rng = np.random.default_rng(seed)
    indices = np.sort(rng.choice(len(changed), size=round(share * len(changed)), replace=False)).astype(np.int64)
    changed[indices] = (changed[indices] + rng.integers(1, classes, len(indices))) % classes
    return PlantedErrors(changed, indices)


@dataclass(frozen=True)
class DetectionScores:
    """Detection of planted label errors by a ranking. Summary files store the attributes by their names.

    Attributes:
        num_planted: Number of planted errors.
        num_flagged: Number of flagged labels.
        recall: Share of the planted errors among the first `num_planted` of the ranking; the precision is the same.
        flagged_recall: Share of the planted errors that are flagged.
        flagged_precision: Share of the flagged labels that are planted errors; 0 without flagged labels. Other flagged
            labels may be errors of the original data.
    """

    num_planted: int
    num_flagged: int
    recall: float
    flagged_recall: float
    flagged_precision: float

    @property
    def sentence(self) -> str:
        """Detection in plain sentences."""
        ranked = (
            f"{self.num_planted} wrong labels were planted: {100 * self.recall:.2f} % of them are among the first "
            f"{self.num_planted} of the ranking."
        )
        if not self.num_flagged:
            return f"{ranked} No label is flagged."
        return (
            f"{ranked} {self.num_flagged} labels are suspected: they include {100 * self.flagged_recall:.2f} % of the "
            f"planted errors, and {100 * self.flagged_precision:.2f} % of them are planted errors."
        )


def score_detection(order: Any, flagged: Any, planted: Any) -> DetectionScores:
    """Score the detection of planted label errors.

    Args:
        order: Positions of all examples, most suspect first, ``(n,)``.
        flagged: Whether each label is flagged, ``(n,)``.
        planted: Positions of the planted errors, at least one.

    Raises:
        DataError: There are no planted errors.

    Example:
        >>> score_detection([3, 0, 1, 2], [False, False, True, True], planted=[3, 2])
        DetectionScores(num_planted=2, num_flagged=2, recall=0.5, flagged_recall=1.0, flagged_precision=1.0)
    """
    ranking, mask, positions = np.asarray(order), np.asarray(flagged, dtype=bool), np.asarray(planted, dtype=np.int64)
    if not len(positions):
        raise DataError("planted: must have at least one position, received none; plant label errors first.")
    hits, num_flagged = int(mask[positions].sum()), int(mask.sum())
    return DetectionScores(
        len(positions),
        num_flagged,
        float(np.isin(ranking[: len(positions)], positions).mean()),
        hits / len(positions),
        hits / num_flagged if num_flagged else 0.0,
    )
