"""Cleaning labels as an experiment: what is done to the training set, and what the numbers allow one to say.

Each treatment (arm) is trained with the same seeds, so that differences are taken seed by seed. Taking examples away
changes a model in any case; so a treatment is held against nothing removed and against as many removed at random.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.arrays import Floats, Integers
from mnistsweep.errors import DataError, suggest

NOTHING, RANDOM, SUSPECTS, CORRECTED, AMBIGUOUS = "nothing", "random", "suspects", "corrected", "ambiguous"

# What each arm does with the M examples that it is about, in reading order.
ARMS: Mapping[str, str] = {
    NOTHING: "nothing removed",
    RANDOM: "as many removed at random",
    SUSPECTS: "suspected labels removed",
    CORRECTED: "suspected labels corrected",
    AMBIGUOUS: "the most ambiguous removed",
}

# Of each interval, by itself.
LEVEL = 0.95

# Differences of the same two fractions of a set differ by so little.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Planted:
    """Labels with known errors.

    Attributes:
        labels: ``(n,)``, the wrong ones among them.
        indices: Positions of the wrong ones, ascending.
    """

    labels: Integers
    indices: Integers


def plant(labels: Any, share: float, classes: int, seed: int) -> Planted:
    """Give a share of the labels another class, drawn uniformly from the others.

    Args:
        labels: ``(n,)``, whole numbers from 0 to classes - 1.
        share: From 0 to 0.5; exactly ``round(share * n)`` labels are changed.
        classes: How many there are, at least 2.
        seed: Decides which, and to what.

    Raises:
        DataError: The share is out of range.

    Example:
        >>> planted = plant([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], share=0.2, classes=3, seed=0)
        >>> int((planted.labels != [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]).sum()), len(planted.indices)
        (2, 2)
    """
    if not 0 <= share <= 0.5:
        raise DataError(f"plant: a share of the labels from 0 to 0.5, received {share}.")
    changed = np.array(labels, dtype=np.int64)
    rng = np.random.default_rng(seed)
    indices = np.sort(rng.choice(len(changed), size=round(share * len(changed)), replace=False)).astype(np.int64)
    changed[indices] = (changed[indices] + rng.integers(1, classes, len(indices))) % classes
    return Planted(changed, indices)


def assign_folds(labels: Any, folds: int, classes: int, seed: int) -> Integers:
    """Divide examples into folds that have the classes in equal proportion (scikit-learn's `StratifiedKFold`).

    Args:
        labels: ``(n,)``, whole numbers from 0 to classes - 1.
        folds: How many, at least 2.
        classes: How many there are.
        seed: Of the shuffling.

    Returns:
        The fold of each example, ``(n,)``, from 0.

    Raises:
        DataError: A class has fewer examples than there are folds.

    Example:
        >>> sorted(assign_folds([0, 1, 0, 1], folds=2, classes=2, seed=0).tolist())
        [0, 0, 1, 1]
    """
    from sklearn.model_selection import StratifiedKFold

    given = np.asarray(labels, dtype=np.int64)
    counts = np.bincount(given, minlength=classes)
    if counts.min() < folds:
        least = int(counts.argmin())
        raise DataError(
            f"folds: each class needs at least one example a fold; class {least} has {counts[least]} examples in the "
            f"training side, and there are to be {folds} folds."
        )
    assigned = np.empty(len(given), dtype=np.int64)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for fold, (_, members) in enumerate(splitter.split(given, given)):
        assigned[members] = fold
    return assigned


@dataclass(frozen=True, eq=False)
class Treated:
    """What an arm is trained on.

    Attributes:
        kept: Positions of the examples, ascending.
        labels: Theirs.
    """

    kept: Integers
    labels: Integers


def treat(arm: str, labels: Any, suspects: Any, suggested: Any, ambiguous: Any, seed: int) -> Treated:
    """Apply a treatment to a training set; every arm is about the same number of examples, that of the suspects.

    Args:
        arm: One of `ARMS`.
        labels: Of the training set, ``(n,)``.
        suspects: Positions of the suspected labels, ``(m,)``.
        suggested: A class for each example, ``(n,)``; what the suspects are corrected to.
        ambiguous: Positions, most ambiguous first; suspects among them are passed over, so that the two arms differ.
        seed: Decides which examples are removed at random.

    Raises:
        DataError: There is no such arm.

    Example:
        >>> treat("corrected", [0, 0, 1], suspects=[1], suggested=[0, 1, 1], ambiguous=[2], seed=0).labels.tolist()
        [0, 1, 1]
    """
    if arm not in ARMS:
        raise DataError(f"arm: there is no {arm!r}; {suggest(arm, ARMS)}.")
    treated, suspected = np.array(labels, dtype=np.int64), np.asarray(suspects, dtype=np.int64)
    if arm == CORRECTED:
        treated[suspected] = np.asarray(suggested)[suspected]
    kept = np.ones(len(treated), dtype=bool)
    if arm == RANDOM:
        kept[np.random.default_rng(seed).choice(len(treated), size=len(suspected), replace=False)] = False
    elif arm == SUSPECTS:
        kept[suspected] = False
    elif arm == AMBIGUOUS:
        order = np.asarray(ambiguous, dtype=np.int64)
        kept[order[~np.isin(order, suspected)][: len(suspected)]] = False
    positions = np.flatnonzero(kept)
    return Treated(positions, treated[positions])


@dataclass(frozen=True, eq=False)
class Difference:
    """A paired difference of scores, with a t interval over seeds.

    Attributes:
        values: One a seed, ``(seeds,)``.
        mean: Theirs.
        low: Of the 95 % interval; NaN where there is no spread to judge by: one seed, or all differ by the same.
        high: Likewise.
    """

    values: Floats
    mean: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def paired_difference(scores: Any, reference: Any) -> Difference:
    """The mean difference of scores that were taken with the same seeds: ``mean ± t(0.975, n - 1) s / sqrt(n)``.

    Student (1908). The interval is over seeds: it says nothing about other validation images.

    Args:
        scores: One a seed, ``(seeds,)``.
        reference: Likewise, in the same order.

    Raises:
        DataError: They are not as many.

    Example:
        >>> difference = paired_difference([0.93, 0.94, 0.95], [0.92, 0.92, 0.92])
        >>> f"{difference.mean:.3f} ({difference.low:.4f} to {difference.high:.4f})"
        '0.020 (-0.0048 to 0.0448)'
    """
    from scipy import stats

    ours, theirs = np.asarray(scores, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if ours.ndim != 1 or ours.shape != theirs.shape or not len(ours):
        raise DataError(f"scores: one a seed, for both; received the shapes {ours.shape} and {theirs.shape}.")
    values = ours - theirs
    mean, count = float(values.mean()), len(values)
    if np.ptp(values) < ROUNDING:
        return Difference(values, mean, float("nan"), float("nan"))
    half = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * values.std(ddof=1) / np.sqrt(count))
    return Difference(values, mean, mean - half, mean + half)


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


@dataclass(frozen=True)
class Found:
    """How many of the planted errors a ranking finds.

    Attributes:
        num_planted: How many there are.
        num_flagged: How many labels are flagged.
        recall: Share of the planted among the first `num_planted` of the ranking; its precision is the same.
        flagged_recall: Share of the planted that is flagged.
        flagged_precision: Share of the flagged that was planted; 0 where nothing is flagged. Flagged labels that
            were not planted may be errors that were in the data before.
    """

    num_planted: int
    num_flagged: int
    recall: float
    flagged_recall: float
    flagged_precision: float

    @property
    def sentence(self) -> str:
        """In plain words."""
        return (
            f"{self.num_planted} wrong labels were planted: {100 * self.recall:.2f} % of them are among the first "
            f"{self.num_planted} of the ranking. {self.num_flagged} labels are suspected: these hold "
            f"{100 * self.flagged_recall:.2f} % of the planted, and {100 * self.flagged_precision:.2f} % of them were "
            "planted."
        )


def count_found(order: Any, flagged: Any, planted: Any) -> Found:
    """Count how many planted errors are found.

    Args:
        order: Positions of all examples, most suspect first, ``(n,)``.
        flagged: Whether a label is suspected, ``(n,)``.
        planted: Positions of the planted errors, at least one.

    Raises:
        DataError: Nothing was planted.

    Example:
        >>> count_found([3, 0, 1, 2], [False, False, True, True], planted=[3, 2])
        Found(num_planted=2, num_flagged=2, recall=0.5, flagged_recall=1.0, flagged_precision=1.0)
    """
    ranking, mask, positions = np.asarray(order), np.asarray(flagged, dtype=bool), np.asarray(planted, dtype=np.int64)
    if not len(positions):
        raise DataError("planted: at least one position; nothing was planted.")
    hits, num_flagged = int(mask[positions].sum()), int(mask.sum())
    return Found(
        len(positions),
        num_flagged,
        float(np.isin(ranking[: len(positions)], positions).mean()),
        hits / len(positions),
        hits / num_flagged if num_flagged else 0.0,
    )


def points(difference: Difference) -> str:
    """A difference of accuracies in percentage points, with its interval.

    Example:
        >>> points(Difference(np.array([0.01, 0.02]), 0.015, -0.0485, 0.0785))
        '+1.50 points (-4.85 to +7.85)'
    """
    has_interval = np.isfinite(difference.low)
    interval = f" ({100 * difference.low:+.2f} to {100 * difference.high:+.2f})" if has_interval else ""
    return f"{100 * difference.mean:+.2f} points{interval}"


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


def log_loss(probabilities: NDArray[Any], labels: NDArray[Any]) -> float:
    """Mean negative log-probability of the labels, in nats; probabilities are clipped to the smallest float64 step.

    Example:
        >>> round(log_loss(np.array([[0.5, 0.5]]), np.array([0])), 4)
        0.6931
    """
    chosen = np.asarray(probabilities, dtype=np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(chosen, np.finfo(np.float64).eps, 1.0)).mean())
