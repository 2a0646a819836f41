"""Folds: each example is judged by a model that was trained on the other folds."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Integers
from mnistsweep.errors import DataError


def assign_folds(labels: Any, folds: int, classes: int, seed: int) -> Integers:
    """Divide examples into folds that have the classes in equal proportion (scikit-learn's `StratifiedKFold`).

    Args:
        labels: ``(n,)``, whole numbers from 0 to classes - 1.
        folds: How many, at least 2.
        classes: How many there are.
        seed: Of the shuffling.

    Returns:
        The fold of each example, ``(n,)``, from 0.

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
        least = int(counts.argmin())
        raise DataError(
            f"folds: each class needs at least one example a fold; class {least} has {counts[least]} examples in the "
            f"training side, and there are to be {folds} folds."
        )
    assigned = np.empty(len(given), dtype=np.int64)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for fold, (_, members) in enumerate(splitter.split(given, given)):
        assigned[members] = fold
    return assigned
