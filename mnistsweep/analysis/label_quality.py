"""Which labels look wrong? A ranking of examples by how well their label fits the model's probabilities.

An ambiguous image is another matter (`confidence`): a model may be torn between two classes, and the label be right.
The probabilities should come from models that have not been trained on these examples.
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

# K: the number of classes; p: the probabilities of one example; y: its given label.
SCORES: Mapping[str, Score] = {
    "self_confidence": Score("self-confidence", "p_y", KUAN_MUELLER, "0 to 1", SMALLER),
    "normalized_margin": Score(
        "normalized margin", "(p_y - max_{k != y} p_k + 1) / 2", KUAN_MUELLER, "0 to 1", SMALLER
    ),
    "confidence_weighted_entropy": Score(
        "confidence-weighted entropy",
        "(-sum_k p_k ln p_k / ln K) / p_y; infinite where p_y = 0. Not as cleanlab rescales it: there, images that the "
        "model is perfectly sure of, and right about, come out as the most suspect",
        "Kuan and Mueller (2022), from its formula",
        "0 to infinity",
        LARGER,
    ),
}


@dataclass(frozen=True, eq=False)
class LabelQuality:
    """How well each label fits the probabilities. The arrays have the shape ``(n,)``, in the examples' order.

    Attributes:
        by: The score that `order` follows, a key of `SCORES`.
        order: The examples' indices, most suspect label first; equal scores stay in the order of their indices.
        scores: The values of each score, by its key in `SCORES`, which says its range and direction.
        suggested: The class of the largest probability: what the label would be if the model were right.
        flagged: Whether confident learning, as cleanlab does it, counts the label as wrong.
    """

    by: str
    order: Integers
    scores: Mapping[str, Floats]
    suggested: Integers
    flagged: NDArray[np.bool_]


def rank_suspects(probabilities: Any, labels: Any, by: str = "normalized_margin") -> LabelQuality:
    """Rank examples by how likely their label is wrong.

    `SCORES` holds the formula, source, range and direction of each score. On MNIST, self-confidence and normalized
    margin find the known label errors equally well. Normalized margin is the default because it asks for another class
    that fits clearly better: an image that fits no class well has a low self-confidence too, but is no wrong label.
    Confidence-weighted entropy is taken from its formula, entropy over ln K divided by self-confidence. cleanlab's
    version divides by a clipped value, and so puts images that are saturated and right before the first real error.

    Args:
        probabilities: ``(n, classes)``, each row summing to 1; out of sample, and best the mean over several models.
        labels: ``(n,)``, the given labels, whole numbers from 0 to classes - 1. Classes may be absent.
        by: The score to rank by, a key of `SCORES`.

    Raises:
        DataError: The arrays do not fit together, or there is no such score.

    Example:
        >>> suspects = rank_suspects([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9], [0.1, 0.9]], [0, 0, 1, 1, 0])
        >>> suspects.order.tolist(), suspects.scores["normalized_margin"].round(2).tolist()
        ([4, 2, 1, 0, 3], [0.9, 0.8, 0.7, 0.9, 0.1])
        >>> np.flatnonzero(suspects.flagged).tolist(), int(suspects.suggested[4])
        ([4], 1)
    """
    from cleanlab.rank import get_normalized_margin_for_each_label, get_self_confidence_for_each_label

    check_score(by, SCORES)
    checked, given = check(probabilities, labels)
    self_confidence = get_self_confidence_for_each_label(given, checked)
    scores = {
        "self_confidence": self_confidence,
        "normalized_margin": get_normalized_margin_for_each_label(given, checked),
        "confidence_weighted_entropy": _confidence_weighted_entropy(checked, self_confidence),
    }
    suspect_first = scores[by] if SCORES[by].direction == SMALLER else -scores[by]
    return LabelQuality(
        by=by,
        order=np.argsort(suspect_first, kind="stable"),
        scores=scores,
        suggested=checked.argmax(axis=1),
        flagged=_flagged(checked, given),
    )


def _confidence_weighted_entropy(probabilities: Floats, self_confidence: Floats) -> Floats:
    from scipy.special import entr

    entropy = entr(probabilities).sum(axis=1) / np.log(probabilities.shape[1])
    scores = np.full(len(probabilities), np.inf)  # the limit as p_y goes to 0, where the entropy is 0 too
    return np.asarray(np.divide(entropy, self_confidence, out=scores, where=self_confidence > 0))


def _flagged(probabilities: Floats, labels: Integers) -> NDArray[np.bool_]:
    """What cleanlab flags (Northcutt, Jiang and Chuang, 2021), with its own defaults."""
    from cleanlab.filter import find_label_issues

    if np.all(labels == labels[0]):  # no other class has examples to be compared with; cleanlab would raise
        return np.zeros(len(labels), np.bool_)
    with warnings.catch_warnings():
        # It finds nothing in a class with a single example or none, which is as it should be.
        warnings.filterwarnings("ignore", message="May not flag all label issues in class")
        within = np.minimum(probabilities, 1.0)  # a float16 softmax may be slightly above
        return np.asarray(find_label_issues(labels, within, n_jobs=1), np.bool_)
