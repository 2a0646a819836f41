"""Importance of each hyperparameter, with its standard deviation: conditional PED-ANOVA on bootstrap resamples.

PED-ANOVA (Watanabe, Bansal and Hutter, 2023) measures how much the distribution of a hyperparameter's values among the
best trials differs from that among all trials. Optuna's evaluator, which is used here, extends it to conditional
dimensions (conditional PED-ANOVA, 2026): these are evaluated on the trials where they are active, and weighted by the
share of these trials among the best and among all trials, so all dimensions have the same scale.
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

from mnistsweep.search.distributions import searched
from mnistsweep.space import Point, SearchSpace

# With fewer completed trials the importance is not computed.
MIN_COMPLETED = 5

# The best tenth of the trials is compared with all trials, but at least five (in a short sweep, a third).
BEST_SHARE, MIN_BEST = 0.1, 5

# Number of bootstrap resamples (Efron, 1979) of the trials, and their seed.
NUM_RESAMPLES, RESAMPLE_SEED = 30, 0


@dataclass(frozen=True)
class Importance:
    """Importance of one hyperparameter, or of several that were swept together: a zip has one importance.

    Attributes:
        keys: Key of the dimension; of a zip, several.
        mean: Share of the total importance, from 0 to 1: the mean over the resamples.
        std: Standard deviation of the share over the resamples.
        active: Number of trials in which the dimension is active.
    """

    keys: tuple[str, ...]
    mean: float
    std: float
    active: int

    @property
    def key(self) -> str:
        """The keys as text."""
        return ", ".join(self.keys)


@dataclass(frozen=True)
class Importances:
    """Importance of each hyperparameter.

    Attributes:
        dimensions: Importances in descending order, without dimensions with a single value; empty if there is a
            `reason`.
        trials: Number of evaluated trials, including pruned ones.
        best: Number of best trials that are compared with all trials.
        reason: Reason why there are no importances; otherwise empty.
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
) -> Importances:
    """Return how important each hyperparameter is for a trial to be among the best.

    A pruned trial ranks below every completed one: it was pruned because it was worse, and its value is from another
    epoch. Trials without a finite objective (failed trials) are left out.

    Args:
        space: Search space of the sweep.
        points: Values of the active dimensions of each trial.
        objective: Objective of each trial, of shape ``(trials,)``.
        pruned: Whether each trial was pruned, of shape ``(trials,)``; None: no trial was pruned.
        direction: ``max`` or ``min``.

    Returns:
        Mean and standard deviation of each share over the resamples, or the reason why there are none.

    Example:
        >>> from mnistsweep.dimensions import Choice
        >>> space = SearchSpace((Choice("width", (1, 2, 3, 4)), Choice("color", ("red", "blue"))))
        >>> found = importances(space, list(space.grid()) * 4, [point["width"] for point in space.grid()] * 4)
        >>> found.dimensions[0].key, found.dimensions[0].mean > 0.9
        ('width', True)
    """
    values = np.asarray(objective, dtype=np.float64)
    was_pruned = np.zeros(len(values), bool) if pruned is None else np.asarray(pruned, dtype=bool)
    kept = np.flatnonzero(np.isfinite(values))
    num_completed = int((~was_pruned[kept]).sum())
    reason = _reason_against(values[kept], num_completed)
    if reason:
        return Importances(reason=reason)
    ranks = _ranks(values[kept], was_pruned[kept], direction)
    trials = _to_frozen_trials(space, [points[index] for index in kept.tolist()], ranks)
    return _importances_of(space, trials, _num_best(len(trials), num_completed))


def _reason_against(values: NDArray[np.float64], num_completed: int) -> str:
    """Return why the importances cannot be computed; an empty text if they can."""
    if num_completed < MIN_COMPLETED:
        return f"{num_completed} completed trials are too few: at least {MIN_COMPLETED} are needed."
    if np.ptp(values) == 0:
        return f"All {len(values)} trials have the same objective, {values[0]:.6g}."
    return ""


def _importances_of(space: SearchSpace, trials: list[FrozenTrial], num_best: int) -> Importances:
    """Return the importances in trials with a value to minimize."""
    varied = [dimension for dimension in space.dimensions if dimension.size != 1]
    shares = _resample_shares([dimension.name for dimension in varied], trials, num_best)
    if not len(shares):
        return Importances(reason="No hyperparameter distinguishes the best trials from the others.")
    dimensions = [
        Importance(one.keys, float(mean), float(std), sum(one.name in trial.params for trial in trials))
        for one, mean, std in zip(varied, shares.mean(axis=0), shares.std(axis=0), strict=True)
    ]
    return Importances(tuple(sorted(dimensions, key=lambda importance: -importance.mean)), len(trials), num_best)


def _num_best(trials: int, completed: int) -> int:
    """Return the number of best trials, at most the number of completed ones: a pruned trial is never among them."""
    return min(max(math.ceil(BEST_SHARE * trials), min(MIN_BEST, trials // 3)), completed, trials - 1)


def _ranks(values: NDArray[np.float64], pruned: NDArray[np.bool_], direction: str) -> NDArray[np.int64]:
    """Return the rank of each trial, 0 for the best: equal values have equal ranks, pruned trials rank last.

    The importances depend on ranks only, so the values of pruned trials matter only among themselves.
    """
    losses = -values if direction == "max" else values
    _, ranks = np.unique(np.column_stack([pruned, losses]), axis=0, return_inverse=True)
    return np.asarray(ranks.reshape(-1), dtype=np.int64)


def _to_frozen_trials(space: SearchSpace, points: Sequence[Point], ranks: NDArray[np.int64]) -> list[FrozenTrial]:
    """Return the trials as Optuna's records, with the rank as the value to minimize."""
    encodings = [(dimension, searched(dimension)) for dimension in space.dimensions]
    trials = []
    for number, (point, rank) in enumerate(zip(points, ranks, strict=True)):
        active = [(dimension, encoding) for dimension, encoding in encodings if dimension.keys[0] in point]
        distributions = {dimension.name: encoding.distribution for dimension, encoding in active}
        params = {dimension.name: encoding.encode(dimension.value_in(point)) for dimension, encoding in active}
        trials.append(
            FrozenTrial(
                number=number, trial_id=number, state=TrialState.COMPLETE, value=float(rank), datetime_start=None,
                datetime_complete=None, params=params, distributions=distributions, user_attrs={}, system_attrs={},
                intermediate_values={},
            )
        )  # fmt: skip
    return trials


def _resample_shares(keys: Sequence[str], trials: list[FrozenTrial], num_best: int) -> NDArray[np.float64]:
    """Return the shares in each resample, of shape ``(resamples, dimensions)``.

    A resample in which no dimension has an importance is left out.
    """
    evaluator = PedAnovaImportanceEvaluator(target_quantile=num_best / len(trials))
    optuna.logging.set_verbosity(logging.WARNING)  # otherwise it logs the creation of the study below
    storage = _ResampleStorage()
    study = optuna.create_study(storage=storage)
    shares = []
    rng = np.random.default_rng(RESAMPLE_SEED)
    for _ in range(NUM_RESAMPLES):
        storage.trials = [trials[index] for index in rng.integers(len(trials), size=len(trials))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about few trials of a kind; the standard deviation shows this
            importance = evaluator.evaluate(study)
        row = np.array([importance.get(key, 0.0) for key in keys])
        if row.sum() > 0:
            shares.append(row / row.sum())
    return np.array(shares)


class _ResampleStorage(InMemoryStorage):
    """A storage that returns given trials; adding each to an Optuna storage would take most of the time.

    Attributes:
        trials: Trials of the current resample, all completed.
    """

    trials: Sequence[FrozenTrial] = ()

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials of the current resample."""
        return list(self.trials)
