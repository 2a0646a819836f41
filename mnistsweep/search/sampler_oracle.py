"""An oracle that proposes points with one of Optuna's samplers, after a number of random points."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Container, Iterable, Sequence, Set

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.dimensions import Dimension, Zip, is_active
from mnistsweep.json_values import from_json
from mnistsweep.search.distributions import Encoding, searched, stored
from mnistsweep.search.former import FormerTrial
from mnistsweep.search.former_samples import former_samples, is_former
from mnistsweep.search.optuna_private import ProposalStudy
from mnistsweep.search.oracle import CONFIRMS, Oracle, Proposal
from mnistsweep.search.samplers import MAX_BEST_READ, SamplerSpec
from mnistsweep.search.sequences import PointSequence, draw_untried
from mnistsweep.search.violations import violation_of, with_refused, without_reports
from mnistsweep.space import Point, SearchSpace, canonical

# States of trials that have a result for a sampler to learn from.
RESULT_STATES = (TrialState.COMPLETE, TrialState.PRUNED)

# Number of random points that may repeat an earlier point before the untried points of a finite space are listed.
MAX_DRAWS = 100


class SamplerOracle(Oracle):
    """Proposes points with a sampler, after a number of random points.

    Each proposal uses a new sampler, so it does not depend on earlier proposals of the same process.

    Args:
        start: Enqueued points, then random points.
        sampler: Settings of the sampler.
        startup_results: Number of results (completed or pruned trials) before the first use of the sampler.
        seed: Seed of the sweep.
        former: Trials of former sweeps. They count as results, and their points may be proposed again.
    """

    def __init__(
        self,
        start: PointSequence,
        sampler: SamplerSpec,
        startup_results: int,
        seed: int,
        former: Sequence[FormerTrial] = (),
    ) -> None:
        super().__init__(start.space)
        self._start = start
        self._spec = sampler
        self._startup_results = startup_results
        self._seed = seed
        self._encodings = {dimension.name: searched(dimension) for dimension in self.space.dimensions}
        self._translated = _differing(self._encodings.values())
        self._groups = _group_by_conditions(self.space)
        self._history = TrialHistory()
        self._former = former_samples(former, self.space, self._encodings)

    def propose(self, number: int, study: optuna.Study) -> Proposal | None:
        """Return a point that is not in the ledger: first an enqueued or random one, later the sampler's."""
        trials = [with_refused(trial) for trial in _searched(study.get_trials(deepcopy=False))]
        tried = self._history.tried(trials)
        size = self.space.size()
        if size is not None and len(tried) >= size:
            return None
        num_results = len(self._former) + sum(trial.state in RESULT_STATES for trial in trials)
        if number < self._start.num_enqueued or num_results < self._startup_results:
            point = self._start.point(number)
            if point is not None and canonical(point) not in tried:
                return Proposal(point)
        trials = [*self._former, *trials]
        if len(study.directions) > 1:  # all trials: which are the best changes with each of them
            trials = [without_reports(trial) for trial in trials]
        elif self._spec.max_trials_read is not None:
            trials = self._history.informative(trials, study.direction, self._spec.max_trials_read)
        trials = [trial if is_former(trial) else self._as_searched(trial) for trial in trials]
        sampler = self._spec.make(int(np.random.SeedSequence([self._seed, number, 2]).generate_state(1)[0]))
        for _ in range(self._spec.max_attempts):
            proposal = self._sample(sampler, number, ProposalStudy(study, trials))
            if canonical(proposal.point) not in tried:
                return proposal
        return self._draw_random(number, tried)

    def _sample(self, sampler: BaseSampler, number: int, proposal_study: ProposalStudy) -> Proposal:
        trial = proposed_trial(number)
        point: Point = {}
        for group in self._groups:
            if is_active(group[0], point):
                point |= self._sample_group(sampler, trial, group, proposal_study.study)
        attrs = {name: value for name, value in proposal_study.system_attrs.items() if name == self._spec.system_attr}
        return Proposal({key: point[key] for key in self.space.keys if key in point}, attrs)

    def _sample_group(
        self, sampler: BaseSampler, trial: FrozenTrial, group: Sequence[Dimension], study: optuna.Study
    ) -> Point:
        """Return values for dimensions that are active together; the sampler skips those with a single value."""
        distributions = {dimension.name: self._encodings[dimension.name].distribution for dimension in group}
        variable = [dimension for dimension in group if not distributions[dimension.name].single()]
        joint = {d.name: distributions[d.name] for d in variable if self._spec.is_joint(d)}
        raw = sampler.sample_relative(study, trial, joint) if joint else {}
        for name in (dimension.name for dimension in variable):
            if name not in raw:
                raw[name] = sampler.sample_independent(study, trial, name, distributions[name])
        point: Point = {}
        for dimension in group:
            is_drawn = dimension.name in raw
            value = self._encodings[dimension.name].decode(raw[dimension.name]) if is_drawn else dimension.value_at(0.0)
            point |= dimension.entries(value)
        return point

    def _as_searched(self, trial: FrozenTrial) -> FrozenTrial:
        """Return a trial of the ledger with its point in the encoding of the sampler."""
        point = from_json(trial.user_attrs["point"]) if self._translated else {}
        active = [one for one in self._translated if one.dimension.keys[0] in point]
        if not active:
            return trial
        translated = copy.copy(trial)
        replaced = {key for one in active for key in one.dimension.keys}
        kept = [key for key in trial.params if key not in replaced]
        encoded = {one.dimension.name: one.encode(one.dimension.value_in(point)) for one in active}
        translated.params = {key: trial.params[key] for key in kept} | encoded
        distributions = {one.dimension.name: one.distribution for one in active}
        translated.distributions = {key: trial.distributions[key] for key in kept} | distributions
        return translated

    def _draw_random(self, number: int, tried: Container[str]) -> Proposal | None:
        """Return a random point that was not tried; None if there is none."""
        rng = np.random.default_rng([self._seed, number, 3])
        for _ in range(MAX_DRAWS):
            point = self.space.point_at(rng.random(len(self.space.dimensions)).tolist())
            if canonical(point) not in tried:
                return Proposal(point)
        untried = draw_untried(self.space, tried, rng)
        return None if untried is None else Proposal(untried)


def proposed_trial(number: int) -> FrozenTrial:
    """Return the trial that a sampler proposes values for; it is not in the ledger yet.

    Args:
        number: Number of the trial.
    """
    return FrozenTrial(
        number=number, trial_id=-1, state=TrialState.RUNNING, value=None, datetime_start=None,
        datetime_complete=None, params={}, distributions={}, user_attrs={}, system_attrs={}, intermediate_values={},
    )  # fmt: skip


class TrialHistory:
    """The points and the ranks of the ledger's trials; each trial is processed once."""

    def __init__(self) -> None:
        self._num_processed = 0
        self._tried: set[str] = set()
        self._ranks: dict[int, tuple[float, ...]] = {}

    def tried(self, trials: Sequence[FrozenTrial]) -> Set[str]:
        """Return the points of all trials, each as the text of `canonical`."""
        self._tried.update(canonical(from_json(trial.user_attrs["point"])) for trial in trials[self._num_processed :])
        self._num_processed = len(trials)
        return self._tried

    def informative(self, trials: list[FrozenTrial], direction: StudyDirection, max_trials: int) -> list[FrozenTrial]:
        """Return the best `MAX_BEST_READ` trials and the latest of the others, in the order of their numbers.

        Args:
            trials: All trials of the ledger.
            direction: Direction of the objective.
            max_trials: Number of trials to return.
        """
        if len(trials) <= max_trials:
            return trials
        for trial in trials:
            if trial.number not in self._ranks and trial.state in RESULT_STATES:
                self._ranks[trial.number] = _rank(trial, direction)
        kept = set(sorted(self._ranks, key=self._ranks.__getitem__)[:MAX_BEST_READ])
        others = (trial.number for trial in reversed(trials) if trial.number not in kept)
        kept.update(itertools.islice(others, max_trials - len(kept)))
        return [trial for trial in trials if trial.number in kept]


def _searched(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials of the search, numbered without those that confirm others.

    Samplers leave out the trial that has the number of the one that they propose.
    """
    if not any(CONFIRMS in trial.user_attrs for trial in trials):
        return trials
    found = [copy.copy(trial) for trial in trials if CONFIRMS not in trial.user_attrs]
    for number, trial in enumerate(found):
        trial.number = number
    return found


def _differing(encodings: Iterable[Encoding]) -> list[Encoding]:
    """Return the encodings that differ from those of the ledger, which has an entry for each key of a zip."""
    return [
        one
        for one in encodings
        if isinstance(one.dimension, Zip) or stored(one.dimension).distribution != one.distribution
    ]


def _rank(trial: FrozenTrial, direction: StudyDirection) -> tuple[float, ...]:
    """Return a sort key in TPE's order.

    Completed trials by value, then pruned trials by last epoch and value, then those that violate constraints.
    """
    if violation := violation_of(trial):
        return (2, violation, trial.number)
    sign = -1 if direction is StudyDirection.MAXIMIZE else 1
    if trial.state is TrialState.COMPLETE and trial.value is not None:
        return (0, sign * trial.value, trial.number)
    step, value = max(trial.intermediate_values.items(), default=(0, math.inf * sign))
    return (1, -step, math.inf if math.isnan(value) else sign * value, trial.number)


def _group_by_conditions(space: SearchSpace) -> list[list[Dimension]]:
    """Return the dimensions in groups with equal conditions, each group after the dimensions that it depends on."""
    groups: dict[str, list[Dimension]] = {}
    for dimension in space.dimensions:
        groups.setdefault(repr(dimension.conditions), []).append(dimension)
    return list(groups.values())
