"""Comparison of the arms of the cleaning experiment, with plain sentences on what the numbers support.

All arms are trained with the same seeds, so differences are paired by seed: each arm is compared with the arm that
removes nothing, and with the arm that removes the same number of examples at random.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.accuracy import sample_std
from mnistsweep.analysis.arrays import Floats
from mnistsweep.analysis.paired import PairedDifference, format_points, paired_difference
from mnistsweep.analysis.treatments import ARMS, NOTHING, RANDOM
from mnistsweep.errors import DataError


@dataclass(frozen=True, eq=False)
class Arm:
    """Scores of the models of one arm.

    Attributes:
        name: Name of the arm, a key of `ARMS`.
        scores: Score of each seed, ``(seeds,)``.
        to_nothing: Difference to the arm that removes nothing; None for that arm itself.
        to_random: Difference to the arm that removes the same number of examples at random; None for that arm and for
            the one that removes nothing.
    """

    name: str
    scores: Floats
    to_nothing: PairedDifference | None
    to_random: PairedDifference | None

    @property
    def mean(self) -> float:
        """Mean of the scores over seeds."""
        return float(self.scores.mean())

    @property
    def std(self) -> float:
        """Sample standard deviation of the scores (divisor: seeds - 1); NaN with one seed."""
        return sample_std(self.scores)


def compare_arms(scores: Mapping[str, Any]) -> list[Arm]:
    """Compare each arm with the arms that remove nothing and that remove at random, paired by seed.

    Args:
        scores: Scores of each arm in `ARMS`, ``(seeds,)``; all arms list the seeds in the same order.

    Returns:
        The arms in the order of `ARMS`.

    Raises:
        DataError: An arm is missing, or the arms have different numbers of seeds.

    Example:
        >>> arms = compare_arms({arm: [0.5, 0.7] for arm in ARMS})
        >>> arms[0].mean, arms[2].to_random.mean
        (0.6, 0.0)
    """
    missing = [arm for arm in ARMS if arm not in scores]
    if missing:
        raise DataError(f"scores: must have every arm; missing: {', '.join(map(repr, missing))}. Add their scores.")
    values_of = {arm: np.asarray(scores[arm], dtype=np.float64) for arm in ARMS}
    return [
        Arm(
            arm,
            values,
            None if arm == NOTHING else paired_difference(values, values_of[NOTHING]),
            None if arm in (NOTHING, RANDOM) else paired_difference(values, values_of[RANDOM]),
        )
        for arm, values in values_of.items()
    ]


def summarize_arms(arms: Sequence[Arm], score_name: str = "validation accuracy") -> str:
    """Describe in plain sentences what the accuracies support: an effect is reported where its interval excludes 0.

    Args:
        arms: Arms from `compare_arms`, with accuracies from 0 to 1 as scores.
        score_name: Name of the score in the sentences.

    Example:
        >>> summarize_arms(compare_arms({arm: [0.5] for arm in ARMS})).split(":")[0]
        'One seed per arm gives no interval'
    """
    seeds = len(arms[0].scores)
    if seeds == 1:
        return (
            f"One seed per arm gives no interval: no difference in {score_name} can be distinguished from noise. "
            "Repeat with at least three seeds."
        )
    treated = [(arm, arm.to_nothing) for arm in arms if arm.to_nothing is not None]
    sentences = [_clear_effect(arm, difference, score_name) for arm, difference in treated if difference.is_clear]
    unclear = [difference for _, difference in treated if not difference.is_clear]
    if unclear:
        sentences += _unclear_effects(unclear, "the other treatments" if sentences else "any treatment", score_name)
    if seeds < 5:
        sentences.append(f"{seeds} seeds give wide intervals; more seeds narrow them.")
    return " ".join(sentences)


def _unclear_effects(differences: Sequence[PairedDifference], treatments: str, score_name: str) -> list[str]:
    """Sentences about treatments with intervals that include 0, and the smallest effect that would have been found."""
    seeds = len(differences[0].values)
    sentences = [
        f"The effect of {treatments} on {score_name} cannot be distinguished from noise: no 95 % interval over {seeds} "
        "seeds excludes 0."
    ]
    half_widths = [(one.high - one.low) / 2 for one in differences if np.isfinite(one.low)]
    if half_widths:
        sentences.append(f"An effect below about {100 * max(half_widths):.2f} points would not have been detected.")
    return sentences


def _clear_effect(arm: Arm, difference: PairedDifference, score_name: str) -> str:
    """Sentence about one treatment that differs from training on everything."""
    change = format_points(difference)
    text = f"With {ARMS[arm.name]}, {score_name} changes by {change} compared with training on all labels as they are"
    if arm.to_random is None:
        return f"{text}, which is more than noise."
    to_random = format_points(arm.to_random)
    if arm.to_random.is_clear:
        return f"{text}, and by {to_random} compared with removing as many at random; both are more than noise."
    return (
        f"{text}, which is more than noise; compared with removing as many at random ({to_random}) it cannot be "
        "distinguished from noise."
    )
