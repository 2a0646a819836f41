"""Do several models stumble over the same examples? How far their rankings agree, and who is always wrong.

The models may be one configuration trained with several seeds, or several trials of a sweep.
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
    """How far models agree on what is ambiguous, and on what they get wrong.

    Attributes:
        by: The score that each model's ranking follows.
        top: How many examples of each ranking are compared; all of them where there are fewer than were asked for.
        models: How many models there are.
        leaders: ``(models, top)``: the indices of each model's most ambiguous examples, most ambiguous first.
        num_rankings: ``(n,)``: in the top of how many models' rankings each example is, 0 to models.
        jaccard: ``(models, models)``: examples in the top of both over examples in the top of either (Jaccard, 1901):
            0 where two models share none, 1 where they share all.
        mean_jaccard: Its mean over pairs of different models; NaN for one model.
        num_right: ``(n,)``: how many models are right, 0 to models.
        always_wrong: ``(n,)``: whether no model is right.
        sometimes_wrong: ``(n,)``: whether some are right and some are wrong.
        never_wrong: ``(n,)``: whether all are right.
    """

    by: str
    top: int
    models: int
    leaders: Integers
    num_rankings: Integers
    jaccard: Floats
    mean_jaccard: float
    num_right: Integers
    always_wrong: NDArray[np.bool_]
    sometimes_wrong: NDArray[np.bool_]
    never_wrong: NDArray[np.bool_]


def recurrence(probabilities: Any, labels: Any, top: int = 10, by: str = "least_confidence") -> Recurrence:
    """Compare what several models find ambiguous, and what they get wrong.

    Args:
        probabilities: ``(models, n, classes)``, or ``(n, classes)`` for one model; each row sums to 1.
        labels: ``(n,)``, whole numbers from 0 to classes - 1.
        top: How many of each model's most ambiguous examples are compared, at least 1.
        by: The score of each model's own ranking, one of `confidence.SINGLE`: least_confidence, margin or entropy.

    Raises:
        DataError: The arrays do not fit together, `top` is below 1, or one model alone has no such score.

    Example:
        >>> first = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]
        >>> second = [[0.4, 0.6], [0.55, 0.45], [0.1, 0.9]]
        >>> found = recurrence([first, second], labels=[0, 1, 1], top=2)
        >>> found.leaders.tolist(), found.num_rankings.tolist(), round(found.mean_jaccard, 3)
        ([[1, 2], [1, 0]], [1, 2, 1], 0.333)
        >>> found.always_wrong.tolist(), found.sometimes_wrong.tolist()
        ([False, True, False], [True, False, False])
    """
    if top < 1:
        raise DataError(f"top: must be at least 1, received {top}.")
    checked, truth = check_seeds(probabilities, labels)
    models, examples = checked.shape[:2]
    leaders = np.stack([rank_one_model(one, by)[:top] for one in checked])
    in_top = np.zeros((models, examples), np.int64)
    np.put_along_axis(in_top, leaders, 1, axis=1)
    num_right = np.asarray(sum((one.argmax(axis=1) == truth).astype(np.int64) for one in checked))
    jaccard = _jaccard(in_top)
    return Recurrence(
        by=by,
        top=leaders.shape[1],
        models=models,
        leaders=leaders,
        num_rankings=in_top.sum(axis=0),
        jaccard=jaccard,
        mean_jaccard=float(jaccard[np.triu_indices(models, 1)].mean()) if models > 1 else float("nan"),
        num_right=num_right,
        always_wrong=num_right == 0,
        sometimes_wrong=(num_right > 0) & (num_right < models),
        never_wrong=num_right == models,
    )


def _jaccard(in_top: Integers) -> Floats:
    """Overlap of each pair; every row has at least one member."""
    both = in_top @ in_top.T
    sizes = in_top.sum(axis=1)
    return np.asarray(both / (sizes[:, np.newaxis] + sizes - both))
