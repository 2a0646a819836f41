"""Folds: a set of examples in parts of equal size, for cross-validation and for out-of-fold predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Integers
from mnistsweep.errors import DataError


def assign_folds(labels: Any, folds: int, classes: int, seed: int) -> Integers:
    """Divide examples into folds with equal class proportions, for out-of-fold predictions.

    Args:
        labels: ``(n,)``, integers from 0 to classes - 1.
        folds: Number of folds, at least 2.
        classes: Number of classes.
        seed: Seed of the shuffling.

    Returns:
        Fold of each example, ``(n,)``, from 0.

    Raises:
        DataError: A class has fewer examples than there are folds.

    Example:
        >>> sorted(assign_folds([0, 1, 0, 1], folds=2, classes=2, seed=0).tolist())
        [0, 0, 1, 1]
    """
    smallest, count = smallest_class(labels, classes)
    if count < folds:
        raise DataError(
            f"folds: each class needs at least one training example per fold; class {smallest} has {count} "
            f"examples in the training split, received {folds} folds; use fewer folds or more examples."
        )
    return stratified_folds(labels, folds, seed)


def smallest_class(labels: Any, classes: int) -> tuple[int, int]:
    """The class with the fewest examples, and their number.

    Args:
        labels: ``(n,)``, integers from 0 to classes - 1.
        classes: Number of classes.

    Example:
        >>> smallest_class([0, 0, 1], classes=2)
        (1, 1)
    """
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=classes)
    return int(counts.argmin()), int(counts.min())


def stratified_folds(labels: Any, folds: int, seed: int | None) -> Integers:
    """Divide examples into folds with equal class proportions (scikit-learn's `StratifiedKFold`).

    Args:
        labels: ``(n,)``, integers; each class has at least as many examples as there are folds.
        folds: Number of folds, at least 2.
        seed: Seed of the shuffling (`random_state`); None: not shuffled.

    Returns:
        Fold of each example, ``(n,)``, from 0.
    """
    from sklearn.model_selection import StratifiedKFold

    given = np.asarray(labels, dtype=np.int64)
    return _numbered(
        StratifiedKFold(folds, shuffle=seed is not None, random_state=seed).split(given, given), len(given)
    )


def plain_folds(count: int, folds: int, seed: int | None) -> Integers:
    """Divide examples into folds, whatever their targets are (scikit-learn's `KFold`).

    Args:
        count: Number of examples, at least the number of folds.
        folds: Number of folds, at least 2.
        seed: Seed of the shuffling (`random_state`); None: each fold is a contiguous part.

    Returns:
        Fold of each example, ``(count,)``, from 0.

    Example:
        >>> plain_folds(5, folds=2, seed=None).tolist()
        [0, 0, 0, 1, 1]
    """
    from sklearn.model_selection import KFold

    return _numbered(KFold(folds, shuffle=seed is not None, random_state=seed).split(np.zeros(count)), count)


def _numbered(parts: Any, count: int) -> Integers:
    """The fold of each example, from scikit-learn's pairs of training and validation positions."""
    assigned = np.empty(count, dtype=np.int64)
    for fold, (_, members) in enumerate(parts):
        assigned[members] = fold
    return assigned
