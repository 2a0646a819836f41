"""Log loss of predicted probabilities, and the interval of its change from one model to another."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnistsweep.analysis import arrays
from mnistsweep.analysis.arrays import Floats
from mnistsweep.analysis.bootstrap import percentile_interval, resampled_means

# Smaller probabilities count as this one, as in scikit-learn: a probability of 0 has no logarithm.
MIN_PROBABILITY = float(np.finfo(np.float64).eps)


def log_loss(probabilities: Any, labels: Any) -> float:
    """Mean of ``-log p_label`` in nats, from 0; smaller is better (Good 1952).

    A probability below 2.2e-16 counts as 2.2e-16, so a confident mistake costs 36 at most.

    The values are those of scikit-learn's `log_loss`, to which the tests compare them. That function is not used
    because it rejects probabilities slightly above 1 and warns about rows that do not sum to 1 exactly, both of which
    occur with a softmax in half precision, and because it takes 11 ms instead of 0.13 ms for 10,000 examples and 10
    classes.

    Args:
        probabilities: Class probabilities, ``(n, classes)``.
        labels: Labels, ``(n,)``, integers from 0 to classes - 1.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

    Example:
        >>> round(log_loss([[0.5, 0.5], [1.0, 0.0]], [0, 0]), 4)
        0.3466
    """
    return float(_example_losses(probabilities, labels).mean())


def loss_change_interval(before: Any, after: Any, labels: Any) -> Floats:
    """Bootstrap 95 % interval of the change of the log loss from one model to another on the same examples.

    Args:
        before: Class probabilities of the first model, ``(n, classes)``.
        after: Class probabilities of the second model, ``(n, classes)``.
        labels: Labels, ``(n,)``, integers from 0 to classes - 1.

    Returns:
        Lower and upper end; both are negative if the loss of the second model is clearly smaller.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

    Example:
        >>> loss_change_interval([[0.5, 0.5]] * 3, [[1.0, 0.0]] * 3, [0, 0, 0]).round(4).tolist()
        [-0.6931, -0.6931]
    """
    change = _example_losses(after, labels) - _example_losses(before, labels)
    return percentile_interval(resampled_means(change[:, np.newaxis])[:, 0])


def _example_losses(probabilities: Any, labels: Any) -> Floats:
    checked, classes = arrays.check(probabilities, labels)
    of_label = checked[np.arange(len(classes)), classes]
    return np.asarray(-np.log(np.clip(of_label, MIN_PROBABILITY, 1.0)))
