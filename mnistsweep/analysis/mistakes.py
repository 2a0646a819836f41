"""Correctly and wrongly predicted images, and the number of seeds that predict each image wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Floats, Integers, check_seeds
from mnistsweep.errors import DataError


@dataclass(frozen=True, eq=False)
class Mistakes:
    """Predictions of a committee; a committee averages the probabilities over seeds.

    Attributes:
        predictions: Predicted classes, ``(n,)``.
        confidence: Probability of the predicted class, ``(n,)``, from 1 / classes to 1; larger is more confident.
        right: Positions of the correctly predicted images, ascending.
        wrong: Positions of the wrongly predicted images, ascending.
        wrong_of_seeds: Number of seeds that predict an image wrong, ``(n,)``, from 0 to `num_seeds`.
        num_seeds: Number of seeds.
    """

    predictions: Integers
    confidence: Floats
    right: Integers
    wrong: Integers
    wrong_of_seeds: Integers
    num_seeds: int

    @property
    def most_confident(self) -> Integers:
        """Positions of the wrongly predicted images, the most confident mistake first."""
        return self.wrong[np.argsort(-self.confidence[self.wrong], kind="stable")]

    def next_wrong(self, index: int = -1) -> int | None:
        """Position of the next wrongly predicted image; after the last one follows the first one.

        Args:
            index: Position to start after, from 0; -1 returns the first wrong example.

        Returns:
            A position, which is `index` itself if no other image is wrong; None if all images are predicted correctly.

        Raises:
            DataError: The position is out of range.

        Example:
            >>> found = find_mistakes([[0.25, 0.75], [0.75, 0.25], [0.25, 0.75]], [0, 0, 0])
            >>> found.next_wrong(), found.next_wrong(0), found.next_wrong(2)
            (0, 2, 0)
        """
        if not -1 <= index < len(self.predictions):
            raise DataError(
                f"index: must lie from 0 to {len(self.predictions) - 1}, or be -1 for the first wrong example, "
                f"received {index}."
            )
        if len(self.wrong) == 0:
            return None
        return int(self.wrong[np.searchsorted(self.wrong, index, side="right") % len(self.wrong)])


def find_mistakes(probabilities: Any, labels: Any) -> Mistakes:
    """Find the correctly and the wrongly predicted images.

    Args:
        probabilities: ``(seeds, n, classes)``; ``(n, classes)`` counts as one seed.
        labels: ``(n,)``, integers from 0 to classes - 1.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

    Example:
        >>> found = find_mistakes([[0.75, 0.25], [0.75, 0.25]], [0, 1])
        >>> found.right.tolist(), found.wrong.tolist()
        ([0], [1])
    """
    checked, truth = check_seeds(probabilities, labels)
    seed_predictions = checked.argmax(axis=2)
    committee = checked.mean(axis=0) if len(checked) > 1 else checked[0]
    predictions = committee.argmax(axis=1) if len(checked) > 1 else seed_predictions[0]
    return Mistakes(
        predictions=predictions,
        confidence=committee[np.arange(len(truth)), predictions],
        right=np.flatnonzero(predictions == truth),
        wrong=np.flatnonzero(predictions != truth),
        wrong_of_seeds=(seed_predictions != truth).sum(axis=0),
        num_seeds=len(checked),
    )
