"""Accuracy against coverage: how right a model is where it answers only if it is sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis import arrays
from mnistsweep.analysis.accuracy import wilson
from mnistsweep.analysis.arrays import Floats, Integers


@dataclass(frozen=True, eq=False)
class Coverage:
    """The risk-coverage curve (El-Yaniv and Wiener 2010), with the largest probability as confidence.

    One point for each confidence that occurs: examples of the same confidence are answered together, or not at all.

    Attributes:
        thresholds: Answered are the examples with at least this confidence; descending, ``(points,)``.
        answered: How many these are, ascending to n.
        right: How many of them are right.
        risk_area: Mean of the share of wrong answers over all coverages 1/n, 2/n, ..., 1 (Geifman et al. 2019), 0 to 1;
            smaller is better. Examples of the same confidence count as if in random order.
    """

    thresholds: Floats
    answered: Integers
    right: Integers
    risk_area: float

    @property
    def coverage(self) -> Floats:
        """The share that is answered, 0 to 1."""
        return np.asarray(self.answered / self.answered[-1])

    @property
    def accuracy(self) -> Floats:
        """The share of right answers among those given, 0 to 1."""
        return np.asarray(self.right / self.answered)

    def reaching(self, accuracy: float) -> int | None:
        """The point of the largest coverage that is at least so accurate; None where none is.

        Args:
            accuracy: 0 to 1.
        """
        reached = np.flatnonzero(self.accuracy >= accuracy)
        return int(reached[-1]) if len(reached) else None

    def at(self, coverages: Sequence[float] | Floats) -> Integers:
        """The points of the least coverage that is at least so large, each once.

        Args:
            coverages: Shares, 0 to 1.
        """
        wanted = np.ceil(np.asarray(coverages) * self.answered[-1] - 1e-9)
        return np.unique(np.searchsorted(self.answered, wanted)).astype(np.int64)

    def interval(self, points: Sequence[int] | Integers) -> tuple[Floats, Floats]:
        """The Wilson 95 % interval of the accuracy at points. That a point was chosen by looking is not in it.

        Args:
            points: Positions in the arrays.
        """
        return wilson(self.right[points], self.answered[points])


def coverage(probabilities: Any, labels: Any) -> Coverage:
    """Work out how accuracy grows as the least confident examples are left to someone else.

    Args:
        probabilities: ``(n, classes)``.
        labels: ``(n,)``.

    Raises:
        DataError: The arrays do not fit together, or hold what is no probability or no label.

    Example:
        >>> curve = coverage([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4]], [0, 0, 1])
        >>> curve.accuracy.round(2).tolist(), round(curve.risk_area, 3)
        ([1.0, 1.0, 0.67], 0.111)
    """
    checked, classes = arrays.check(probabilities, labels)
    confidence = checked.max(axis=1)
    right = checked.argmax(axis=1) == classes
    ascending, place, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    hits = np.bincount(place, right, len(ascending))
    shares, counts, hits = (1 - hits / counts)[::-1], counts[::-1], hits[::-1]
    wrong = np.cumsum(np.repeat(shares, counts))
    return Coverage(
        thresholds=ascending[::-1].copy(),
        answered=np.cumsum(counts).astype(np.int64),
        right=np.cumsum(hits).astype(np.int64),
        risk_area=float((wrong / np.arange(1, len(classes) + 1)).mean()),
    )
