"""How much each hyperparameter mattered, with its spread: conditional PED-ANOVA, resampled.

PED-ANOVA (Watanabe, Bansal and Hutter, 2023) asks how differently a hyperparameter's values are spread among the best
trials and among all of them; Optuna's evaluator, used here, extends it to dimensions that exist only under a condition
(conditional PED-ANOVA, 2026): these are judged among the trials where they are active, and weighted by how many of the
best and of all trials those are, which puts all dimensions on one scale.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.search.distributions import distribution, encode
from mnistsweep.space import Point, SearchSpace

# With fewer completed trials nothing can be said.
MIN_COMPLETED = 5

# The best tenth of the trials is held against all of them, but no fewer than five (a third, of a short sweep).
BEST_SHARE, MIN_BEST = 0.1, 5


@dataclass(frozen=True)
class Importance:
    """How much one hyperparameter mattered.

    Attributes:
        key: Of the dimension.
        mean: Its share of the importance of all, from 0 to 1: the mean over the resamples.
        std: The standard deviation over the resamples.
        active: In how many of the trials it existed.
    """

    key: str
    mean: float
    std: float
    active: int


@dataclass(frozen=True)
class Importances:
    """How much each hyperparameter mattered.

    Attributes:
        dimensions: The most important first, without those of one value; empty where nothing can be said.
        trials: How many trials were looked at, pruned ones included.
        best: How many of them were the best that the others are held against.
        reason: Why nothing can be said.
    """

    dimensions: Sequence[Importance] = ()
    trials: int = 0
    best: int = 0
    reason: str = ""


def importances(
    space: SearchSpace,
    points: Sequence[Point],
    objective: Any,
    pruned: Any = None,
    direction: str = "max",
    resamples: int = 30,
    seed: int = 0,
) -> Importances:
    """How much each hyperparameter mattered for being among the best trials.

    A pruned trial counts as worse than every completed one: that is what it was pruned for, and its value is from
    another epoch. Only ranks matter here, so this is all that has to be known about it. Trials whose objective is not
    a finite number (failed ones) are left out.

    Args:
        space: What was searched.
        points: The values of each trial's active dimensions.
        objective: ``(trials,)``.
        pruned: ``(trials,)`` of booleans; None: no trial was.
        direction: ``max`` or ``min``.
        resamples: How often the trials are drawn with replacement (the bootstrap of Efron, 1979).
        seed: Of these draws.

    Returns:
        The shares with their spread over the resamples; without dimensions, but with a reason, where fewer than
        `MIN_COMPLETED` trials have completed or nothing tells the best from the others.

    Example:
        >>> from mnistsweep.space import Choice
        >>> space = SearchSpace((Choice("width", (1, 2, 3, 4)), Choice("color", ("red", "blue"))))
        >>> found = importances(space, list(space.grid()) * 4, [point["width"] for point in space.grid()] * 4)
        >>> found.dimensions[0].key, found.dimensions[0].mean > 0.9
        ('width', True)
    """
    values = np.asarray(objective, dtype=np.float64)
    stopped = np.zeros(len(values), bool) if pruned is None else np.asarray(pruned, dtype=bool)
    kept = np.flatnonzero(np.isfinite(values))
    completed = int((~stopped[kept]).sum())
    if completed < MIN_COMPLETED:
        return Importances(reason=f"{completed} completed trials are too few: {MIN_COMPLETED} are the least.")
    if np.ptp(values[kept]) == 0:
        return Importances(reason=f"All {len(kept)} trials have the same objective, {values[kept[0]]:.6g}.")
    ranks = _ranks(values[kept], stopped[kept], direction)
    trials = _trials(space, [points[index] for index in kept.tolist()], ranks)
    count = _num_best(len(trials), completed)
    keys = [dimension.key for dimension in space.dimensions if dimension.size != 1]
    shares = _resampled(keys, trials, count, resamples, np.random.default_rng(seed))
    if not len(shares):
        return Importances(reason="No hyperparameter tells the best trials from the others.")
    found = [
        Importance(key, float(mean), float(std), sum(key in trial.params for trial in trials))
        for key, mean, std in zip(keys, shares.mean(axis=0), shares.std(axis=0), strict=True)
    ]
    return Importances(tuple(sorted(found, key=lambda one: -one.mean)), len(trials), count)


def _num_best(trials: int, completed: int) -> int:
    """How many trials are the best: never one that was pruned."""
    return min(max(math.ceil(BEST_SHARE * trials), min(MIN_BEST, trials // 3)), completed, trials - 1)


def _ranks(values: NDArray[np.float64], pruned: NDArray[np.bool_], direction: str) -> NDArray[np.int64]:
    """0 for the best, equal for equals; the pruned after all completed."""
    losses = -values if direction == "max" else values
    _, ranks = np.unique(np.column_stack([pruned, losses]), axis=0, return_inverse=True)
    return np.asarray(ranks.reshape(-1), dtype=np.int64)


def _trials(space: SearchSpace, points: Sequence[Point], ranks: NDArray[np.int64]) -> list[FrozenTrial]:
    """The trials as Optuna's records, to be minimized."""
    shapes = {dimension.key: distribution(dimension) for dimension in space.dimensions}
    return [
        FrozenTrial(
            number=number, trial_id=number, state=TrialState.COMPLETE, value=float(rank), datetime_start=None,
            datetime_complete=None, params={key: encode(space[key], shapes[key], point[key]) for key in point},
            distributions={key: shapes[key] for key in point}, user_attrs={}, system_attrs={}, intermediate_values={},
        )
        for number, (point, rank) in enumerate(zip(points, ranks, strict=True))
    ]  # fmt: skip


def _resampled(
    keys: Sequence[str], trials: list[FrozenTrial], count: int, resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The shares in each resample, ``(resamples, dimensions)``; draws that tell nothing are left out."""
    evaluator = PedAnovaImportanceEvaluator(target_quantile=count / len(trials))
    optuna.logging.set_verbosity(logging.WARNING)  # a study in memory is no news
    store = _Drawn()
    study = optuna.create_study(storage=store)
    shares = []
    for _ in range(resamples):
        store.drawn = [trials[index] for index in rng.integers(len(trials), size=len(trials))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few trials of a kind: the spread says so
            found = evaluator.evaluate(study)
        row = np.array([found.get(key, 0.0) for key in keys])
        if row.sum() > 0:
            shares.append(row / row.sum())
    return np.array(shares)


class _Drawn(InMemoryStorage):
    """A store whose trials are given; copying each into Optuna's own would take most of the time."""

    drawn: Sequence[FrozenTrial] = ()

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """The trials, all completed."""
        return list(self.drawn)
