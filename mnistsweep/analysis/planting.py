"""Label errors that are known because they were made on purpose, and how many of them a ranking finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Integers
from mnistsweep.errors import DataError


@dataclass(frozen=True, eq=False)
class PlantedErrors:
    """Labels with known errors.

    Attributes:
        labels: ``(n,)``, the wrong ones among them.
        indices: Positions of the wrong ones, ascending.
    """

    labels: Integers
    indices: Integers


def plant_label_errors(labels: Any, share: float, classes: int, seed: int) -> PlantedErrors:
    """Give a share of the labels another class, drawn uniformly from the others.

    Args:
        labels: ``(n,)``, whole numbers from 0 to classes - 1.
        share: From 0 to 0.5; exactly ``round(share * n)`` labels are changed.
        classes: How many there are, at least 2.
        seed: Decides which, and to what.

    Raises:
        DataError: The share is out of range.

    Example:
        >>> planted = plant_label_errors([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], share=0.2, classes=3, seed=0)
        >>> int((planted.labels != [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]).sum()), len(planted.indices)
        (2, 2)
    """
    if not 0 <= share <= 0.5:
        raise DataError(f"plant: a share of the labels from 0 to 0.5, received {share}.")
    changed = np.array(labels, dtype=np.int64)
    rng = np.random.default_rng(seed)
    indices = np.sort(rng.choice(len(changed), size=round(share * len(changed)), replace=False)).astype(np.int64)
    changed[indices] = (changed[indices] + rng.integers(1, classes, len(indices))) % classes
    return PlantedErrors(changed, indices)


@dataclass(frozen=True)
class DetectionScores:
    """How many of the planted errors a ranking finds.

    Attributes:
        num_planted: How many there are.
        num_flagged: How many labels are flagged.
        recall: Share of the planted among the first `num_planted` of the ranking; its precision is the same.
        flagged_recall: Share of the planted that is flagged.
        flagged_precision: Share of the flagged that was planted; 0 where nothing is flagged. Flagged labels that
            were not planted may be errors that were in the data before.
    """

    num_planted: int
    num_flagged: int
    recall: float
    flagged_recall: float
    flagged_precision: float

    @property
    def sentence(self) -> str:
        """In plain words."""
        ranked = (
            f"{self.num_planted} wrong labels were planted: {100 * self.recall:.2f} % of them are among the first "
            f"{self.num_planted} of the ranking."
        )
        if not self.num_flagged:
            return f"{ranked} No label is flagged."
        return (
            f"{ranked} {self.num_flagged} labels are suspected: these hold {100 * self.flagged_recall:.2f} % of the "
            f"planted, and {100 * self.flagged_precision:.2f} % of them were planted."
        )


def score_detection(order: Any, flagged: Any, planted: Any) -> DetectionScores:
    """Count how many planted errors are found.

    Args:
        order: Positions of all examples, most suspect first, ``(n,)``.
        flagged: Whether a label is suspected, ``(n,)``.
        planted: Positions of the planted errors, at least one.

    Raises:
        DataError: Nothing was planted.

    Example:
        >>> score_detection([3, 0, 1, 2], [False, False, True, True], planted=[3, 2])
        DetectionScores(num_planted=2, num_flagged=2, recall=0.5, flagged_recall=1.0, flagged_precision=1.0)
    """
    ranking, mask, positions = np.asarray(order), np.asarray(flagged, dtype=bool), np.asarray(planted, dtype=np.int64)
    if not len(positions):
        raise DataError("planted: at least one position; nothing was planted.")
    hits, num_flagged = int(mask[positions].sum()), int(mask.sum())
    return DetectionScores(
        len(positions),
        num_flagged,
        float(np.isin(ranking[: len(positions)], positions).mean()),
        hits / len(positions),
        hits / num_flagged if num_flagged else 0.0,
    )
