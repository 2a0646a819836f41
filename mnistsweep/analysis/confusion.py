"""Which classes are taken for which: the confusion matrix, the common mix-ups, precision and recall of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.accuracy import wilson
from mnistsweep.analysis.arrays import Floats, Integers, check


@dataclass(frozen=True)
class ConfusedPair:
    """A class that is taken for another.

    Attributes:
        true: The label.
        predicted: What the images were taken for.
        count: How many images.
        share: Of all the images with this label, from 0 to 1.
        examples: Positions of some of them, the most confident mistake first.
    """

    true: int
    predicted: int
    count: int
    share: float
    examples: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ClassScores:
    """Precision, recall and F1 of each class, ``(classes,)`` each, from 0 to 1, larger is better.

    Where a class is never predicted it has no precision, where it is never the label no recall, and where it is
    neither no F1: NaN, with an interval from 0 to 1.

    Attributes:
        precision: ``right / predicted``: how far a prediction can be trusted.
        recall: ``right / support``: how many of the class are found.
        f1: ``2 right / (predicted + support)``, their harmonic mean (van Rijsbergen 1979).
        support: How many images have this label.
        predicted: How many are taken for it.
        precision_interval: ``(2, classes)``, lower and upper ends, 95 % (Wilson 1927).
        recall_interval: Likewise.
        f1_interval: Likewise: Wilson's for ``F* = right / (predicted or labelled so)``, of which F1 is the rising
            function ``2 F* / (1 + F*)`` (Hand, Christen and Kirielle 2021).
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
    """What was taken for what.

    Attributes:
        counts: ``(classes, classes)``: images of the row's label that were taken for the column's class.
        order: ``(classes,)``: the classes in an order in which those that are confused stand together.
        confused_pairs: Every kind of mistake that happened, the commonest first.
        scores: Of each class.
    """

    counts: Integers
    order: Integers
    confused_pairs: tuple[ConfusedPair, ...]
    scores: ClassScores

    @property
    def errors(self) -> Integers:
        """The counts of mistakes alone: zeros in the diagonal."""
        return self.counts - np.diag(np.diag(self.counts))


def measure_confusion(probabilities: Any, labels: Any, examples: int = 5) -> Confusion:
    """Count what was taken for what.

    Args:
        probabilities: Of one model or of a committee, ``(n, classes)``.
        labels: ``(n,)``, whole numbers from 0 to classes - 1.
        examples: How many positions a mix-up names at the most.

    Returns:
        Counts, an order of the classes, mix-ups, and the scores of each class.

    Raises:
        DataError: The arrays do not fit together, or hold what is no probability or no label.

    Example:
        >>> found = measure_confusion([[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]], [0, 0, 1])
        >>> found.counts.tolist()
        [[1, 1], [1, 0]]
        >>> found.confused_pairs[0]
        ConfusedPair(true=0, predicted=1, count=1, share=0.5, examples=(1,))
    """
    checked, truth = check(probabilities, labels)
    guesses, classes = checked.argmax(axis=1), checked.shape[1]
    counts = np.bincount(truth * classes + guesses, minlength=classes**2).reshape(classes, classes)
    confused_pairs = _confused_pairs(counts, checked.max(axis=1), truth, guesses, examples)
    return Confusion(counts, order_classes(counts), confused_pairs, score_classes(counts))


def order_classes(counts: Any) -> Integers:
    """Order classes so that those that are confused stand together.

    Average-linkage clustering of the mean error rate of each pair, leaves in the order in which the neighbours are the
    most confused (Bar-Joseph, Gifford and Jaakkola 2001). Classes without a mistake follow in their own order.

    Args:
        counts: ``(classes, classes)``, labels in rows, predictions in columns.

    Returns:
        ``(classes,)``, a permutation.

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
    leaves = leaves[:: 1 if leaves[0] < leaves[-1] else -1]  # either direction is as good: the same one each time
    return np.concatenate([mixed[leaves], np.setdiff1d(np.arange(len(table)), mixed)])


def score_classes(counts: Any) -> ClassScores:
    """Give precision, recall and F1 of each class.

    Args:
        counts: ``(classes, classes)``, labels in rows, predictions in columns.

    Returns:
        Shares from 0 to 1, with intervals; NaN where a class has none.

    Example:
        >>> scores = score_classes([[3, 1], [0, 4]])
        >>> scores.precision.tolist(), scores.recall.tolist()
        ([1.0, 0.8], [0.75, 1.0])
    """
    table = np.asarray(counts, np.int64)
    right, support, predicted = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    either = support + predicted - right
    ends = np.stack(wilson(right, either))
    return ClassScores(
        precision=_share(right, predicted),
        recall=_share(right, support),
        f1=_share(2 * right, predicted + support),
        support=support,
        predicted=predicted,
        precision_interval=np.stack(wilson(right, predicted)),
        recall_interval=np.stack(wilson(right, support)),
        f1_interval=2 * ends / (1 + ends),
    )


def _share(part: Integers, whole: Integers) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _confused_pairs(
    counts: Integers, confidence: Floats, labels: Integers, guesses: Integers, examples: int
) -> tuple[ConfusedPair, ...]:
    """Every cell off the diagonal that is not empty; all wrong images are sorted once, cell by cell."""
    wrong = np.flatnonzero(guesses != labels)
    cells = labels[wrong] * len(counts) + guesses[wrong]
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
