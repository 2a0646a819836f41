"""Which images are right and which are wrong, and how often over seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Floats, Integers, check_seeds
from mnistsweep.errors import DataError


@dataclass(frozen=True, eq=False)
class Mistakes:
    """What a committee gets right and wrong; a committee is the mean of the probabilities over seeds.

    Attributes:
        predictions: The committee's, ``(n,)``.
        confidence: Its largest probability, ``(n,)``, from 1 / classes to 1; larger is surer.
        right: Positions of the images that it gets right, ascending.
        wrong: Positions of those that it gets wrong, ascending.
        wrong_of_seeds: How many of the seeds get an image wrong, ``(n,)``, from 0 to `num_seeds`.
        num_seeds: How many models.
    """

    predictions: Integers
    confidence: Floats
    right: Integers
    wrong: Integers
    wrong_of_seeds: Integers
    num_seeds: int

    @property
    def most_confident(self) -> Integers:
        """Positions of the wrong images, the most confident mistake first."""
        return self.wrong[np.argsort(-self.confidence[self.wrong], kind="stable")]

    def next_wrong(self, index: int = -1) -> int | None:
        """Give the next wrong image after one; after the last comes the first again.

        Args:
            index: Position from 0; -1 asks for the first wrong image.

        Returns:
            A position, the same if no other is wrong; None where all are right.

        Raises:
            DataError: There is no such position.

        Example:
            >>> found = find_mistakes([[0.25, 0.75], [0.75, 0.25], [0.25, 0.75]], [0, 0, 0])
            >>> found.next_wrong(), found.next_wrong(0), found.next_wrong(2)
            (0, 2, 0)
        """
        if not -1 <= index < len(self.predictions):
            raise DataError(
                f"index: must lie from 0 to {len(self.predictions) - 1}, or be -1 for the first wrong image, "
                f"received {index}."
            )
        if len(self.wrong) == 0:
            return None
        return int(self.wrong[np.searchsorted(self.wrong, index, side="right") % len(self.wrong)])


def find_mistakes(probabilities: Any, labels: Any) -> Mistakes:
    """Find what is right and what is wrong.

    Args:
        probabilities: ``(seeds, n, classes)``; ``(n, classes)`` is taken for one seed.
        labels: ``(n,)``, whole numbers from 0 to classes - 1.

    Returns:
        Positions, and how often each image is wrong over seeds.

    Raises:
        DataError: The arrays do not fit together, or hold what is no probability or no label.

    Example:
        >>> found = find_mistakes([[0.75, 0.25], [0.75, 0.25]], [0, 1])
        >>> found.right.tolist(), found.wrong.tolist()
        ([0], [1])
    """
    checked, truth = check_seeds(probabilities, labels)
    guesses = checked.argmax(axis=2)
    committee = checked.mean(axis=0) if len(checked) > 1 else checked[0]
    predictions = committee.argmax(axis=1) if len(checked) > 1 else guesses[0]
    return Mistakes(
        predictions=predictions,
        confidence=committee[np.arange(len(truth)), predictions],
        right=np.flatnonzero(predictions == truth),
        wrong=np.flatnonzero(predictions != truth),
        wrong_of_seeds=(guesses != truth).sum(axis=0),
        num_seeds=len(checked),
    )
