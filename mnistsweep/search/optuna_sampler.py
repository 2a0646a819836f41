"""A sampler of Optuna that the user chooses by its class: ``{name: optuna, sampler: {_target_: ..., ...}}``."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.samplers import BaseSampler, GPSampler

from mnistsweep import targets
from mnistsweep.dimensions import is_active
from mnistsweep.errors import ConfigError
from mnistsweep.search.former import FormerTrial
from mnistsweep.search.optuna_private import ProposalStudy
from mnistsweep.search.oracle import Proposal
from mnistsweep.search.sampler_oracle import SamplerOracle, proposed_trial
from mnistsweep.search.samplers import SamplerSpec
from mnistsweep.search.sequences import PointSequence
from mnistsweep.space import Point

KEY = "sampler"

# Number of proposals that may repeat an earlier point before a random point is taken instead.
MAX_ATTEMPTS = 5


class UserSamplerOracle(SamplerOracle):
    """Proposes points with a sampler that the user chooses, by the protocol of `optuna.Study.ask`.

    The sampler itself decides which dimensions it proposes jointly, and how many random points come first.

    Args:
        start: Enqueued points.
        config: Config group `oracle`, see `user_sampler`.
        seed: Seed of the sweep.
        former: Trials of former sweeps, which the sampler reads like those of this one.

    Raises:
        ConfigError: The sampler cannot be made.
    """

    def __init__(
        self, start: PointSequence, config: Mapping[str, Any], seed: int, former: Sequence[FormerTrial] = ()
    ) -> None:
        super().__init__(start, user_sampler(config), startup_results=0, seed=seed, former=former)

    def _sample(self, sampler: BaseSampler, number: int, proposal_study: ProposalStudy) -> Proposal:
        study, trial = proposal_study.study, proposed_trial(number)
        sampler.before_trial(study, trial)
        trial.system_attrs = dict(proposal_study.system_attrs)
        relative = sampler.sample_relative(study, trial, sampler.infer_relative_search_space(study, trial))
        point: Point = {}
        for dimension in self.space.dimensions:
            if not is_active(dimension, point):
                continue
            encoding = self._encodings[dimension.name]
            key, distribution = dimension.name, encoding.distribution
            if distribution.single():
                point |= dimension.entries(dimension.value_at(0.0))
                continue
            if key in relative and distribution._contains(distribution.to_internal_repr(relative[key])):
                raw = relative[key]
            else:
                raw = sampler.sample_independent(study, trial, key, distribution)
            trial.params = {**trial.params, key: raw}
            trial.distributions = {**trial.distributions, key: distribution}
            point |= dimension.entries(encoding.decode(raw))
        return Proposal(point, dict(proposal_study.system_attrs))


def user_sampler(config: Mapping[str, Any]) -> SamplerSpec:
    """The settings of a sampler that the user chooses; each proposal has a new one with a seed of its own.

    Args:
        config: Config group `oracle`; `sampler` has `_target_` and the keyword arguments of the class.

    Raises:
        ConfigError: The target is no sampler of Optuna, does not accept a key or a value, or needs a library that is
            not installed.

    Example:
        >>> spec = user_sampler({"sampler": {"_target_": "optuna.samplers.NSGAIISampler", "population_size": 10}})
        >>> type(spec.make(7)).__name__
        'NSGAIISampler'
    """
    keys = config.get("sampler")
    if not isinstance(keys, Mapping) or not isinstance(keys.get("_target_"), str):
        rule = "must be the class of a sampler of Optuna with its arguments, {_target_: optuna.samplers.TPESampler}"
        raise ConfigError(f"{KEY}: {rule}; received {keys!r}; correct it.")
    target = targets.resolve(keys["_target_"], f"{KEY}._target_")
    if target is GPSampler and importlib.util.find_spec("torch") is None:
        raise ConfigError(f"{KEY}: GPSampler needs PyTorch, which is not installed; pip install 'mnistsweep[gp]'.")

    def make(seed: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            made = _call(KEY, target, keys, {"seed": seed})
        if not isinstance(made, BaseSampler):
            rule = "must be a sampler of Optuna"
            raise ConfigError(f"{KEY}._target_: {rule}; received {keys['_target_']}; optuna.samplers has them.")
        return made

    make(0)
    return SamplerSpec(make, 0, lambda dimension: True, MAX_ATTEMPTS, max_trials_read=None)


def _call(key: str, target: Any, keys: Mapping[str, Any], offered: Mapping[str, Any]) -> Any:
    """Call a target with its keys; targets among the values are called first, with the same seed.

    Raises:
        ConfigError: It does not accept a key or a value.
    """
    given = {name: _made(f"{key}.{name}", value, offered) for name, value in keys.items()}
    try:
        return targets.call(key, target, given, offered)
    except (ImportError, TypeError, ValueError, AssertionError) as error:
        raise ConfigError(f"{key}: {keys['_target_']}: {' '.join(str(error).split())}") from error


def _made(key: str, value: Any, offered: Mapping[str, Any]) -> Any:
    if not isinstance(value, Mapping) or "_target_" not in value:
        return value
    return _call(key, targets.resolve(str(value["_target_"]), f"{key}._target_"), value, offered)
