"""Scores of models that predict several labels: precision, recall and F1 of each label at a threshold, and curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.accuracy import wilson_interval
from mnistsweep.analysis.arrays import Floats, Integers
from mnistsweep.analysis.binary_curves import DEFAULT_THRESHOLD, BinaryCurves, best_threshold, measure_curves
from mnistsweep.errors import DataError


@dataclass(frozen=True, eq=False)
class LabelScores:
    """Scores of each label, ``(labels,)`` each, from 0 to 1; NaN where a score is not defined.

    Attributes:
        thresholds: Probability at or above which a label is predicted.
        support: Number of examples with the label.
        predicted: Number of examples with the predicted label.
        right: Number of examples with both.
        precision: ``right / predicted``.
        recall: ``right / support``.
        f1: ``2 right / (predicted + support)``.
        precision_interval: 95 % Wilson intervals, ``(2, labels)``.
        recall_interval: 95 % Wilson intervals, ``(2, labels)``.
        exact: Share of the examples with all labels predicted correctly.
        cells: Share of all labels of all examples that are predicted correctly (1 - Hamming loss).
    """

    thresholds: Floats
    support: Integers
    predicted: Integers
    right: Integers
    precision: Floats
    recall: Floats
    f1: Floats
    precision_interval: Floats
    recall_interval: Floats
    exact: float
    cells: float

    @property
    def macro_f1(self) -> float:
        """Mean of F1 over the labels that have one; NaN where none has."""
        return float(np.nanmean(self.f1)) if np.isfinite(self.f1).any() else float("nan")

    @property
    def micro_f1(self) -> float:
        """F1 over all labels of all examples together; NaN where no label occurs."""
        total = int(self.predicted.sum() + self.support.sum())
        return float(2 * self.right.sum() / total) if total else float("nan")


def choose_thresholds(probabilities: Any, truth: Any) -> Floats:
    """Threshold of each label with the largest F1 on validation data; 0.5 for a label without examples of both kinds.

    Args:
        probabilities: Predicted probabilities of the validation data, ``(n, labels)``.
        truth: Labels, zeros and ones, ``(n, labels)``.

    Example:
        >>> choose_thresholds([[0.2, 0.9], [0.4, 0.8]], [[0, 1], [1, 1]]).tolist()
        [0.30000000000000004, 0.5]
    """
    values, labels = check_labels(probabilities, truth)
    found = [best_threshold(values[:, one], labels[:, one]) for one in range(values.shape[1])]
    return np.array([DEFAULT_THRESHOLD if one is None else one for one in found])


def score_labels(probabilities: Any, truth: Any, thresholds: Any) -> LabelScores:
    """Score predicted labels.

    Args:
        probabilities: ``(n, labels)``.
        truth: Labels, zeros and ones, ``(n, labels)``.
        thresholds: Threshold of each label, ``(labels,)``, or one for all.

    Raises:
        DataError: The arrays do not fit together.

    Example:
        >>> score_labels([[0.9, 0.2], [0.4, 0.8]], [[1, 0], [1, 1]], 0.5).recall.tolist()
        [0.5, 1.0]
    """
    values, labels = check_labels(probabilities, truth)
    limits = np.broadcast_to(np.asarray(thresholds, np.float64), values.shape[1:])
    predicted = values >= limits
    right, support, guessed = (predicted & (labels == 1)).sum(axis=0), labels.sum(axis=0), predicted.sum(axis=0)
    return LabelScores(
        thresholds=limits,
        support=support,
        predicted=guessed,
        right=right,
        precision=_share(right, guessed),
        recall=_share(right, support),
        f1=_share(2 * right, guessed + support),
        precision_interval=np.stack(wilson_interval(right, guessed)),
        recall_interval=np.stack(wilson_interval(right, support)),
        exact=float((predicted == labels).all(axis=1).mean()),
        cells=float((predicted == labels).mean()),
    )


def label_curves(probabilities: Any, truth: Any) -> list[BinaryCurves]:
    """ROC and precision-recall curve of each label.

    Args:
        probabilities: ``(n, labels)``.
        truth: Labels, zeros and ones, ``(n, labels)``.
    """
    values, labels = check_labels(probabilities, truth)
    return [measure_curves(values[:, one], labels[:, one]) for one in range(values.shape[1])]


def check_labels(probabilities: Any, truth: Any) -> tuple[Floats, Integers]:
    """Check predicted probabilities of labels against the labels.

    Args:
        probabilities: ``(n, labels)``, from 0 to 1.
        truth: Zeros and ones, ``(n, labels)``.

    Raises:
        DataError: The arrays do not fit together, or hold invalid values.
    """
    values, labels = np.asarray(probabilities, np.float64), np.asarray(truth).astype(np.int64)
    if values.ndim != 2 or values.shape != labels.shape:
        raise DataError(f"probabilities: must have the shape of the labels, {labels.shape}, received {values.shape}.")
    if not (values.min() >= 0 and values.max() <= 1):  # written so that NaN fails, too
        raise DataError("probabilities: must lie from 0 to 1; apply a sigmoid to logits.")
    return values, labels


def _share(part: Integers, whole: Integers) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
