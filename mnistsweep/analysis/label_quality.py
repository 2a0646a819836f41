"""Ranking of examples by how likely their label is wrong, given the probabilities of a model.

Ambiguity is a different property (`confidence`): the two most probable classes of an ambiguous image are close, and its
label can still be right. The probabilities should come from models that were not trained on these examples.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.arrays import Floats, Integers, check
from mnistsweep.analysis.confidence import check_score
from mnistsweep.analysis.score import Score

LARGER, SMALLER = "larger is more suspect", "smaller is more suspect"
KUAN_MUELLER = "Kuan and Mueller (2022), as cleanlab computes it"

# K: number of classes; p: probabilities of one example; y: its given label.
SCORES: Mapping[str, Score] = {
    "self_confidence": Score("self-confidence", "p_y", KUAN_MUELLER, "0 to 1", SMALLER),
    "normalized_margin": Score(
        "normalized margin", "(p_y - max_{k != y} p_k + 1) / 2", KUAN_MUELLER, "0 to 1", SMALLER
    ),
    "confidence_weighted_entropy": Score(
        "confidence-weighted entropy",
        "(-sum_k p_k ln p_k / ln K) / p_y; infinite where p_y = 0. Not rescaled as in cleanlab, which ranks "
        "examples with saturated and correct predictions as the most suspect",
        "Kuan and Mueller (2022), from its formula",
        "0 to infinity",
        LARGER,
    ),
}


@dataclass(frozen=True, eq=False)
class LabelQuality:
    """Agreement of each label with the probabilities. The arrays have the shape ``(n,)``, in the order of the examples.

    Attributes:
        by: Score of the ranking, a key of `SCORES`.
        order: Positions of the examples, most suspect label first; equal scores keep the order of the positions.
        scores: Values of each score, by its key in `SCORES`, which holds its range and direction.
        suggested: Class with the largest probability: the suggested label.
        flagged: Whether confident learning (cleanlab) classifies the label as wrong.
    """

    by: str
    order: Integers
    scores: Mapping[str, Floats]
    suggested: Integers
    flagged: NDArray[np.bool_]


def rank_suspects(probabilities: Any, labels: Any, by: str = "normalized_margin") -> LabelQuality:
    """Rank examples by how likely their label is wrong.

    `SCORES` holds the formula, source, range and direction of each score. On MNIST, self-confidence and normalized
    margin find the known label errors equally well. Normalized margin is the default because it requires another class
    that is clearly more probable: an image that fits no class well has a low self-confidence, too, but its label is not
    wrong. Confidence-weighted entropy is computed from its formula, entropy over ln K divided by self-confidence.
    cleanlab's version divides by a clipped value, and ranks saturated, correct images before the first real error.

    Args:
        probabilities: ``(n, classes)``, each row summing to 1; out of fold, preferably the mean over several models.
        labels: Given labels, ``(n,)``, integers from 0 to classes - 1. Classes may be absent.
        by: Score to rank by, a key of `SCORES`.

    Raises:
        DataError: The arrays do not fit together, or the score is unknown.

    Example:
        >>> suspects = rank_suspects([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9], [0.1, 0.9]], [0, 0, 1, 1, 0])
        >>> suspects.order.tolist(), suspects.scores["normalized_margin"].round(2).tolist()
        ([4, 2, 1, 0, 3], [0.9, 0.8, 0.7, 0.9, 0.1])
        >>> np.flatnonzero(suspects.flagged).tolist(), int(suspects.suggested[4])
        ([4], 1)
    """
    check_score(by, SCORES)
    checked, given = check(probabilities, labels)
    scores = _scores(checked, given)
    suspect_first = scores[by] if SCORES[by].direction == SMALLER else -scores[by]
    return LabelQuality(
        by=by,
        order=np.argsort(suspect_first, kind="stable"),
        scores=scores,
        suggested=checked.argmax(axis=1),
        flagged=_flagged(checked, given),
    )


def _scores(probabilities: Floats, labels: Integers) -> dict[str, Floats]:
    """Values of each score in `SCORES`."""
    from cleanlab.rank import get_normalized_margin_for_each_label, get_self_confidence_for_each_label

    self_confidence = get_self_confidence_for_each_label(labels, probabilities)
    return {
        "self_confidence": self_confidence,
        "normalized_margin": get_normalized_margin_for_each_label(labels, probabilities),
        "confidence_weighted_entropy": _confidence_weighted_entropy(probabilities, self_confidence),
    }


def _confidence_weighted_entropy(probabilities: Floats, self_confidence: Floats) -> Floats:
    from scipy.special import entr

    entropy = entr(probabilities).sum(axis=1) / np.log(probabilities.shape[1])
    scores = np.full(len(probabilities), np.inf)  # limit for p_y to 0, also where the entropy is 0
    return np.asarray(np.divide(entropy, self_confidence, out=scores, where=self_confidence > 0))


def _flagged(probabilities: Floats, labels: Integers) -> NDArray[np.bool_]:
    """Labels that cleanlab flags with its default options (Northcutt, Jiang and Chuang, 2021)."""
    from cleanlab.filter import find_label_issues

    if np.all(labels == labels[0]):  # only one class has examples; cleanlab would raise
        return np.zeros(len(labels), np.bool_)
    with warnings.catch_warnings():
        # cleanlab flags nothing in a class with one example or none, as intended, and warns about it.
        warnings.filterwarnings("ignore", message="May not flag all label issues in class")
        within = np.minimum(probabilities, 1.0)  # a softmax in float16 may be slightly above 1
        return np.asarray(find_label_issues(labels, within, n_jobs=1), np.bool_)
