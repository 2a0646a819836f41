"""Ranking of examples by the uncertainty of the predictions: which examples are ambiguous.

The ranking does not depend on the labels; `label_quality` ranks examples by how likely their label is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Floats, Integers, check_seeds
from mnistsweep.analysis.score import Score
from mnistsweep.errors import DataError, suggest

LARGER, SMALLER = "larger is more ambiguous", "smaller is more ambiguous"

# K: number of classes; S: number of seeds; p: mean of the probabilities p^1, ..., p^S of the seeds for one example.
SCORES: Mapping[str, Score] = {
    "least_confidence": Score(
        "least confidence", "1 - max_k p_k", "Lewis and Gale (1994); Settles (2009)", "0 to 1 - 1/K", LARGER
    ),
    "margin": Score(
        "top-two margin",
        "p_(1) - p_(2), the two largest p_k",
        "Scheffer, Decomain and Wrobel (2001)",
        "0 to 1",
        SMALLER,
    ),
    "entropy": Score(
        "entropy", "H(p) = -sum_k p_k ln p_k, in nats, not divided by ln K", "Shannon (1948)", "0 to ln K", LARGER
    ),
    "variation_ratio": Score(
        "variation ratio",
        "1 - f/S, f the number of seeds that predict the class most often predicted; 0 with one seed",
        "Freeman (1965)",
        "0 to 1 - ceil(S/K)/S",
        LARGER,
    ),
    "bald": Score(
        "BALD, mutual information",
        "H(p) - (1/S) sum_s H(p^s), in nats; 0 with one seed",
        "Houlsby, Huszár, Ghahramani and Lengyel (2011)",
        "0 to ln min(K, S)",
        LARGER,
    ),
}

# Scores that are defined for a single model.
SINGLE = ("least_confidence", "margin", "entropy")


@dataclass(frozen=True, eq=False)
class Ambiguity:
    """Uncertainty of the predictions. The arrays have the shape ``(n,)``, in the order of the examples.

    Attributes:
        by: Score of the ranking, a key of `SCORES`.
        order: Positions of the examples, most ambiguous first; equal scores keep the order of the positions.
        scores: Values of each score, by its key in `SCORES`, which holds its range and direction.
        prediction: Class with the largest mean probability (the first of equal ones).
        confidence: Largest mean probability.
        second_guess: Class with the second largest mean probability.
        num_right: Number of seeds with a correct prediction.
        seeds: Number of seeds.
    """

    by: str
    order: Integers
    scores: Mapping[str, Floats]
    prediction: Integers
    confidence: Floats
    second_guess: Integers
    num_right: Integers
    seeds: int


def rank_ambiguous(probabilities: Any, labels: Any, by: str = "least_confidence") -> Ambiguity:
    """Rank examples by the uncertainty of the predictions.

    Least confidence, top-two margin and entropy are computed from the mean of the probabilities over seeds. Variation
    ratio and BALD measure the disagreement of the seeds; with one seed they are 0 for every example. `SCORES` holds the
    formula, source, range and direction of each score.

    Args:
        probabilities: ``(seeds, n, classes)``, or ``(n, classes)`` for one seed; each row sums to 1.
        labels: ``(n,)``, integers from 0 to classes - 1; used for `Ambiguity.num_right`, not for the ranking.
        by: Score to rank by, a key of `SCORES`.

    Raises:
        DataError: The arrays do not fit together, or the score is unknown.

    Example:
        >>> ranking = rank_ambiguous([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.0, 0.4, 0.6]], labels=[0, 2, 2])
        >>> ranking.order.tolist(), ranking.second_guess.tolist()
        ([1, 2, 0], [1, 2, 1])
        >>> ranking.scores["margin"].round(2).tolist()
        [0.8, 0.2, 0.2]
    """
    check_score(by, SCORES)
    checked, truth = check_seeds(probabilities, labels)
    mean = checked[0] if len(checked) == 1 else checked.mean(axis=0)
    prediction, second_guess, scores = _of_one_model(mean)
    votes = [one.argmax(axis=1) for one in checked]
    scores["variation_ratio"] = _variation_ratio(votes, mean.shape[1])
    scores["bald"] = np.maximum(scores["entropy"] - sum(_entropy(one) for one in checked) / len(checked), 0.0)
    return Ambiguity(
        by=by,
        order=_rank(scores[by], by),
        scores=scores,
        prediction=prediction,
        confidence=mean[np.arange(len(mean)), prediction],
        second_guess=second_guess,
        num_right=np.sum([vote == truth for vote in votes], axis=0, dtype=np.int64),
        seeds=len(checked),
    )


def rank_one_model(probabilities: Floats, by: str = "least_confidence") -> Integers:
    """Rank examples by the uncertainty of a single model.

    Args:
        probabilities: ``(n, classes)``, already checked.
        by: Score to rank by, one of `SINGLE`.

    Returns:
        Positions of the examples, most ambiguous first.

    Raises:
        DataError: The score is unknown, or undefined for a single model.

    Example:
        >>> rank_one_model(np.array([[0.9, 0.1], [0.5, 0.5]])).tolist()
        [1, 0]
    """
    check_score(by, SINGLE)
    return _rank(_of_one_model(probabilities)[2][by], by)


def check_score(by: str, known: Any) -> None:
    """Raise `DataError` if a score is unknown."""
    if by not in known:
        raise DataError(f"by: must be the key of a score, received {by!r}; {suggest(by, known)}.")


def _rank(values: Floats, by: str) -> Integers:
    return np.argsort(values if SCORES[by].direction == SMALLER else -values, kind="stable")


def _of_one_model(probabilities: Floats) -> tuple[Integers, Integers, dict[str, Floats]]:
    """First and second most probable class, and the scores of `SINGLE`."""
    rows = np.arange(len(probabilities))
    first = probabilities.argmax(axis=1)
    largest = probabilities[rows, first]
    rest = probabilities.copy()
    rest[rows, first] = -1
    second = rest.argmax(axis=1)
    scores = {
        "least_confidence": 1 - largest,
        "margin": largest - rest[rows, second],
        "entropy": _entropy(probabilities),
    }
    return first, second, scores


def _entropy(probabilities: Floats) -> Floats:
    from scipy.special import entr

    return np.asarray(entr(probabilities).sum(axis=1))


def _variation_ratio(votes: list[Integers], classes: int) -> Floats:
    counts = np.zeros((len(votes[0]), classes), np.int32)
    rows = np.arange(len(counts))
    for vote in votes:
        counts[rows, vote] += 1
    return np.asarray(1 - counts.max(axis=1) / len(votes))
