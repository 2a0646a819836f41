"""CMA-ES as a sampler whose state is worked out from the ledger.

Optuna's own `CmaEsSampler` keeps its state in the ledger as a pickle, and whoever opens the ledger would unpickle it.
Here a trial remembers where in the unit cube it was drawn and in which generation; the rest follows from the results.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.search.distributions import at

if TYPE_CHECKING:
    from cmaes import CMA

# What a trial remembers: its generation, then its place in the unit cube.
DRAW = "cma:draw"


class CmaEs(BaseSampler):
    """Covariance matrix adaptation evolution strategy (Hansen, 2016, "The CMA evolution strategy: a tutorial").

    A pruned trial counts with its last report: by default two thirds of the trials are pruned after their first epoch,
    and the others are too few to learn from.

    Args:
        seed: Of the next proposal.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._independent = RandomSampler(seed=seed)
        self._cma: CMA | None = None

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Nothing: whoever asks says which numbers are searched jointly."""
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A draw from the present generation; asked again, another one."""
        if self._cma is None:
            self._cma = _replayed(study.get_trials(deepcopy=False), len(search_space), study.direction)
            self._cma.reseed_rng(self._seed % 2**32)
        place = self._cma.ask().tolist()
        study._storage.set_trial_system_attr(trial._trial_id, DRAW, [self._cma.generation, *place])
        return {key: at(shape, unit) for (key, shape), unit in zip(search_space.items(), place, strict=True)}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Names, and numbers that exist under a condition only, are drawn at random."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)


def _replayed(trials: Iterable[FrozenTrial], dim: int, direction: StudyDirection) -> CMA:
    """The strategy after all generations that have enough results, in the order in which these came in."""
    from cmaes import CMA  # imports scipy, which takes a while

    cma = CMA(mean=np.full(dim, 0.5), sigma=1 / 6, bounds=np.tile([0.0, 1.0], (dim, 1)), n_max_resampling=10 * dim)
    ended = [trial for trial in trials if DRAW in trial.system_attrs and trial.datetime_complete is not None]
    ended.sort(key=lambda trial: (trial.datetime_complete, trial.number))
    generations: dict[int, list[tuple[Any, float]]] = {}
    for trial in ended:
        loss = _loss(trial, direction)
        if loss is not None:
            generation, *place = trial.system_attrs[DRAW]
            generations.setdefault(generation, []).append((np.array(place), loss))
    while len(found := generations.get(cma.generation, [])) >= cma.population_size:
        cma.tell(found[: cma.population_size])
    return cma


def _loss(trial: FrozenTrial, direction: StudyDirection) -> float | None:
    """What is made small; None where a trial has no result."""
    value = trial.value if trial.state is TrialState.COMPLETE else None
    if trial.state is TrialState.PRUNED and trial.last_step is not None:
        value = trial.intermediate_values[trial.last_step]
    if value is None or math.isnan(value):
        return None
    return -value if direction is StudyDirection.MAXIMIZE else value
