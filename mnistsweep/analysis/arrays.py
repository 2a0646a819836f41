"""The checks that every analysis begins with: probabilities and labels that fit each other.

One message says which array is wrong, where, and what it should have been; nothing is guessed or repaired.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnistsweep.errors import DataError

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

# How far a row's sum may be from 1: a softmax in half precision is off by up to 5e-4.
SUM_TOLERANCE = 1e-3


def check(probabilities: Any, labels: Any) -> tuple[Floats, Integers]:
    """Check the probabilities of one model against the labels.

    Args:
        probabilities: ``(n, classes)``, each row summing to 1.
        labels: ``(n,)``, whole numbers from 0 to classes - 1.

    Returns:
        Both, as float64 and int64.

    Raises:
        DataError: They do not fit together, or hold what is no probability or no label.

    Example:
        >>> p, y = check([[0.75, 0.25]], [0])
        >>> p.shape, y.dtype
        ((1, 2), dtype('int64'))
    """
    checked = check_probabilities(probabilities)
    return checked, check_labels(labels, *checked.shape)


def check_seeds(probabilities: Any, labels: Any) -> tuple[Floats, Integers]:
    """Check the probabilities of several models, one a seed, against the labels.

    Args:
        probabilities: ``(seeds, n, classes)``; ``(n, classes)`` is taken for one seed.
        labels: ``(n,)``, whole numbers from 0 to classes - 1.

    Returns:
        Probabilities of shape ``(seeds, n, classes)`` as float64, and labels as int64.

    Raises:
        DataError: They do not fit together, or hold what is no probability or no label.

    Example:
        >>> check_seeds([[0.75, 0.25]], [0])[0].shape
        (1, 1, 2)
    """
    given = np.asarray(probabilities)
    stacked = given[np.newaxis] if given.ndim == 2 else given
    if stacked.ndim != 3 or 0 in stacked.shape:
        raise DataError(
            f"probabilities: must have the shape (seeds, examples, classes) or (examples, classes), none of them 0, "
            f"received {given.shape}."
        )
    checked = np.stack([check_probabilities(one, f" of seed {seed}") for seed, one in enumerate(stacked)])
    return checked, check_labels(labels, *checked.shape[1:])


def check_probabilities(probabilities: Any, which: str = "") -> Floats:
    """Check rows of class probabilities.

    Args:
        probabilities: ``(n, classes)``.
        which: For the message, such as `` of seed 2``.

    Raises:
        DataError: The shape is another, a value is no number from 0 to 1, or a row does not sum to 1.
    """
    name = f"probabilities{which}"
    given = np.asarray(probabilities)
    if given.ndim != 2 or given.shape[0] < 1 or given.shape[1] < 2:
        raise DataError(f"{name}: must have the shape (examples, at least 2 classes), received {given.shape}.")
    if given.dtype.kind not in "fiu":
        raise DataError(f"{name}: must be numbers, received dtype {given.dtype}.")
    values = np.asarray(given, np.float64)
    if not (values.min() >= 0 and values.max() <= 1 + SUM_TOLERANCE):  # NaN compares as false, and is wrong too
        wrong = ~((values >= 0) & (values <= 1 + SUM_TOLERANCE)).all(axis=1)
        row = int(np.argmax(wrong))
        raise DataError(
            f"{name}: must lie from 0 to 1, row {row} is {_row(values[row])} ({int(wrong.sum())} such rows); logits "
            "become probabilities by a softmax."
        )
    sums = values @ np.ones(values.shape[1])  # a third of the time of a sum along short rows
    off = np.abs(sums - 1) > SUM_TOLERANCE
    if off.any():
        row = int(np.argmax(off))
        raise DataError(
            f"{name}: each row must sum to 1, row {row} sums to {sums[row]:.6g} ({int(off.sum())} such rows)."
        )
    return values


def check_labels(labels: Any, examples: int, classes: int) -> Integers:
    """Check labels.

    Args:
        labels: ``(examples,)``.
        examples: How many there must be.
        classes: They must be smaller.

    Raises:
        DataError: They are not so many, no whole numbers, or out of range.
    """
    given = np.asarray(labels)
    if given.ndim != 1 or len(given) != examples:
        raise DataError(f"labels: must have the shape ({examples},), one for each example, received {given.shape}.")
    if given.dtype.kind not in "iu":
        raise DataError(f"labels: must be whole numbers, received dtype {given.dtype}.")
    wrong = (given < 0) | (given >= classes)
    if wrong.any():
        position = int(np.argmax(wrong))
        raise DataError(
            f"labels: must lie from 0 to {classes - 1} ({classes} classes), label {position} is {given[position]} "
            f"({int(wrong.sum())} such labels)."
        )
    return given.astype(np.int64)


def _row(values: Floats) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:6])
    return f"[{shown}{', ...' if len(values) > 6 else ''}]"
