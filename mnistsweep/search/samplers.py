"""Optuna's samplers as oracles: they learn from the ledger which point to try next."""

from __future__ import annotations

import copy
import importlib.util
import itertools
import math
from collections.abc import Callable, Container, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, GPSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.errors import ConfigError
from mnistsweep.search.cmaes import DRAW, CmaEs
from mnistsweep.search.distributions import decode, distribution
from mnistsweep.search.oracles import Oracle, Proposal
from mnistsweep.search.sequences import PointSequence, untried
from mnistsweep.space import Dimension, Point, SearchSpace, canonical, is_active

# The states of trials that a model can learn from.
RESULTS = (TrialState.COMPLETE, TrialState.PRUNED)

# How many random points are drawn before what is left of a finite space is listed.
MAX_DRAWS = 100

# A model looks at so many trials: the best, and the latest of the others. TPE takes at most 25 trials for good (and
# gives older ones among the rest little weight): its proposals stay what they are while their cost stops growing.
MAX_SEEN, BEST_SEEN = 75, 25


@dataclass(frozen=True)
class Method:
    """What differs between Optuna's samplers.

    Attributes:
        make: From a seed to a sampler.
        startup_results: So many results (completed or pruned) are wanted before it is asked, unless configured.
        is_joint: Which dimensions are proposed jointly with those that exist together with them; the others one by one.
        attempts: How often it may propose a point that was tried before a random one is taken.
        most_seen: How many trials it looks at; None: all of them.
        remembers: The name of what it wants kept in the ledger with a trial, if anything.
    """

    make: Callable[[int], BaseSampler]
    startup_results: int
    is_joint: Callable[[Dimension], bool]
    attempts: int
    most_seen: int | None
    remembers: str | None = None


class SamplerOracle(Oracle):
    """One of Optuna's samplers, after a beginning of random points.

    The sampler is made anew for each trial, so that a proposal does not depend on what this process did before.

    Args:
        start: Random points (the enqueued ones first) for the beginning.
        method: The sampler.
        startup_results: So many results (completed or pruned) are wanted before the sampler is asked.
        seed: The sweep's.
    """

    def __init__(self, start: PointSequence, method: Method, startup_results: int, seed: int) -> None:
        super().__init__(start.space)
        self._start = start
        self._method = method
        self._startup_results = startup_results
        self._seed = seed
        self._shapes = {dimension.key: distribution(dimension) for dimension in self.space.dimensions}
        self._groups = _existing_together(self.space)
        self._history = _History()

    def propose(self, number: int, study: optuna.Study) -> Proposal | None:
        """An enqueued or random point at the beginning, later the sampler's; never one of the ledger's."""
        trials = study.get_trials(deepcopy=False)
        tried = self._history.points(trials)
        size = self.space.size()
        if size is not None and len(tried) >= size:
            return None
        results = sum(trial.state in RESULTS for trial in trials)
        if number < self._start.num_enqueued or results < self._startup_results:
            point = self._start.point(number)
            if point is not None and canonical(point) not in tried:
                return Proposal(point)
        seen = trials
        if self._method.most_seen is not None:
            seen = self._history.informative(trials, study.direction, self._method.most_seen)
        sampler = self._method.make(int(np.random.SeedSequence([self._seed, number, 2]).generate_state(1)[0]))
        for _ in range(self._method.attempts):
            proposal = self._ask(sampler, number, _Draft(study, seen))
            if canonical(proposal.point) not in tried:
                return proposal
        return self._random(number, tried)

    def _ask(self, sampler: BaseSampler, number: int, draft: _Draft) -> Proposal:
        trial = FrozenTrial(
            number=number, trial_id=-1, state=TrialState.RUNNING, value=None, datetime_start=None,
            datetime_complete=None, params={}, distributions={}, user_attrs={}, system_attrs={}, intermediate_values={},
        )  # fmt: skip
        point: Point = {}
        for group in self._groups:  # what a group's condition names comes before it
            if is_active(group[0], point):
                point |= self._sample(sampler, trial, group, draft.study)
        attrs = {name: value for name, value in draft.attrs.items() if name == self._method.remembers}
        return Proposal({key: point[key] for key in self.space.keys if key in point}, attrs)

    def _sample(
        self, sampler: BaseSampler, trial: FrozenTrial, group: Sequence[Dimension], study: optuna.Study
    ) -> Point:
        """Values for dimensions that exist together; a dimension of one value is none of the sampler's business."""
        open_ = [dimension for dimension in group if not self._shapes[dimension.key].single()]
        joint = {d.key: self._shapes[d.key] for d in open_ if self._method.is_joint(d)}
        raw = sampler.sample_relative(study, trial, joint) if joint else {}
        for dimension in open_:
            if dimension.key not in raw:
                shape = self._shapes[dimension.key]
                raw[dimension.key] = sampler.sample_independent(study, trial, dimension.key, shape)
        return {d.key: decode(d, self._shapes[d.key], raw[d.key]) if d.key in raw else d.value(0.0) for d in group}

    def _random(self, number: int, tried: Container[str]) -> Proposal | None:
        rng = np.random.default_rng([self._seed, number, 3])
        for _ in range(MAX_DRAWS):
            point = self.space.point(rng.random(len(self.space.dimensions)).tolist())
            if canonical(point) not in tried:
                return Proposal(point)
        left = untried(self.space, tried, rng)
        return None if left is None else Proposal(left)


class _History:
    """What an oracle knows of the ledger, each trial looked at once."""

    def __init__(self) -> None:
        self._count = 0
        self._points: set[str] = set()
        self._ranks: dict[int, tuple[float, ...]] = {}

    def points(self, trials: Sequence[FrozenTrial]) -> Set[str]:
        """The points of all trials, as `canonical` writes them."""
        self._points.update(canonical(trial.user_attrs["point"]) for trial in trials[self._count :])
        self._count = len(trials)
        return self._points

    def informative(self, trials: list[FrozenTrial], direction: StudyDirection, most: int) -> list[FrozenTrial]:
        """The best trials and the latest of the others, in the order of their numbers."""
        if len(trials) <= most:
            return trials
        for trial in trials:
            if trial.number not in self._ranks and trial.state in RESULTS:
                self._ranks[trial.number] = _rank(trial, direction)
        kept = set(sorted(self._ranks, key=self._ranks.__getitem__)[:BEST_SEEN])
        others = (trial.number for trial in reversed(trials) if trial.number not in kept)
        kept.update(itertools.islice(others, most - len(kept)))
        return [trial for trial in trials if trial.number in kept]


def _rank(trial: FrozenTrial, direction: StudyDirection) -> tuple[float, ...]:
    """Sorts trials as TPE does: the completed by their value, then the pruned by how far they came."""
    sign = -1 if direction is StudyDirection.MAXIMIZE else 1
    if trial.state is TrialState.COMPLETE and trial.value is not None:
        return (0, sign * trial.value, trial.number)
    step, value = max(trial.intermediate_values.items(), default=(0, math.inf * sign))
    return (1, -step, math.inf if math.isnan(value) else sign * value, trial.number)


class _Draft:
    """The study as a sampler sees it that is asked about a trial which is not in the ledger yet.

    Samplers write to the trial that they are asked about; here it is caught, to be written with the trial in one go.

    Attributes:
        study: For the sampler.
        attrs: What it wrote.
    """

    def __init__(self, study: optuna.Study, trials: Sequence[FrozenTrial]) -> None:
        self.attrs: dict[str, Any] = {}
        self._storage = study._storage
        self._trials = trials
        self.study = copy.copy(study)
        self.study._storage = self  # type: ignore[assignment]
        self.study._thread_local.cached_all_trials = None  # samplers read through a cache that only `Study.ask` empties

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Catch what the sampler writes."""
        self.attrs[key] = value

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """The trials that the sampler is to see."""
        return [trial for trial in self._trials if states is None or trial.state in states]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)


def _existing_together(space: SearchSpace) -> list[list[Dimension]]:
    """The dimensions in groups that exist at the same points, each group after those that its conditions name."""
    groups: dict[str, list[Dimension]] = {}
    for dimension in space.dimensions:
        groups.setdefault(repr(dimension.conditions), []).append(dimension)
    return list(groups.values())


def _tpe(space: SearchSpace) -> Method:
    def make(seed: int) -> BaseSampler:
        return TPESampler(n_startup_trials=1, multivariate=True, seed=seed)

    return Method(make, 10, is_joint=lambda dimension: True, attempts=20, most_seen=MAX_SEEN)


def _auto(space: SearchSpace) -> Method:
    """Random first, a model after many results: on recorded learning curves a model asked early lost to none at all."""
    return replace(_tpe(space), startup_results=max(40, 10 * len(space.dimensions)))


def _gp(space: SearchSpace) -> Method:
    if importlib.util.find_spec("torch") is None:
        raise ConfigError("oracle=gp: needs PyTorch, which is not installed; pip install 'mnistsweep[gp]'.")

    def make(seed: int) -> BaseSampler:
        return GPSampler(seed=seed, n_startup_trials=1, warn_independent_sampling=False)

    return Method(make, 10, is_joint=lambda dimension: not dimension.conditions, attempts=2, most_seen=MAX_SEEN)


def _cmaes(space: SearchSpace) -> Method:
    def is_joint(dimension: Dimension) -> bool:
        return not dimension.conditions and not isinstance(distribution(dimension), CategoricalDistribution)

    return Method(CmaEs, 1, is_joint, attempts=20, most_seen=None, remembers=DRAW)


METHODS = {"auto": _auto, "tpe": _tpe, "gp": _gp, "cmaes": _cmaes}
