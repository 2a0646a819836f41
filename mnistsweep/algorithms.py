"""From names to algorithms: which point comes next (oracles), and which training is not worth going on with (pruners).

An oracle answers `propose(number, study)` with the point of a trial, or None where the space is used up. Grid, random and
quasi-random search are sequences of the trial's number (see `sequences`); the others are Optuna's samplers, which learn
from the ledger. No oracle proposes a point of the ledger again.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.errors import ConfigError, SpaceError, suggest
from mnistsweep.sequences import PointSequence, untried
from mnistsweep.space import Choice, Dimension, Float, Int, Point, SearchSpace, canonical, is_active

ORACLES = ("auto", "random", "grid", "quasi_random", "tpe", "gp", "cmaes")
PRUNERS = ("auto", "none", "median", "successive_halving", "hyperband")

# The table of these is promised to be the same with any number of workers; pruning depends on who finishes first.
REPEATABLE = ("grid", "random", "quasi_random")

# How often a model may propose a point that was tried before it is passed over for a random one.
MOST_REPETITIONS = 20

MakeSampler = Callable[[int], BaseSampler]

warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


@dataclass(frozen=True)
class Proposal:
    """A point to try, and what the sampler wants remembered with the trial."""

    point: Point
    system_attrs: dict[str, Any] = field(default_factory=dict)


class Oracle(ABC):
    """Says which point a trial gets."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space

    @abstractmethod
    def propose(self, number: int, study: optuna.Study) -> Proposal | None:
        """The point of trial `number`, given the ledger; None where there is nothing left to try."""


class SequenceOracle(Oracle):
    """Grid, random or quasi-random search: the ledger is not asked."""

    def __init__(self, sequence: PointSequence) -> None:
        super().__init__(sequence.space)
        self._sequence = sequence

    def propose(self, number: int, study: optuna.Study) -> Proposal | None:
        """The sequence's point."""
        point = self._sequence.point(number)
        return None if point is None else Proposal(point)


class SamplerOracle(Oracle):
    """One of Optuna's samplers, after a beginning of random points.

    Args:
        start: Random points (the enqueued ones first) for the beginning.
        make_sampler: From a seed to a sampler; made anew for each trial, so that a trial's proposal does not depend
            on what this process did before.
        startup_results: So many results (completed or pruned) are wanted before the sampler is asked.
        seed: The sweep's.
        num_enqueued: How many points were given to be tried first.
    """

    def __init__(
        self, start: PointSequence, make_sampler: MakeSampler, startup_results: int, seed: int, num_enqueued: int
    ) -> None:
        super().__init__(start.space)
        self._start = start
        self._make_sampler = make_sampler
        self._startup_results = startup_results
        self._seed = seed
        self._num_enqueued = num_enqueued

    def propose(self, number: int, study: optuna.Study) -> Proposal | None:
        """An enqueued or random point at the beginning, later the sampler's; never one of the ledger's."""
        trials = study.get_trials(deepcopy=False)
        tried = {canonical(trial.user_attrs["point"]) for trial in trials}
        results = sum(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in trials)
        if number < self._num_enqueued or results < self._startup_results:
            point = self._start.point(number)
            if point is not None and canonical(point) not in tried:
                return Proposal(point)
        sampler = self._make_sampler(int(np.random.SeedSequence([self._seed, number, 2]).generate_state(1)[0]))
        for _ in range(MOST_REPETITIONS):
            proposal = self._ask(sampler, number, study)
            if canonical(proposal.point) not in tried:
                return proposal
        return self._fallback(number, tried)

    def _fallback(self, number: int, tried: set[str]) -> Proposal | None:
        rng = np.random.default_rng([self._seed, number, 3])
        if self.space.size() is not None:
            point = untried(self.space, tried, rng)
            return None if point is None else Proposal(point)
        return Proposal(self.space.point(rng.random(len(self.space.dimensions)).tolist()))

    def _ask(self, sampler: BaseSampler, number: int, study: optuna.Study) -> Proposal:
        draft, attrs = _draft(study)
        trial = FrozenTrial(
            number=number, trial_id=-1, state=TrialState.RUNNING, value=None, datetime_start=None, datetime_complete=None,
            params={}, distributions={}, user_attrs={}, system_attrs={}, intermediate_values={},
        )  # fmt: skip
        known = sampler.infer_relative_search_space(draft, trial)
        relative = sampler.sample_relative(draft, trial, known)
        point: Point = {}
        for dimension in self.space.dimensions:
            if not is_active(dimension, point):
                continue
            shape = distribution(dimension)
            if dimension.key in relative:
                raw = relative[dimension.key]
            else:
                raw = sampler.sample_independent(draft, trial, dimension.key, shape)
            point[dimension.key] = decode(dimension, shape, raw)
        return Proposal(point, attrs)


def _draft(study: optuna.Study) -> tuple[optuna.Study, dict[str, Any]]:
    """The study for a sampler that is asked about a trial which is not in the ledger yet.

    CMA-ES writes its state to the trial that it is asked about; here it is caught, to be written with the trial in one go.
    """
    attrs: dict[str, Any] = {}
    draft = copy.copy(study)
    draft._storage = _Catching(study._storage, attrs)  # type: ignore[assignment]
    draft._thread_local.cached_all_trials = None  # samplers read through a cache that only `Study.ask` empties
    return draft, attrs


class _Catching:
    def __init__(self, storage: Any, attrs: dict[str, Any]) -> None:
        self._storage = storage
        self._attrs = attrs

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._attrs[key] = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)


def distribution(dimension: Dimension) -> BaseDistribution:
    """A dimension as Optuna's distribution.

    Numeric choices keep their order: evenly spaced integers as a range with a step, others as positions 0, 1, 2, ... (the
    values themselves stand beside them in the ledger, in the trial's `point`).
    """
    if isinstance(dimension, Float):
        return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    if isinstance(dimension, Int):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    step = _even_step(dimension)
    if step is not None:
        return IntDistribution(dimension.values[0], dimension.values[-1], step=step)
    if dimension.ordered:
        return IntDistribution(0, len(dimension.values) - 1)
    return CategoricalDistribution([_primitive(value) for value in dimension.values])


def encode(dimension: Dimension, shape: BaseDistribution, value: Any) -> Any:
    """A value as Optuna stores it."""
    if not isinstance(dimension, Choice):
        return value
    if isinstance(shape, CategoricalDistribution):
        return _primitive(value)
    return value if _even_step(dimension) is not None else dimension.values.index(value)


def decode(dimension: Dimension, shape: BaseDistribution, raw: Any) -> Any:
    """What Optuna proposes, as a value of the dimension."""
    if isinstance(dimension, Float):
        return float(raw)
    if isinstance(dimension, Int) or _even_step(dimension) is not None:
        return int(raw)
    if isinstance(shape, CategoricalDistribution):
        return dimension.values[[_primitive(value) for value in dimension.values].index(raw)]
    return dimension.values[int(raw)]


def _even_step(choice: Choice) -> int | None:
    """The distance between the values of a choice of evenly spaced integers."""
    values = choice.values
    if len(values) < 2 or not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        return None
    steps = {b - a for a, b in zip(values, values[1:], strict=False)}
    return int(steps.pop()) if len(steps) == 1 else None


def _primitive(value: Any) -> None | bool | int | float | str:
    return value if value is None or isinstance(value, bool | int | float | str) else json.dumps(value, sort_keys=True)


def make_oracle(
    config: Mapping[str, Any],
    space: SearchSpace,
    seed: int,
    trials: int | None,
    enqueued: Sequence[Mapping[str, Any]] = (),
) -> Oracle:
    """The oracle of a configuration.

    Args:
        config: The group `oracle`: its `name` and that oracle's keys.
        space: What varies.
        seed: The sweep's.
        trials: The budget of trials, if there is one; `auto` asks whether the whole grid fits it.
        enqueued: Points to try first.

    Raises:
        ConfigError: An unknown name, a wrong key, a library that is not installed.
        SpaceError: A space that the oracle cannot search.
    """
    name = resolve_oracle(config, space, trials)
    if name == "grid":
        list_of_axes = [dimension.grid() for dimension in space.dimensions]  # raises for an interval of real numbers
        size = space.size()
        if size is None:
            raise SpaceError(
                f"oracle: a grid of {' x '.join(str(len(axis)) for axis in list_of_axes)} points is too large."
            )
        in_order = trials is None or trials >= size
        return SequenceOracle(PointSequence(space, "grid" if in_order else "shuffled_grid", seed, enqueued))
    if name in ("random", "quasi_random"):
        return SequenceOracle(PointSequence(space, name, seed, enqueued))
    startup = config.get("startup_results")
    make, default = _SAMPLERS[name](space)
    start = PointSequence(space, "random", seed, enqueued)
    return SamplerOracle(start, make, default if startup is None else int(startup), seed, len(enqueued))


def resolve_oracle(config: Mapping[str, Any], space: SearchSpace, trials: int | None) -> str:
    """The name of the oracle that will search: `auto` becomes `grid` where the whole grid fits the budget."""
    name = str(config.get("name"))
    if name not in ORACLES:
        raise ConfigError(f"oracle.name: no oracle is called {name!r}; {suggest(name, ORACLES)}.")
    if name != "auto":
        return name
    size = space.size()
    return "grid" if size is not None and trials is not None and size <= trials else "auto"


def _tpe(space: SearchSpace) -> tuple[MakeSampler, int]:
    conditional = any(dimension.conditions for dimension in space.dimensions)

    def make(seed: int) -> BaseSampler:
        return TPESampler(
            n_startup_trials=1, multivariate=True, group=conditional, warn_independent_sampling=False, seed=seed
        )

    return make, 10


def _auto(space: SearchSpace) -> tuple[MakeSampler, int]:
    """Random first, a model after many results: on recorded learning curves a model asked early loses to none at all."""
    return _tpe(space)[0], max(40, 10 * len(space.dimensions))


def _gp(space: SearchSpace) -> tuple[MakeSampler, int]:
    if importlib.util.find_spec("torch") is None:
        raise ConfigError(
            "oracle=gp: Gaussian processes need PyTorch, which is not installed; pip install 'mnistsweep[gp]'."
        )
    return lambda seed: GPSampler(seed=seed, n_startup_trials=1, warn_independent_sampling=False), 10


def _cmaes(space: SearchSpace) -> tuple[MakeSampler, int]:
    return lambda seed: CmaEsSampler(seed=seed, n_startup_trials=1, warn_independent_sampling=False), 1


_SAMPLERS = {"auto": _auto, "tpe": _tpe, "gp": _gp, "cmaes": _cmaes}


def make_pruner(config: Mapping[str, Any], oracle: str, most_epochs: int) -> BasePruner:
    """The pruner of a configuration; its rungs count the same epochs that trials are trained for.

    Args:
        config: The group `pruner`: its `name` and that pruner's keys.
        oracle: The resolved name of the oracle; `auto` prunes only where no repeatable table is promised.
        most_epochs: The largest number of epochs that a trial may have: the budget that Hyperband divides.
    """
    name = str(config.get("name"))
    if name not in PRUNERS:
        raise ConfigError(f"pruner.name: no pruner is called {name!r}; {suggest(name, PRUNERS)}.")
    if name == "auto":
        name = "none" if oracle in REPEATABLE else "successive_halving"
    first, factor = int(config.get("first_rung", 1)), int(config.get("reduction_factor", 3))
    if first < 1:
        raise ConfigError(f"pruner.first_rung: an epoch, counted from 1, received {first}.")
    if factor < 2:
        raise ConfigError(f"pruner.reduction_factor: at least 2, received {factor}.")
    if name == "median":
        return MedianPruner(n_startup_trials=int(config.get("startup_trials", 5)), n_warmup_steps=first)
    if name == "successive_halving":
        return SuccessiveHalvingPruner(min_resource=first, reduction_factor=factor)
    if name == "hyperband":
        return HyperbandPruner(min_resource=first, max_resource=max(most_epochs, first), reduction_factor=factor)
    return NopPruner()
