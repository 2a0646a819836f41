"""Optuna's samplers by name, each with the settings that differ between them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace

from optuna.samplers import BaseSampler, GPSampler, TPESampler

from mnistsweep.dimensions import Choice, Dimension, Zip
from mnistsweep.errors import ConfigError
from mnistsweep.search.cmaes import DRAW, CmaEs
from mnistsweep.space import SearchSpace

# TPE and GP read at most 75 trials: the 25 best, and the latest of the others. This bounds their cost, and does not
# change TPE's proposals: TPE models at most 25 trials as good, and gives older ones among the others little weight.
MAX_TRIALS_READ, MAX_BEST_READ = 75, 25


@dataclass(frozen=True)
class SamplerSpec:
    """The settings of one sampler.

    Attributes:
        make: Function from a seed to a sampler.
        startup_results: Default number of results (completed or pruned trials) before the first use of the sampler.
        is_joint: Whether a dimension is proposed jointly with the others that are active at the same points; the
            others are proposed one by one.
        max_attempts: Number of proposals that may repeat an earlier point before a random point is taken instead.
        max_trials_read: Number of trials that the sampler reads; None: all.
        system_attr: Name of the attribute that the ledger keeps with each proposed trial; None: no attribute.
    """

    make: Callable[[int], BaseSampler]
    startup_results: int
    is_joint: Callable[[Dimension], bool]
    max_attempts: int
    max_trials_read: int | None
    system_attr: str | None = None


def _tpe(space: SearchSpace) -> SamplerSpec:
    def make(seed: int) -> BaseSampler:
        return TPESampler(n_startup_trials=1, multivariate=True, seed=seed)

    return SamplerSpec(make, 10, is_joint=lambda dimension: True, max_attempts=20, max_trials_read=MAX_TRIALS_READ)


def _auto(space: SearchSpace) -> SamplerSpec:
    """TPE after many random points: on recorded learning curves, TPE from the 10th result on lost to random search."""
    return replace(_tpe(space), startup_results=max(40, 10 * len(space.dimensions)))


def _gp(space: SearchSpace) -> SamplerSpec:
    if importlib.util.find_spec("torch") is None:
        raise ConfigError("oracle=gp: needs PyTorch, which is not installed; pip install 'mnistsweep[gp]'.")

    def make(seed: int) -> BaseSampler:
        return GPSampler(seed=seed, n_startup_trials=1, warn_independent_sampling=False)

    def is_joint(dimension: Dimension) -> bool:
        return not dimension.conditions

    return SamplerSpec(make, 10, is_joint, max_attempts=2, max_trials_read=MAX_TRIALS_READ)


def _cmaes(space: SearchSpace) -> SamplerSpec:
    def is_joint(dimension: Dimension) -> bool:
        is_numeric = not isinstance(dimension, Zip) and (not isinstance(dimension, Choice) or dimension.is_ordered)
        return is_numeric and not dimension.conditions

    return SamplerSpec(CmaEs, 1, is_joint, max_attempts=20, max_trials_read=None, system_attr=DRAW)


SAMPLERS = {"auto": _auto, "tpe": _tpe, "gp": _gp, "cmaes": _cmaes}
