"""Accuracy against coverage: the accuracy of a model that answers only if it is confident enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis import arrays
from mnistsweep.analysis.accuracy import wilson_interval
from mnistsweep.analysis.arrays import Floats, Integers


@dataclass(frozen=True, eq=False)
class Coverage:
    """Risk-coverage curve (El-Yaniv and Wiener 2010), with the largest probability as confidence.

    The curve has one point for each confidence that occurs, because examples of equal confidence are answered together.

    Attributes:
        thresholds: Minimum confidence of an answer, ``(points,)``, descending.
        answered: Number of answered examples, ``(points,)``, ascending to n.
        right: Number of correct answers, ``(points,)``.
        risk_area: Mean error rate over all coverages 1/n, 2/n, ..., 1 (Geifman et al. 2019), 0 to 1; smaller is better.
            Examples of equal confidence count as if in random order.
    """

    thresholds: Floats
    answered: Integers
    right: Integers
    risk_area: float

    @property
    def coverage(self) -> Floats:
        """Coverage of each point: the share of examples that are answered, 0 to 1."""
        return np.asarray(self.answered / self.answered[-1])

    @property
    def accuracy(self) -> Floats:
        """Accuracy of each point: the share of correct answers, 0 to 1."""
        return np.asarray(self.right / self.answered)

    def largest_point_with(self, accuracy: float) -> int | None:
        """Position of the point with the largest coverage that has at least an accuracy; None if there is none.

        Args:
            accuracy: Minimum accuracy, 0 to 1.
        """
        reached = np.flatnonzero(self.accuracy >= accuracy)
        return int(reached[-1]) if len(reached) else None

    def points_at(self, coverages: Sequence[float] | Floats) -> Integers:
        """Positions of the points with the smallest sufficient coverage, without duplicates.

        Args:
            coverages: Minimum coverages, 0 to 1.
        """
        wanted = np.ceil(np.asarray(coverages) * self.answered[-1] - 1e-9)
        return np.unique(np.searchsorted(self.answered, wanted)).astype(np.int64)

    def interval(self, points: Sequence[int] | Integers) -> tuple[Floats, Floats]:
        """Wilson 95 % interval of the accuracy at points. It does not cover the choice of a point by its accuracy.

        Args:
            points: Positions of the points.

        Returns:
            Lower and upper ends, one for each point.
        """
        return wilson_interval(self.right[points], self.answered[points])


def measure_coverage(probabilities: Any, labels: Any) -> Coverage:
    """Measure how the accuracy grows if the least confident examples are not answered.

    Args:
        probabilities: ``(n, classes)``.
        labels: ``(n,)``, integers from 0 to classes - 1.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

    Example:
        >>> curve = measure_coverage([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4]], [0, 0, 1])
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
