"""Whether a model is right as often as it says: the reliability diagram and the numbers that sum it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis import arrays
from mnistsweep.analysis.accuracy import MIN_PROBABILITY, wilson
from mnistsweep.analysis.arrays import Floats, Integers

# As in Guo et al. (2017).
BINS = 15

# Simulated data sets from which the calibration error of a perfectly calibrated model is read.
DRAWS = 200


@dataclass(frozen=True, eq=False)
class Calibration:
    """How far the confidence of a model can be believed. Confidence is the probability of the predicted class.

    Bins are of equal width, ``(edges[b], edges[b + 1]]``, as those of the published numbers are: bins of equal mass
    would all lie above 99 % for a good classifier. What equal width costs is bins of few images, so each has an
    interval.

    Attributes:
        edges: Of the bins, ``(bins + 1,)``, from 0 to 1.
        counts: Examples in each bin, ``(bins,)``.
        confidence: Mean confidence in each bin; NaN where it is empty.
        accuracy: Share that is right in each bin; NaN where it is empty.
        low: Lower end of the accuracy's Wilson 95 % interval; 0 where the bin is empty.
        high: Upper end; 1 where the bin is empty.
        expected_error: Mean of ``|accuracy - confidence|`` over bins, weighted by their counts, 0 to 1; smaller is
            better (Naeini et al. 2015; Guo et al. 2017). Never 0 on few examples, hence `chance_error`.
        maximum_error: The largest ``|accuracy - confidence|`` of a bin (Naeini et al. 2015). A single image can be
            such a bin.
        chance_error: What a perfectly calibrated model of the same confidences stays below in 95 % of data sets of
            this size, by drawing the outcomes anew (consistency resampling, Broecker and Smith 2007).
        brier: Mean of ``sum_k (p_k - [k = label])^2``, 0 to 2; smaller is better (Brier 1950).
        log_loss: Mean of ``-log p_label`` in nats; smaller is better (Good 1952).
        mean_confidence: Over all examples.
        mean_accuracy: Over all examples.
    """

    edges: Floats
    counts: Integers
    confidence: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    expected_error: float
    maximum_error: float
    chance_error: float
    brier: float
    log_loss: float
    mean_confidence: float
    mean_accuracy: float

    @property
    def miscalibrated(self) -> bool:
        """Whether the expected error is larger than chance explains."""
        return self.expected_error > self.chance_error

    @property
    def overconfident(self) -> bool:
        """Whether the model is surer than it is right, on the whole."""
        return self.mean_confidence > self.mean_accuracy


def calibration(probabilities: Any, labels: Any, bins: int = BINS, seed: int = 0) -> Calibration:
    """Compare the confidence of one model with how often it is right.

    Args:
        probabilities: ``(n, classes)``, each row summing to 1.
        labels: ``(n,)``.
        bins: Of equal width from 0 to 1.
        seed: Of the draws behind `Calibration.chance_error`.

    Raises:
        DataError: The arrays do not fit together, or hold what is no probability or no label.

    Example:
        >>> found = calibration([[0.9, 0.1], [0.8, 0.2], [0.85, 0.15], [0.15, 0.85]], [0, 0, 1, 1], bins=2)
        >>> found.counts.tolist(), found.accuracy[1].item(), round(found.expected_error, 3)
        ([0, 4], 0.75, 0.1)
    """
    checked, classes = arrays.check(probabilities, labels)
    confidence = checked.max(axis=1)
    right = checked.argmax(axis=1) == classes
    edges = np.linspace(0.0, 1.0, bins + 1)
    places = np.searchsorted(edges[1:-1], confidence)
    counts = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        believed = np.bincount(places, confidence, bins) / counts
        measured = np.bincount(places, right, bins) / counts
    gaps = np.abs(measured - believed)[counts > 0]
    low, high = wilson(np.bincount(places[right], minlength=bins), counts)
    return Calibration(
        edges=edges,
        counts=counts,
        confidence=believed,
        accuracy=measured,
        low=low,
        high=high,
        expected_error=float(gaps @ counts[counts > 0] / len(classes)),
        maximum_error=float(gaps.max()),
        chance_error=_chance_error(confidence, places, bins, seed),
        brier=brier_score(checked, classes),
        log_loss=log_loss(checked, classes),
        mean_confidence=float(confidence.mean()),
        mean_accuracy=float(right.mean()),
    )


def brier_score(probabilities: Any, labels: Any) -> float:
    """The mean squared distance from the truth, ``mean_i sum_k (p_ik - [k = label_i])^2``, 0 to 2 (Brier 1950).

    Smaller is better. For two classes it is twice the score of the second class alone.

    Args:
        probabilities: ``(n, classes)``.
        labels: ``(n,)``.

    Raises:
        DataError: The arrays do not fit together.

    Example:
        >>> brier_score([[1.0, 0.0], [0.5, 0.5]], [0, 0])
        0.25
    """
    checked, classes = arrays.check(probabilities, labels)
    picked = checked[np.arange(len(classes)), classes]
    return float((np.einsum("ij,ij->i", checked, checked) - 2 * picked + 1).mean())


def log_loss(probabilities: Any, labels: Any) -> float:
    """The mean of ``-log p_label`` in nats, from 0; smaller is better (Good 1952).

    A probability below 2.2e-16 counts as that, as in scikit-learn: a model that is wrong and sure costs 36 at the most.

    Args:
        probabilities: ``(n, classes)``.
        labels: ``(n,)``.

    Raises:
        DataError: The arrays do not fit together.

    Example:
        >>> round(log_loss([[0.5, 0.5], [1.0, 0.0]], [0, 0]), 4)
        0.3466
    """
    checked, classes = arrays.check(probabilities, labels)
    return float(-np.log(np.maximum(checked[np.arange(len(classes)), classes], MIN_PROBABILITY)).mean())


def _chance_error(confidence: Floats, places: Integers, bins: int, seed: int) -> float:
    """The 95th percentile of the expected error, were every confidence true."""
    rng = np.random.default_rng(seed)
    believed = np.bincount(places, confidence, bins)
    errors = [
        np.abs(np.bincount(places, rng.random(len(confidence)) < confidence, bins) - believed).sum()
        for _ in range(DRAWS)
    ]
    return float(np.quantile(errors, 0.95) / len(confidence))
