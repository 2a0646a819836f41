"""Agreement of several models: which examples all of them find ambiguous, and which all of them predict wrong.

The models may have one configuration and several seeds, or be several trials of a sweep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.arrays import Floats, Integers, check_seeds
from mnistsweep.analysis.confidence import rank_one_model
from mnistsweep.errors import DataError


@dataclass(frozen=True, eq=False)
class Recurrence:
    """Agreement of models on ambiguous examples and on mistakes.

    Attributes:
        by: Score of the rankings, one of `confidence.SINGLE`.
        top: Number of compared examples per ranking: the requested number, or all examples if there are fewer.
        models: Number of models.
        top_examples: Positions of each model's most ambiguous examples, ``(models, top)``, most ambiguous first.
        num_rankings: Number of models with the example among their most ambiguous ones, ``(n,)``, 0 to models.
        jaccard: Overlap of the most ambiguous examples of two models, ``(models, models)``: size of the intersection
            over size of the union (Jaccard 1901), from 0 (disjoint) to 1 (equal).
        mean_jaccard: Mean overlap over pairs of different models; NaN for one model.
        num_right: Number of models that predict the example correctly, ``(n,)``, 0 to models.
        always_wrong: Whether no model predicts the example correctly, ``(n,)``.
        sometimes_wrong: Whether some models, but not all, predict the example correctly, ``(n,)``.
        never_wrong: Whether all models predict the example correctly, ``(n,)``.
    """

    by: str
    top: int
    models: int
    top_examples: Integers
    num_rankings: Integers
    jaccard: Floats
    mean_jaccard: float
    num_right: Integers
    always_wrong: NDArray[np.bool_]
    sometimes_wrong: NDArray[np.bool_]
    never_wrong: NDArray[np.bool_]


def measure_recurrence(probabilities: Any, labels: Any, top: int = 10, by: str = "least_confidence") -> Recurrence:
    """Compare the most ambiguous examples and the mistakes of several models.

    Args:
        probabilities: ``(models, n, classes)``, or ``(n, classes)`` for one model; each row sums to 1.
        labels: ``(n,)``, integers from 0 to classes - 1.
        top: Number of most ambiguous examples to compare per model, at least 1.
        by: Score of the rankings, one of `confidence.SINGLE`: least_confidence, margin or entropy.

    Raises:
        DataError: The arrays do not fit together, `top` is below 1, or the score is undefined for a single model.

    Example:
        >>> first = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]
        >>> second = [[0.4, 0.6], [0.55, 0.45], [0.1, 0.9]]
        >>> found = measure_recurrence([first, second], labels=[0, 1, 1], top=2)
        >>> found.top_examples.tolist(), found.num_rankings.tolist(), found.always_wrong.tolist()
        ([[1, 2], [1, 0]], [1, 2, 1], [False, True, False])
    """
    if top < 1:
        raise DataError(f"top: must be at least 1, received {top}.")
    checked, truth = check_seeds(probabilities, labels)
    top_examples = np.stack([rank_one_model(one, by)[:top] for one in checked])
    in_top = np.zeros(checked.shape[:2], np.int64)
    np.put_along_axis(in_top, top_examples, 1, axis=1)
    num_right = np.asarray(sum((one.argmax(axis=1) == truth).astype(np.int64) for one in checked))
    jaccard = _jaccard(in_top)
    return Recurrence(
        by=by,
        top=top_examples.shape[1],
        models=len(checked),
        top_examples=top_examples,
        num_rankings=in_top.sum(axis=0),
        jaccard=jaccard,
        mean_jaccard=_mean_over_pairs(jaccard),
        num_right=num_right,
        always_wrong=num_right == 0,
        sometimes_wrong=(num_right > 0) & (num_right < len(checked)),
        never_wrong=num_right == len(checked),
    )


def _mean_over_pairs(matrix: Floats) -> float:
    """Mean over pairs of different models; NaN for one model."""
    return float(matrix[np.triu_indices(len(matrix), 1)].mean()) if len(matrix) > 1 else float("nan")


def _jaccard(in_top: Integers) -> Floats:
    """Jaccard index of each pair of models; every row has at least one member."""
    both = in_top @ in_top.T
    sizes = in_top.sum(axis=1)
    return np.asarray(both / (sizes[:, np.newaxis] + sizes - both))
