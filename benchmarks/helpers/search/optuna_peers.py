"""Optuna in a simulated search: its samplers and pruners through ``ask``, ``report``, ``should_prune`` and ``tell``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from helpers.search.simulation import Begin, Method, Resume, Run, Search
from mnistsweep.dimensions import Choice, Column, Float, is_active
from mnistsweep.search.scheduler import Phase
from mnistsweep.space import Point


def distribution(dimension: Column) -> BaseDistribution:
    """A dimension as a user of Optuna writes it: ``suggest_categorical`` for each choice."""
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.values)
    if isinstance(dimension, Float):
        return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    return IntDistribution(dimension.low, dimension.high, log=dimension.log)


class OnRecorded(BaseSampler):
    """Samples a whole point with another sampler, and replaces it by the nearest untried configuration.

    So the sampler learns from the configurations that were really tried.

    Args:
        sampler: Optuna's sampler.
        search: Search whose configurations are proposed.
    """

    def __init__(self, sampler: BaseSampler, search: Search) -> None:
        self._sampler = sampler
        self._search = search
        self._distributions = {dimension.key: distribution(dimension) for dimension in search.table.space.columns}
        self.configuration: int | None = None

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All dimensions: the point is sampled as a whole."""
        return self._distributions

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Values of the nearest untried configuration."""
        inner = self._sampler.infer_relative_search_space(study, trial)
        values = self._sampler.sample_relative(study, trial, inner)
        point: Point = {}
        for dimension in self._search.table.space.columns:
            if is_active(dimension, point):
                key = dimension.key
                if key not in values:
                    values[key] = self._sampler.sample_independent(study, trial, key, self._distributions[key])
                point[key] = values[key]
        self.configuration = self._search.nearest(point)
        return {} if self.configuration is None else dict(self._search.table.points[self.configuration])

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Not used: `sample_relative` returns a value for each active dimension."""
        raise NotImplementedError

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Pass on."""
        self._sampler.before_trial(study, trial)

    def after_trial(self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        """Pass on."""
        self._sampler.after_trial(study, trial, state, values)


class OptunaSearch(Method):
    """A study of Optuna.

    Args:
        search: Search that it decides.
        sampler: Optuna's sampler.
        pruner: Optuna's pruner.
    """

    def __init__(self, search: Search, sampler: BaseSampler, pruner: BasePruner) -> None:
        self._best = max if search.table.direction == "max" else min
        self._sampler = OnRecorded(sampler, search)
        direction = "maximize" if search.table.direction == "max" else "minimize"
        self._study = optuna.create_study(  # Hyperband derives brackets from the name, which is random by default
            sampler=self._sampler, pruner=pruner, direction=direction, study_name="simulated"
        )
        self._trials: list[optuna.Trial] = []

    def next_job(self, search: Search, live: frozenset[int]) -> Begin | Resume | None:
        """Ask for a trial, with the values of its active dimensions."""
        if not search.may_start:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about experimental arguments
            trial = self._study.ask()
            _suggest(trial, search.table.space.columns[0])  # has no conditions; samples the whole point
        configuration = self._sampler.configuration
        if configuration is None:
            return None
        for dimension in search.table.space.columns[1:]:
            if dimension.key in search.table.points[configuration]:
                _suggest(trial, dimension)
        self._trials.append(trial)
        return Begin(configuration, search.table.max_epochs[configuration])

    def epoch_ended(self, run: Run) -> bool:
        """Report the epoch, and ask the pruner."""
        trial = self._trials[run.number]
        trial.report(run.values[run.epochs], run.epochs)
        return not trial.should_prune()

    def job_ended(self, run: Run) -> None:
        """Tell the best value of a complete trial."""
        trial = self._trials[run.number]
        if run.phase is Phase.FAILED:
            self._study.tell(trial, state=TrialState.FAIL)
        elif run.epochs < run.max_epochs:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, self._best(run.values.values()))


def _suggest(trial: optuna.Trial, dimension: Column) -> Any:
    if isinstance(dimension, Choice):
        return trial.suggest_categorical(dimension.key, dimension.values)
    suggest: Mapping[bool, Any] = {True: trial.suggest_float, False: trial.suggest_int}
    return suggest[isinstance(dimension, Float)](dimension.key, dimension.low, dimension.high, log=dimension.log)
