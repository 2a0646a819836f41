"""Scores of predicted class maps, such as the segmentation of images: accuracy of positions, and IoU of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Floats, Integers
from mnistsweep.analysis.bootstrap import percentile_interval, resampled_means
from mnistsweep.errors import DataError


@dataclass(frozen=True, eq=False)
class MapScores:
    """Scores of one model.

    Attributes:
        accuracy: Share of all positions (pixels) with the right class.
        accuracy_interval: 95 % bootstrap interval over examples, ``(2,)``.
        iou: Intersection over union of each class, ``(classes,)``: ``right / (labelled or predicted so)`` (Jaccard
            1912); NaN for a class that is neither.
        iou_interval: 95 % bootstrap intervals over examples, ``(2, classes)``.
        mean_iou: Mean of `iou` over the classes that have one.
        mean_iou_interval: 95 % bootstrap interval over examples, ``(2,)``.
        support: Number of positions of each class, ``(classes,)``.
        accuracy_of_examples: Accuracy of each example, ``(n,)``.
    """

    accuracy: float
    accuracy_interval: Floats
    iou: Floats
    iou_interval: Floats
    mean_iou: float
    mean_iou_interval: Floats
    support: Integers
    accuracy_of_examples: Floats


def measure_maps(predicted: Any, truth: Any) -> MapScores:
    """Score predicted class maps.

    Args:
        predicted: Predicted class of each position, ``(n, ...)``, whole numbers from 0.
        truth: Class of each position, in the same shape.

    Raises:
        DataError: The arrays have different shapes.

    Example:
        >>> found = measure_maps([[0, 1, 1]], [[0, 0, 1]])
        >>> found.iou.tolist(), round(found.accuracy, 4)
        ([0.5, 0.5], 0.6667)
    """
    guess, label = np.asarray(predicted), np.asarray(truth)
    if guess.shape != label.shape or guess.ndim < 2:
        raise DataError(f"class maps: must have the shape of the targets, {label.shape}, received {guess.shape}.")
    guess, label = guess.reshape(len(guess), -1).astype(np.int64), label.reshape(len(label), -1).astype(np.int64)
    classes = int(max(guess.max(), label.max())) + 1
    columns = np.concatenate([_counts(guess, label, classes), (guess == label).mean(axis=1)[:, None]], axis=1)
    iou, mean_iou, accuracy = _scores(columns.mean(axis=0)[None], classes)
    drawn = [percentile_interval(one) for one in _scores(resampled_means(columns), classes)]
    support = np.bincount(label.ravel(), minlength=classes)
    return MapScores(
        float(accuracy[0]), drawn[2], iou[0], drawn[0], float(mean_iou[0]), drawn[1], support, columns[:, -1]
    )


def _counts(guess: Integers, label: Integers, classes: int) -> Floats:
    """Positions of each example that are right, and that are labelled or predicted so, for each class."""
    cells = np.arange(len(guess))[:, None] * classes

    def count(values: Integers, weights: Any = None) -> Floats:
        flat = np.bincount((cells + values).ravel(), weights=weights, minlength=len(guess) * classes)
        return flat.reshape(len(guess), classes).astype(np.float64)

    right = count(label, (guess == label).ravel().astype(np.float64))
    return np.concatenate([right, count(label) + count(guess) - right], axis=1)


def _scores(means: Floats, classes: int) -> tuple[Floats, Floats, Floats]:
    """IoU of each class, its mean, and accuracy, in rows."""
    right, either = means[:, :classes], means[:, classes : 2 * classes]
    iou = np.where(either > 0, right / np.where(either > 0, either, 1), np.nan)
    return iou, np.nanmean(iou, axis=1), means[:, -1]
