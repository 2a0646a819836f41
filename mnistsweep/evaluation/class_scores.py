"""Scores of classes from the outputs of a classifier: probabilities where there are any, otherwise scaled margins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mnistsweep.analysis.arrays import SUM_TOLERANCE
from mnistsweep.models.losses import short_name
from mnistsweep.training.model_outputs import loss_name

PROBABILITIES = "probabilities"
LOGITS = "logits"
UNSCALED = "unscaled"
BOUNDED = "bounded"
FITTED = "fitted"
MARGINS = "margins"
"""Scales of outputs. `UNSCALED`: values that a cross-entropy of Keras makes probabilities: the categorical one divides
them by their sum, the binary one limits them to 0 and 1. `BOUNDED`: values from 0 to 1 of a loss without probabilities,
such as a sigmoid under the hinge loss. `FITTED`: one number that a loss of regression fits to the labels 0 and 1.
`MARGINS`: any other numbers; a single one is positive for the second class."""

# Losses of regression, beside those that Keras calls ``mean_...``.
_REGRESSION = ("huber", "log_cosh", "mae", "mape", "mse", "msle")

_BY_COLUMN = ("binary_crossentropy", "bce", "binary_focal_crossentropy")


def find_scale(outputs: NDArray[np.float64], loss: Any) -> str:
    """Find the scale of a classifier's outputs.

    Args:
        outputs: Outputs for some examples, ``(n, columns)``.
        loss: Compiled loss of the output: a name, a function, a `keras.losses.Loss`, or None.

    Example:
        >>> find_scale(np.array([[0.25, 0.75]]), "categorical_crossentropy"), find_scale(np.array([[-1.5]]), "hinge")
        ('probabilities', 'margins')
    """
    if are_logits(loss):
        return LOGITS
    lowest, highest = outputs.min(initial=0.0), outputs.max(initial=0.0)
    sums = outputs.sum(axis=1)
    is_alone = outputs.shape[1] == 1 or is_by_column(loss)
    name = short_name(loss_name(loss) or "")
    if lowest >= 0 and highest <= 1 + SUM_TOLERANCE and (is_alone or bool((abs(sums - 1) <= SUM_TOLERANCE).all())):
        return BOUNDED if name.endswith("hinge") else PROBABILITIES
    if outputs.shape[1] == 1 and (name in _REGRESSION or name.startswith("mean_")):
        return FITTED
    if name in _BY_COLUMN:
        return UNSCALED
    is_divided = name.endswith("categorical_crossentropy") and not is_alone
    return UNSCALED if is_divided and lowest >= 0 and bool((sums > 0).all()) else MARGINS


def has_probabilities(scale: str) -> bool:
    """Whether scores are probabilities, so that calibration and log loss are defined.

    Args:
        scale: Result of `find_scale`.
    """
    return scale in (PROBABILITIES, LOGITS, UNSCALED)


def class_scores(outputs: NDArray[np.float64], loss: Any, scale: str) -> NDArray[np.float64]:
    """Rows of class scores, each summing to 1, with the predicted class as the largest.

    Logits and margins pass through a softmax, or through a sigmoid if there is one column or the loss compares each
    column by itself (binary cross-entropy). The probabilities of logits are those of the loss. Margins have none: the
    sigmoid of a single margin keeps its order and its sign, the softmax keeps the order within a row.

    Args:
        outputs: ``(n, columns)``.
        loss: Compiled loss of the output.
        scale: Result of `find_scale`.

    Returns:
        Scores, ``(n, classes)``; the single column ``p`` of a binary model becomes ``[1 - p, p]``. Columns that the
        loss compares one by one do not sum to 1.

    Example:
        >>> class_scores(np.array([[0.0], [3.0]]), "hinge", MARGINS).round(2).tolist()
        [[0.5, 0.5], [0.05, 0.95]]
    """
    is_binary = outputs.shape[1] == 1
    if scale in (LOGITS, MARGINS):
        outputs = special.expit(outputs) if is_binary or is_by_column(loss) else special.softmax(outputs, axis=1)
    elif scale == FITTED:
        outputs = special.expit(4 * (outputs - 0.5))  # slope 1 at the threshold 0.5
    elif scale == UNSCALED and (is_binary or is_by_column(loss)):
        outputs = outputs.clip(0, 1)
    elif scale == UNSCALED:
        outputs = outputs / outputs.sum(axis=1, keepdims=True)
    return np.concatenate([1 - outputs, outputs], axis=1) if is_binary else outputs


def are_logits(loss: Any) -> bool:
    """Whether a loss expects logits (``from_logits=True``)."""
    return bool(getattr(loss, "from_logits", False))


def is_by_column(loss: Any) -> bool:
    """Whether a loss compares each column by itself: binary cross-entropy, by name, function or object."""
    return short_name(loss_name(loss) or "") in _BY_COLUMN
