"""Folds for out-of-fold predictions: each example is predicted by a model that is trained on the other folds."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Integers
from mnistsweep.errors import DataError


def assign_folds(labels: Any, folds: int, classes: int, seed: int) -> Integers:
    """Divide examples into folds with equal class proportions (scikit-learn's `StratifiedKFold`).

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
    from sklearn.model_selection import StratifiedKFold

    given = np.asarray(labels, dtype=np.int64)
    counts = np.bincount(given, minlength=classes)
    if counts.min() < folds:
        smallest = int(counts.argmin())
        raise DataError(
            f"folds: each class needs at least one training example per fold; class {smallest} has {counts[smallest]} "
            f"examples in the training split, received {folds} folds; use fewer folds or more examples."
        )
    assigned = np.empty(len(given), dtype=np.int64)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for fold, (_, members) in enumerate(splitter.split(given, given)):
        assigned[members] = fold
    return assigned
