"""Confusion of classes: the confusion matrix, the most common mistakes, precision and recall of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.accuracy import wilson_interval
from mnistsweep.analysis.arrays import Floats, Integers, check


@dataclass(frozen=True)
class ConfusedPair:
    """Mistakes with the same label and the same predicted class.

    Attributes:
        true: Label of the images.
        predicted: Predicted class.
        count: Number of images.
        share: Share of the images with this label, from 0 to 1.
        examples: Positions of some of the images, the most confident mistake first.
    """

    true: int
    predicted: int
    count: int
    share: float
    examples: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ClassScores:
    """Precision, recall and F1 of each class, ``(classes,)`` each, from 0 to 1; larger is better.

    Precision is NaN for a class that is never predicted, recall for a class without images, F1 for a class with
    neither; their intervals are 0 to 1.

    Attributes:
        precision: Precision of each class, ``right / predicted``.
        recall: Recall of each class, ``right / support``.
        f1: F1 of each class, ``2 right / (predicted + support)``: the harmonic mean of both (van Rijsbergen 1979).
        support: Number of images with this label.
        predicted: Number of images with this prediction.
        precision_interval: 95 % intervals of the precision, ``(2, classes)``: lower and upper ends (Wilson 1927).
        recall_interval: 95 % intervals of the recall, ``(2, classes)``.
        f1_interval: 95 % intervals of F1, ``(2, classes)``: Wilson's interval for ``F* = right / (predicted or labelled
            so)``, of which F1 is the increasing function ``2 F* / (1 + F*)`` (Hand, Christen and Kirielle 2021).
    """

    precision: Floats
    recall: Floats
    f1: Floats
    support: Integers
    predicted: Integers
    precision_interval: Floats
    recall_interval: Floats
    f1_interval: Floats


@dataclass(frozen=True, eq=False)
class Confusion:
    """Confusion matrix, with an order of the classes, the confused pairs and the scores of the classes.

    Attributes:
        counts: Confusion matrix, ``(classes, classes)``: labels in rows, predicted classes in columns.
        order: Order of the classes for display, ``(classes,)``: classes that are confused with each other are adjacent.
        confused_pairs: Pairs of label and wrong prediction that occur, the most common first.
        scores: Precision, recall and F1 of each class.
    """

    counts: Integers
    order: Integers
    confused_pairs: tuple[ConfusedPair, ...]
    scores: ClassScores

    @property
    def errors(self) -> Integers:
        """Confusion matrix without its diagonal: the counts of mistakes."""
        return self.counts - np.diag(np.diag(self.counts))


def measure_confusion(probabilities: Any, labels: Any, examples: int = 5) -> Confusion:
    """Compute the confusion matrix and what follows from it.

    Args:
        probabilities: Probabilities of one model or of a committee, ``(n, classes)``.
        labels: ``(n,)``, integers from 0 to classes - 1.
        examples: Maximum number of positions per confused pair.

    Returns:
        Confusion matrix, order of the classes, confused pairs, and scores of each class.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

    Example:
        >>> found = measure_confusion([[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]], [0, 0, 1])
        >>> found.counts.tolist()
        [[1, 1], [1, 0]]
        >>> found.confused_pairs[0]
        ConfusedPair(true=0, predicted=1, count=1, share=0.5, examples=(1,))
    """
    checked, truth = check(probabilities, labels)
    predictions, classes = checked.argmax(axis=1), checked.shape[1]
    counts = np.bincount(truth * classes + predictions, minlength=classes**2).reshape(classes, classes)
    confused_pairs = _confused_pairs(counts, checked.max(axis=1), truth, predictions, examples)
    return Confusion(counts, order_classes(counts), confused_pairs, score_classes(counts))


def order_classes(counts: Any) -> Integers:
    """Order classes so that classes that are confused with each other are adjacent.

    The method is average-linkage clustering of the mean error rate of each pair, with the leaves ordered so that
    neighbours are confused as often as possible (Bar-Joseph, Gifford and Jaakkola 2001). Classes without a mistake
    follow in ascending order.

    Args:
        counts: Confusion matrix, ``(classes, classes)``: labels in rows, predicted classes in columns.

    Returns:
        A permutation of the classes, ``(classes,)``.

    Example:
        >>> order_classes([[9, 0, 1, 0], [0, 8, 0, 2], [2, 0, 8, 0], [0, 1, 0, 9]]).tolist()
        [0, 2, 3, 1]
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    table = np.asarray(counts, np.float64)
    rates = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    confused = (rates + rates.T) / 2
    np.fill_diagonal(confused, 0)
    mixed = np.flatnonzero(confused.any(axis=1))
    if len(mixed) == 0:
        return np.arange(len(table))
    near = confused[np.ix_(mixed, mixed)]
    distances = squareform(1 - near / near.max(), checks=False)
    leaves = leaves_list(linkage(distances, "average", optimal_ordering=True))
    if leaves[0] > leaves[-1]:  # both directions are equally good; always take the same one
        leaves = leaves[::-1]
    return np.concatenate([mixed[leaves], np.setdiff1d(np.arange(len(table)), mixed)])


def score_classes(counts: Any) -> ClassScores:
    """Compute precision, recall and F1 of each class.

    Args:
        counts: Confusion matrix, ``(classes, classes)``: labels in rows, predicted classes in columns.

    Returns:
        Scores from 0 to 1 with their intervals; NaN where a score is undefined.

    Example:
        >>> scores = score_classes([[3, 1], [0, 4]])
        >>> scores.precision.tolist(), scores.recall.tolist()
        ([1.0, 0.8], [0.75, 1.0])
    """
    table = np.asarray(counts, np.int64)
    right, support, predicted = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    either = support + predicted - right
    ends = np.stack(wilson_interval(right, either))
    return ClassScores(
        precision=_share(right, predicted),
        recall=_share(right, support),
        f1=_share(2 * right, predicted + support),
        support=support,
        predicted=predicted,
        precision_interval=np.stack(wilson_interval(right, predicted)),
        recall_interval=np.stack(wilson_interval(right, support)),
        f1_interval=2 * ends / (1 + ends),
    )


def _share(part: Integers, whole: Integers) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _confused_pairs(
    counts: Integers, confidence: Floats, labels: Integers, predictions: Integers, examples: int
) -> tuple[ConfusedPair, ...]:
    """Cells off the diagonal that are not empty; the wrong images of all cells are sorted at once."""
    wrong = np.flatnonzero(predictions != labels)
    cells = labels[wrong] * len(counts) + predictions[wrong]
    wrong = wrong[np.lexsort((wrong, -confidence[wrong], cells))]
    starts = np.r_[0, np.cumsum(np.bincount(cells, minlength=counts.size))]
    found = np.unique(cells)
    found = found[np.argsort(-counts.ravel()[found], kind="stable")]
    support = counts.sum(axis=1)
    return tuple(
        ConfusedPair(
            true=true,
            predicted=predicted,
            count=int(counts[true, predicted]),
            share=float(counts[true, predicted] / support[true]),
            examples=tuple(wrong[starts[cell] : starts[cell + 1]][:examples].tolist()),
        )
        for cell in found.tolist()
        for true, predicted in [divmod(cell, len(counts))]
    )
