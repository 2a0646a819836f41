"""CMA-ES as a sampler whose state is recomputed from the ledger.

Optuna's own `CmaEsSampler` keeps its state in the ledger as a pickle, so everyone who opens the ledger would unpickle
it. Here each trial keeps its position in the unit cube and its generation; the state follows from these and the
results.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.search.distributions import number_at, unit_of
from mnistsweep.search.former_samples import is_former
from mnistsweep.search.optuna_private import write_system_attr
from mnistsweep.search.oracle import ORDER
from mnistsweep.search.violations import violation_of

if TYPE_CHECKING:
    from cmaes import CMA

Array = NDArray[np.float64]

# System attribute of a trial: a list of its generation and its coordinates in the unit cube.
DRAW = "cma:draw"

# Value of a trial that violates a constraint; larger violations are worse.
INFEASIBLE = 1e250

# The first generation is drawn around the best former trials: this share of them, and at least this number.
BEST_SHARE, MIN_BEST = 0.1, 3

# Smallest step size of the first generation.
MIN_STEP = 1e-3


class CmaEs(BaseSampler):
    """Covariance matrix adaptation evolution strategy (Hansen, 2016, "The CMA evolution strategy: a tutorial").

    A pruned trial counts with its last reported value: by default two thirds of the trials are pruned after their first
    epoch, and the others are too few to learn from.

    Args:
        seed: Seed of the next proposal.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._independent = RandomSampler(seed=seed)
        self._cma: CMA | None = None

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return an empty space: the caller decides which dimensions are sampled jointly."""
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return a draw from the current generation; each further call returns another draw."""
        if self._cma is None:
            self._cma = _replay(study.get_trials(deepcopy=False), search_space, study.direction)
            self._cma.reseed_rng(self._seed % 2**32)
        units = self._cma.ask().tolist()
        write_system_attr(study, trial, DRAW, [self._cma.generation, *units])
        return {key: number_at(space, unit) for (key, space), unit in zip(search_space.items(), units, strict=True)}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a random value, for categorical and for conditional dimensions."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)


def _replay(
    trials: Sequence[FrozenTrial], search_space: Mapping[str, BaseDistribution], direction: StudyDirection
) -> CMA:
    """Return the strategy after all generations with enough results, added in the order of their completion."""
    from cmaes import CMA  # imports scipy, which takes a while

    mean, sigma, covariance = _start(trials, search_space, direction)
    num_dimensions = len(search_space)
    cma = CMA(
        mean=mean,
        sigma=sigma,
        bounds=np.tile([0.0, 1.0], (num_dimensions, 1)),
        n_max_resampling=10 * num_dimensions,
        cov=covariance,
    )
    ended = [trial for trial in trials if DRAW in trial.system_attrs and trial.state.is_finished()]
    ended.sort(key=_order)
    generations: dict[int, list[tuple[Any, float]]] = {}
    for trial in ended:
        loss = _loss(trial, direction)
        if loss is not None:
            generation, *units = trial.system_attrs[DRAW]
            generations.setdefault(generation, []).append((np.array(units), loss))
    while len(results := generations.get(cma.generation, [])) >= cma.population_size:
        cma.tell(results[: cma.population_size])
    return cma


def _start(
    trials: Sequence[FrozenTrial], search_space: Mapping[str, BaseDistribution], direction: StudyDirection
) -> tuple[Array, float, Array | None]:
    """Return mean, step size and covariance of the first generation: those of the best former trials, if any.

    Reference: Nomura, Watanabe, Akimoto, Ozaki and Onishi, "Warm Starting CMA-ES for Hyperparameter Optimization",
    2021.
    """
    from cmaes import get_warm_start_mgd

    former = [(trial, _loss(trial, direction)) for trial in trials if is_former(trial)]
    solutions = [
        (np.array([unit_of(space, trial.params[key]) for key, space in search_space.items()]), loss)
        for trial, loss in former
        if loss is not None
    ]
    if not solutions:
        return np.full(len(search_space), 0.5), 1 / 6, None
    share = max(BEST_SHARE, min(MIN_BEST, len(solutions)) / len(solutions))
    mean, sigma, covariance = get_warm_start_mgd(solutions, gamma=share)
    return np.clip(mean, 0.0, 1.0), max(float(sigma), MIN_STEP), covariance


def _order(trial: FrozenTrial) -> tuple[int, datetime.datetime, int]:
    """Return a sort key in the order in which results were recorded, which no clock affects.

    Results of version 0.1 have no such order; they come first, in the order of their times.
    """
    order = trial.user_attrs.get("result", {}).get(ORDER)
    if order is not None:
        return order, datetime.datetime.min, trial.number
    return -1, trial.datetime_complete or datetime.datetime.min, trial.number


def _loss(trial: FrozenTrial, direction: StudyDirection) -> float | None:
    """Return the value that CMA-ES minimizes; None if the trial has no result.

    Only the order of values counts: that of a trial which violates a constraint is larger than all others.
    """
    if violation := violation_of(trial):
        return INFEASIBLE * (1.0 + violation)
    value = trial.value if trial.state is TrialState.COMPLETE else None
    if trial.state is TrialState.PRUNED and trial.last_step is not None:
        value = trial.intermediate_values[trial.last_step]
    if value is None or math.isnan(value):
        return None
    return -value if direction is StudyDirection.MAXIMIZE else value
