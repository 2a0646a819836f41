"""The arms of the cleaning experiment held against each other, and what the numbers allow one to say.

Each arm is trained with the same seeds, so that differences are taken seed by seed: against the arm from which nothing
was removed, and against the one from which as many were removed at random.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Floats
from mnistsweep.analysis.paired import Difference, paired_difference, points
from mnistsweep.analysis.treatments import ARMS, NOTHING, RANDOM
from mnistsweep.errors import DataError


@dataclass(frozen=True, eq=False)
class Arm:
    """How the models of one arm scored.

    Attributes:
        name: One of `ARMS`.
        scores: One a seed, ``(seeds,)``.
        to_nothing: The difference to the arm from which nothing was removed; None for that arm itself.
        to_random: The difference to the arm from which as many were removed at random; None for these two.
    """

    name: str
    scores: Floats
    to_nothing: Difference | None
    to_random: Difference | None

    @property
    def mean(self) -> float:
        """Of the scores."""
        return float(self.scores.mean())

    @property
    def std(self) -> float:
        """Sample standard deviation of the scores; NaN with one seed."""
        return float(self.scores.std(ddof=1)) if len(self.scores) > 1 else float("nan")


def compare(scores: Mapping[str, Any]) -> list[Arm]:
    """Hold the arms against nothing removed and against as many removed at random, seed by seed.

    Args:
        scores: ``(seeds,)`` for each arm of `ARMS`, the seeds in the same order.

    Returns:
        The arms in the order of `ARMS`.

    Raises:
        DataError: An arm is missing, or the arms have not as many seeds.

    Example:
        >>> arms = compare({arm: [0.5, 0.7] for arm in ARMS})
        >>> arms[0].mean, arms[2].to_random.mean
        (0.6, 0.0)
    """
    missing = [arm for arm in ARMS if arm not in scores]
    if missing:
        raise DataError(f"scores: no arm may be missing; there is no {', '.join(map(repr, missing))}.")
    held = {arm: np.asarray(scores[arm], dtype=np.float64) for arm in ARMS}
    return [
        Arm(
            arm,
            values,
            None if arm == NOTHING else paired_difference(values, held[NOTHING]),
            None if arm in (NOTHING, RANDOM) else paired_difference(values, held[RANDOM]),
        )
        for arm, values in held.items()
    ]


def conclude(arms: Sequence[Arm], what: str = "validation accuracy") -> str:
    """What the accuracies allow one to say, in plain sentences: a difference counts where its interval excludes 0.

    Args:
        arms: From `compare`, of accuracies from 0 to 1.
        what: Name of the score.

    Example:
        >>> conclude(compare({arm: [0.5] for arm in ARMS})).split(":")[0]
        'One seed an arm gives no interval'
    """
    seeds = len(arms[0].scores)
    treated = [(arm, arm.to_nothing) for arm in arms if arm.to_nothing is not None]
    if seeds == 1:
        return (
            f"One seed an arm gives no interval: no difference in {what} can be told from noise. Repeat with at least "
            "three seeds."
        )
    said = [_say(arm, difference, what) for arm, difference in treated if difference.is_clear]
    unclear = [difference for _, difference in treated if not difference.is_clear]
    if unclear:
        which = "any of the treatments" if not said else "the other treatments"
        said.append(
            f"The effect of {which} on {what} cannot be told from noise: no 95 % interval over {seeds} seeds excludes "
            "0."
        )
        widest = max(((d.high - d.low) / 2 for d in unclear if np.isfinite(d.low)), default=None)
        if widest is not None:
            said.append(f"An effect of less than about {100 * widest:.2f} points would not have been seen.")
    if seeds < 5:
        said.append(f"{seeds} seeds give wide intervals; more narrow them.")
    return " ".join(said)


def _say(arm: Arm, difference: Difference, what: str) -> str:
    """One treatment that differs from training on everything."""
    text = f"With {ARMS[arm.name]}, {what} changes by {points(difference)} against training on everything as it is"
    if arm.to_random is None:
        return f"{text}, which is more than noise."
    if arm.to_random.is_clear:
        return f"{text}, and by {points(arm.to_random)} against removing as many at random; both are more than noise."
    return (
        f"{text}, which is more than noise; against removing as many at random ({points(arm.to_random)}) it cannot be "
        "told from noise."
    )
