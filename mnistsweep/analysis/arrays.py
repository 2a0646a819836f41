"""Checks of the arguments of every analysis: probabilities and labels must be valid and fit together.

An error names the array, the position, the rule and the value received. Nothing is repaired.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnistsweep.errors import DataError

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

# Maximum distance of the sum of a row from 1: a softmax in half precision is off by up to 5e-4.
SUM_TOLERANCE = 1e-3


def check(probabilities: Any, labels: Any) -> tuple[Floats, Integers]:
    """Check the probabilities of one model against the labels.

    Args:
        probabilities: ``(n, classes)``, each row summing to 1.
        labels: ``(n,)``, integers from 0 to classes - 1.

    Returns:
        Probabilities as float64 and labels as int64.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

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
        probabilities: ``(seeds, n, classes)``; ``(n, classes)`` counts as one seed.
        labels: ``(n,)``, integers from 0 to classes - 1.

    Returns:
        Probabilities of shape ``(seeds, n, classes)`` as float64, and labels as int64.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

    Example:
        >>> check_seeds([[0.75, 0.25]], [0])[0].shape
        (1, 1, 2)
    """
    given = np.asarray(probabilities)
    stacked = given[np.newaxis] if given.ndim == 2 else given
    if stacked.ndim != 3 or 0 in stacked.shape:
        raise DataError(
            f"probabilities: must have the shape (seeds, examples, classes) or (examples, classes), without a 0, "
            f"received {given.shape}."
        )
    checked = np.stack([check_probabilities(one, f" of seed {seed}") for seed, one in enumerate(stacked)])
    return checked, check_labels(labels, *checked.shape[1:])


def check_probabilities(probabilities: Any, which: str = "") -> Floats:
    """Check rows of class probabilities.

    Args:
        probabilities: ``(n, classes)``.
        which: Addition to the name in error messages, for example `` of seed 2``.

    Returns:
        Probabilities as float64.

    Raises:
        DataError: The shape is wrong, a value is no number from 0 to 1, or a row does not sum to 1.
    """
    name = f"probabilities{which}"
    given = np.asarray(probabilities)
    if given.ndim != 2 or given.shape[0] < 1 or given.shape[1] < 2:
        raise DataError(f"{name}: must have the shape (examples, at least 2 classes), received {given.shape}.")
    if given.dtype.kind not in "fiu":
        raise DataError(f"{name}: must be numbers, received dtype {given.dtype}.")
    values = np.asarray(given, np.float64)
    if not (values.min() >= 0 and values.max() <= 1 + SUM_TOLERANCE):  # written so that NaN fails, too
        wrong = ~((values >= 0) & (values <= 1 + SUM_TOLERANCE)).all(axis=1)
        row = int(np.argmax(wrong))
        raise DataError(
            f"{name}: must lie from 0 to 1, row {row} is {_row(values[row])} ({int(wrong.sum())} such rows); apply a "
            "softmax to logits."
        )
    sums = values @ np.ones(values.shape[1])  # takes a third of the time of a sum along short rows
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
        examples: Number of examples.
        classes: Number of classes.

    Returns:
        Labels as int64.

    Raises:
        DataError: The shape is wrong, or a label is no integer from 0 to classes - 1.
    """
    given = np.asarray(labels)
    if given.ndim != 1 or len(given) != examples:
        raise DataError(f"labels: must have the shape ({examples},), one for each example, received {given.shape}.")
    if given.dtype.kind not in "iu":
        raise DataError(f"labels: must be integers, received dtype {given.dtype}.")
    wrong = (given < 0) | (given >= classes)
    if wrong.any():
        position = int(np.argmax(wrong))
        raise DataError(
            f"labels: must lie from 0 to {classes - 1} ({classes} classes), label {position} is {given[position]} "
            f"({int(wrong.sum())} such labels)."
        )
    return given.astype(np.int64)


def check_numbers(predictions: Any, targets: Any) -> tuple[Floats, Floats]:
    """Check predicted numbers of several models, one a seed, against the targets.

    Args:
        predictions: ``(seeds, n, k)``.
        targets: ``(n, k)``.

    Returns:
        Both as float64.

    Raises:
        DataError: The arrays do not fit together, or hold numbers that are not finite.

    Example:
        >>> check_numbers([[[1.0]]], [[2.0]])[0].shape
        (1, 1, 1)
    """
    predicted, truth = np.asarray(predictions, np.float64), np.asarray(targets, np.float64)
    if truth.ndim != 2 or predicted.ndim != 3 or predicted.shape[1:] != truth.shape or 0 in predicted.shape:
        raise DataError(
            f"predictions: must have the shape (seeds, {', '.join(map(str, truth.shape))}), one number for each "
            f"target, received {predicted.shape}."
        )
    for name, values in (("predictions", predicted), ("targets", truth)):
        wrong = ~np.isfinite(values)
        if wrong.any():
            place = np.argwhere(wrong)[0].tolist()
            raise DataError(f"{name}: must be finite numbers, position {place} is {values[tuple(place)]}.")
    return predicted, truth


def _row(values: Floats) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:6])
    return f"[{shown}{', ...' if len(values) > 6 else ''}]"
