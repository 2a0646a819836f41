"""ROC and precision-recall curves of a score for a class of two, with their areas, and a threshold for the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.accuracy import Interval
from mnistsweep.analysis.arrays import Floats, Integers
from mnistsweep.errors import DataError

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class BinaryCurves:
    """Curves of one score. They do not exist where all examples are positive, or none is: then their areas are NaN.

    Attributes:
        false_positive_rate: Share of the negative examples with a score at or above each threshold, ascending.
        true_positive_rate: Share of the positive examples with such a score.
        roc_area: Area under the ROC curve, 0 to 1: the probability that a positive example has a higher score than a
            negative one (Hanley and McNeil 1982).
        roc_interval: 95 % interval of `roc_area`, by the standard error of Hanley and McNeil (1982).
        recall: Recall at each threshold, descending.
        precision: Precision at each threshold.
        average_precision: Area under the precision-recall curve as a sum of steps, 0 to 1; that of a random score is
            the share of positive examples.
        positives: Number of positive examples.
        examples: Number of examples.
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    roc_area: float
    roc_interval: Interval
    recall: Floats
    precision: Floats
    average_precision: float
    positives: int
    examples: int


def measure_curves(scores: Any, truth: Any) -> BinaryCurves:
    """Measure both curves.

    Args:
        scores: Score of each example, ``(n,)``; larger means more probably positive.
        truth: Whether each example is positive, ``(n,)``.

    Raises:
        DataError: The arrays do not fit together, or a score is not finite.

    Example:
        >>> found = measure_curves([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
        >>> found.roc_area, round(found.average_precision, 4)
        (0.75, 0.8333)
    """
    from sklearn import metrics

    values, labels = _checked(scores, truth)
    positives, examples = int(labels.sum()), len(labels)
    if positives in (0, examples):
        nothing, nan = np.empty(0), float("nan")
        return BinaryCurves(nothing, nothing, nan, Interval(0.0, 1.0), nothing, nothing, nan, positives, examples)
    false_rate, true_rate, _ = metrics.roc_curve(labels, values)
    precision, recall, _ = metrics.precision_recall_curve(labels, values)
    area = float(metrics.auc(false_rate, true_rate))
    average = float(metrics.average_precision_score(labels, values))
    interval = _interval(area, positives, examples - positives)
    return BinaryCurves(false_rate, true_rate, area, interval, recall, precision, average, positives, examples)


def best_threshold(scores: Any, truth: Any) -> float | None:
    """Threshold with the largest F1: an example is predicted as positive at or above it.

    It is in the middle between two scores, so that it does not depend on rounding.

    Args:
        scores: Score of each example of the validation data, ``(n,)``.
        truth: Whether each example is positive, ``(n,)``.

    Returns:
        The threshold; None where all examples are positive, or none is.

    Raises:
        DataError: The arrays do not fit together, or a score is not finite.

    Example:
        >>> best_threshold([0.1, 0.3, 0.7, 0.9], [0, 0, 1, 1])
        0.5
    """
    values, labels = _checked(scores, truth)
    positives = int(labels.sum())
    if positives in (0, len(labels)):
        return None
    order = np.argsort(-values, kind="stable")
    ordered, right = values[order], np.cumsum(labels[order])
    last = np.flatnonzero(np.r_[ordered[:-1] != ordered[1:], True])  # the last example of each score
    f1 = 2 * right[last] / (last + 1 + positives)
    chosen = int(np.argmax(f1))
    above = ordered[last[chosen]]
    below = ordered[last[chosen] + 1] if last[chosen] + 1 < len(ordered) else above
    return float((above + below) / 2)


def _checked(scores: Any, truth: Any) -> tuple[Floats, Integers]:
    values: NDArray[np.float64] = np.asarray(scores, np.float64)
    labels: NDArray[np.int64] = np.asarray(truth).astype(np.int64)
    if values.ndim != 1 or values.shape != labels.shape or not len(values):
        raise DataError(f"scores: must be one for each label, received the shapes {values.shape} and {labels.shape}.")
    if not np.isfinite(values).all() or not np.isin(labels, (0, 1)).all():
        raise DataError("scores: must be finite numbers, and labels 0 or 1.")
    return values, labels


def _interval(area: float, positives: int, negatives: int) -> Interval:
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positives - 1) * (first - area**2) + (negatives - 1) * (second - area**2)
    half = 1.96 * (max(variance, 0.0) / (positives * negatives)) ** 0.5
    return Interval(max(area - half, 0.0), min(area + half, 1.0))
