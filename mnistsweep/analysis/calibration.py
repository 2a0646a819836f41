"""Calibration of a model: whether its confidence agrees with its accuracy (reliability diagram and scores)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis import arrays
from mnistsweep.analysis.accuracy import wilson_interval
from mnistsweep.analysis.arrays import Floats, Integers
from mnistsweep.analysis.log_loss import log_loss

# Number of bins of Guo et al. (2017).
DEFAULT_BINS = 15

# Number of simulated data sets that give the calibration error of a perfectly calibrated model.
NUM_SIMULATIONS = 200


@dataclass(frozen=True, eq=False)
class Calibration:
    """Calibration of one model. Its confidence is the probability of the predicted class.

    Bins have equal width, ``(edges[b], edges[b + 1]]``, as in published results: bins of equal mass would all be above
    99 % for a good classifier. Some bins of equal width have few images, so each has an interval.

    Attributes:
        edges: Edges of the bins, ``(bins + 1,)``, from 0 to 1.
        counts: Number of examples in each bin, ``(bins,)``.
        confidence: Mean confidence in each bin; NaN in an empty bin.
        accuracy: Accuracy in each bin; NaN in an empty bin.
        low: Lower end of the Wilson 95 % interval of the accuracy; 0 in an empty bin.
        high: Upper end of that interval; 1 in an empty bin.
        expected_error: Mean of ``|accuracy - confidence|`` over bins, weighted by their counts, 0 to 1; smaller is
            better (Naeini et al. 2015; Guo et al. 2017). It is above 0 for a perfectly calibrated model, too; compare
            it with `chance_error`.
        maximum_error: Maximum of ``|accuracy - confidence|`` over bins (Naeini et al. 2015). A bin may hold a single
            image.
        chance_error: 95th percentile of the expected error of a perfectly calibrated model with the same confidences,
            over simulated labels of data sets of this size (consistency resampling, Broecker and Smith 2007).
        brier: Mean of ``sum_k (p_k - [k = label])^2``, 0 to 2; smaller is better (Brier 1950).
        log_loss: Mean of ``-log p_label`` in nats; smaller is better (Good 1952).
        mean_confidence: Mean confidence over all examples.
        mean_accuracy: Accuracy over all examples.
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
        """Whether the mean confidence is above the accuracy."""
        return self.mean_confidence > self.mean_accuracy


def measure_calibration(probabilities: Any, labels: Any, bins: int = DEFAULT_BINS, seed: int = 0) -> Calibration:
    """Compare the confidence of one model with its accuracy.

    Args:
        probabilities: ``(n, classes)``, each row summing to 1.
        labels: ``(n,)``, integers from 0 to classes - 1.
        bins: Number of bins.
        seed: Seed of the simulation for `Calibration.chance_error`.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

    Example:
        >>> found = measure_calibration([[0.9, 0.1], [0.8, 0.2], [0.85, 0.15], [0.15, 0.85]], [0, 0, 1, 1], 2)
        >>> found.counts.tolist(), found.accuracy[1].item(), round(found.expected_error, 3)
        ([0, 4], 0.75, 0.1)
    """
    checked, classes = arrays.check(probabilities, labels)
    confidence = checked.max(axis=1)
    right = checked.argmax(axis=1) == classes
    edges = np.linspace(0.0, 1.0, bins + 1)
    bin_of, counts = _assign_bins(confidence, edges)
    bin_confidence, bin_accuracy = (_bin_means(bin_of, values, counts) for values in (confidence, right))
    gaps = np.abs(bin_accuracy - bin_confidence)[counts > 0]
    low, high = wilson_interval(np.bincount(bin_of[right], minlength=bins), counts)
    return Calibration(
        edges=edges,
        counts=counts,
        confidence=bin_confidence,
        accuracy=bin_accuracy,
        low=low,
        high=high,
        expected_error=float(gaps @ counts[counts > 0] / len(classes)),
        maximum_error=float(gaps.max()),
        chance_error=_chance_error(confidence, bin_of, bins, seed),
        brier=brier_score(checked, classes),
        log_loss=log_loss(checked, classes),
        mean_confidence=float(confidence.mean()),
        mean_accuracy=float(right.mean()),
    )


def _assign_bins(confidence: Floats, edges: Floats) -> tuple[Integers, Integers]:
    """Bin of each example, and number of examples in each bin."""
    bin_of = np.searchsorted(edges[1:-1], confidence)
    return bin_of, np.bincount(bin_of, minlength=len(edges) - 1)


def _bin_means(bin_of: Integers, values: NDArray[Any], counts: Integers) -> Floats:
    """Mean of values in each bin; NaN in empty bins."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(bin_of, values, len(counts)) / counts)


def brier_score(probabilities: Any, labels: Any) -> float:
    """Brier score: ``mean_i sum_k (p_ik - [k = label_i])^2``, 0 to 2; smaller is better (Brier 1950).

    For two classes it is twice the score of the second class alone.

    Args:
        probabilities: ``(n, classes)``.
        labels: ``(n,)``, integers from 0 to classes - 1.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

    Example:
        >>> brier_score([[1.0, 0.0], [0.5, 0.5]], [0, 0])
        0.25
    """
    checked, classes = arrays.check(probabilities, labels)
    picked = checked[np.arange(len(classes)), classes]
    return float((np.einsum("ij,ij->i", checked, checked) - 2 * picked + 1).mean())


def _chance_error(confidence: Floats, bin_of: Integers, bins: int, seed: int) -> float:
    """95th percentile of the expected error if each prediction is right with a probability equal to its confidence."""
    rng = np.random.default_rng(seed)
    expected = np.bincount(bin_of, confidence, bins)
    errors = [
        np.abs(np.bincount(bin_of, rng.random(len(confidence)) < confidence, bins) - expected).sum()
        for _ in range(NUM_SIMULATIONS)
    ]
    return float(np.quantile(errors, 0.95) / len(confidence))
