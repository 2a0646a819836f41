"""A scheduler that continues the trial, or starts the new one, from which most improvement is expected for its cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnistsweep.search.former import representative
from mnistsweep.search.freeze_thaw.acquisition import chance_of_more, expected_improvement
from mnistsweep.search.freeze_thaw.candidates import Candidates
from mnistsweep.search.freeze_thaw.cost import BuildSeconds, EpochSeconds, latest_timed
from mnistsweep.search.freeze_thaw.encoding import Encoder
from mnistsweep.search.freeze_thaw.ending import is_ending
from mnistsweep.search.freeze_thaw.kernel import Array
from mnistsweep.search.freeze_thaw.model import CurveModel, Knowledge
from mnistsweep.search.freeze_thaw.observations import best_value, ranked
from mnistsweep.search.freeze_thaw.one_thread import one_thread
from mnistsweep.search.freeze_thaw.overview import Overview
from mnistsweep.search.job_epochs import can_continue, first_epoch, within_budget
from mnistsweep.search.oracle import Proposal
from mnistsweep.search.scheduler import Continue, Curve, Job, Phase, Scheduler, SearchView, Start
from mnistsweep.search.sequences import PointSequence, draw_untried
from mnistsweep.space import Point, canonical
from mnistsweep.text import percent

if TYPE_CHECKING:
    import optuna

NUM_RANDOM_STARTS = 8
"""Number of trials at random points, each of one epoch, before the first comparison."""

COST_POWER = 1.0
"""The expected improvement is divided by this power of the cost until the end of the training."""

MAX_SHARE_OF_STARTS = 0.5
"""Trials are continued, and none is started, while first epochs are more than this share of all epochs."""

RANDOM_EVERY = 4
"""One in this number of new trials is at a random point, so that the search does not stay in one part of the space."""

MIN_CHANCE = 0.1
"""With a budget of trials alone, the search ends when no paused trial beats the best with more than this chance."""

NEAR_TIE = 0.05
"""A trial with a live model is preferred to one with an interest larger by at most this share."""

MAX_FORMER = 200
"""Number of former trials that are kept, see `representative`: their values do not change, and most are much alike."""

NUM_FORMER_OFFERED = 16
"""Number of the best former trials with points that are offered to each decision."""

MAX_DRAWS = 100
"""Number of random points that may repeat an earlier one before the untried points of a finite space are listed."""


@dataclass(frozen=True)
class Interest:
    """What the continuation of a trial, or a new trial, promises.

    Attributes:
        value: Expected improvement for its cost.
        curve: Trial to continue; None: a new trial.
        point: Point of a new trial.
    """

    value: float
    curve: Curve | None = None
    point: Point | None = None


class FreezeThaw(Scheduler):
    """Freeze-thaw search with an exact Gaussian process over configurations and epochs.

    The first trials are at enqueued points, then at random ones, each for one epoch. After that, each decision compares
    all paused trials with some hundred untried points: by the expected improvement of the value at the end of the
    training (or of the budget, if that comes before) over the best value known or expected, divided by a power of the
    cost until there. The trial with the most interest trains as many epochs as it has, so its number of epochs doubles;
    then all are compared again. At the end of a budget of epochs no trial is started that cannot be finished.

    With trials of former sweeps, the search starts with what they have shown. They replace the random first trials, one
    for one. Their points may be tried again, because this search must find its own best trial.

    References: Swersky, Snoek and Adams, "Freeze-Thaw Bayesian Optimization", 2014; Klein, Tiao, Lienart, Archambeau
    and Seeger, "Model-based Asynchronous Hyperparameter and Neural Architecture Search", 2020.

    Args:
        start: Enqueued points, then random points.
        maximize: Whether larger values of the objective are better.
        max_epochs: Function that returns the number of epochs of the whole training of a point.
        seed: Seed of the sweep.
        former: Trials of former sweeps, see `former_curves`.
    """

    def __init__(
        self,
        start: PointSequence,
        maximize: bool,
        max_epochs: Callable[[Point], int],
        seed: int,
        former: Sequence[Curve] = (),
    ) -> None:
        self._start = start
        sign = 1.0 if maximize else -1.0
        self._former = representative(ranked(former, sign), MAX_FORMER)
        finite = [curve for curve in self._former if math.isfinite(best_value(curve, sign))]
        self._num_random = max(0, NUM_RANDOM_STARTS - len(finite))
        self._space = start.space
        self._maximize = maximize
        self._seed = seed
        self._encoder = Encoder(start.space)
        self._knowledge = Knowledge(self._encoder)
        self._overview = Overview(sign)
        self._latest: tuple[int, CurveModel] | None = None
        offered = [curve.point for curve in finite[:NUM_FORMER_OFFERED]]
        self._candidates = Candidates(start.space, self._encoder, max_epochs, seed, offered)
        self._num_tried, self._texts = 0, set[str]()

    @one_thread()
    def prepare(self, view: SearchView) -> None:
        """Fit the hyperparameters and draw the points to compare."""
        if not self._is_random(view):
            model = self._model(view)
            if view.may_start:
                self._candidates.around(len(view.curves), model.best_points)

    @one_thread()
    def next_job(self, view: SearchView, study: optuna.Study) -> Job | None:
        """Return the job with the most interest; None if the budget or the space is exhausted, or nothing promises."""
        if view.epochs_left is not None and view.epochs_left <= 0:
            return None
        if self._is_random(view) and view.may_start:
            point = self._random_point(view)
            if point is not None:
                return Start(Proposal(point), 1)
        if not self._has_values(view):
            self.no_job_reason = Scheduler.no_job_reason
            return None
        model = self._model(view)
        best = model.best_expected
        paused = self._paused(view, model, best)
        if self._is_over(view, model, paused):
            self.no_job_reason = (
                f"no paused trial has a chance of more than {percent(MIN_CHANCE, 0)} of beating the best"
            )
            return None
        waits = bool(paused) and self._overview.share_of_starts > MAX_SHARE_OF_STARTS
        ending = is_ending(view, model, [one.curve for one in paused if one.curve], self._overview.epochs)
        new = self._untried(view, model, best, ending) if view.may_start and not waits else None
        interests = [*paused, *([new] if new else [])]
        if not interests:
            self.no_job_reason = Scheduler.no_job_reason
            return None
        near_ties = frozenset() if view.counts_seconds else view.live  # there the cost contains the advantage
        return self._job(_most(interests, near_ties), view)

    @one_thread()
    def order_of_interest(self, view: SearchView, direction: str) -> list[int]:
        """Return the numbers of the paused trials, the one least likely to be continued first.

        Trials that the model leaves out because there are too many come before all others.

        Args:
            view: All trials.
            direction: Direction of the objective, which the scheduler knows already.
        """
        if not self._has_values(view):
            return [curve.number for curve in view.curves if curve.phase is Phase.PAUSED]
        model = self._model(view)
        values = {one.curve.number: one.value for one in self._paused(view, model, model.best_expected) if one.curve}
        numbers = [curve.number for curve in view.curves if curve.phase is Phase.PAUSED]
        return sorted(numbers, key=lambda number: (values.get(number, -1.0), number))

    def _is_random(self, view: SearchView) -> bool:
        """Return whether the next trial is a random or an enqueued one, or nothing can be compared yet."""
        is_early = len(view.curves) < max(self._num_random, self._start.num_enqueued)
        return (is_early and view.may_start) or not self._has_values(view)

    def _has_values(self, view: SearchView) -> bool:
        return bool(self._former) or any(curve.values for curve in view.curves)

    def _random_point(self, view: SearchView) -> Point | None:
        number, tried = len(view.curves), self._tried(view)
        point = self._start.point(number)
        if point is not None and canonical(point) not in tried:
            return point
        rng = np.random.default_rng([self._seed, number, 3])
        for _ in range(MAX_DRAWS):
            point = self._space.point_at(rng.random(len(self._space.dimensions)).tolist())
            if canonical(point) not in tried:
                return point
        return draw_untried(self._space, tried, rng)

    def _tried(self, view: SearchView) -> Set[str]:
        """Return the points of all trials, each as the text of `canonical`."""
        if len(view.curves) < self._num_tried:
            self._num_tried, self._texts = 0, set()
        self._texts.update(canonical(curve.point) for curve in view.curves[self._num_tried :])
        self._num_tried = len(view.curves)
        return self._texts

    def _model(self, view: SearchView) -> CurveModel:
        overview = self._overview
        overview.update(view.curves)
        if self._latest is None or self._latest[0] != overview.version:
            trials = overview.shortlist()
            self._latest = overview.version, CurveModel(trials, self._maximize, self._knowledge, self._former)
        return self._latest[1]

    def _paused(self, view: SearchView, model: CurveModel, best: float) -> list[Interest]:
        curves = [c for c in model.curves if c.phase is Phase.PAUSED and can_continue(c, view)]
        if not curves:
            return []
        first = [first_epoch(curve) for curve in curves]
        reached = [within_budget(done, curve.max_epochs, view) for done, curve in zip(first, curves, strict=True)]
        mean, deviation = model.of_trials(curves, reached)
        epochs = np.array(reached, dtype=np.float64) - first
        if view.counts_seconds:
            seconds, build = self._seconds(view), BuildSeconds(latest_timed(view.curves))
            rows = self._knowledge.rows(curves)
            epochs *= [seconds.of_trial(curve, row) for curve, row in zip(curves, rows, strict=True)]
            epochs += [0.0 if curve.number in view.live else build.of_trial(curve) for curve in curves]
        values = expected_improvement(mean, deviation, best) / epochs**COST_POWER
        return [Interest(float(value), curve) for value, curve in zip(values, curves, strict=True)]

    def _untried(self, view: SearchView, model: CurveModel, best: float, ending: bool) -> Interest | None:
        """Return the most interesting untried point; None if all points were tried.

        Args:
            view: All trials and the budget.
            model: What is known of the curves.
            best: Value to improve on.
            ending: Whether only points count of which the budget allows the whole training.
        """
        pool = self._candidates.around(len(view.curves), model.best_points)
        if ending and not (pool := pool.up_to(view.epochs_left or 0)).points:
            return None
        reached = [within_budget(0, epochs, view) for epochs in pool.max_epochs]
        mean, deviation = model.of_untried(pool.rows, reached, pool.max_epochs)
        cost: Array = np.array(reached, dtype=np.float64)
        if view.counts_seconds:
            cost = cost * self._seconds(view).of_rows(pool.rows) + BuildSeconds(latest_timed(view.curves)).of_new
        known = best if math.isfinite(best) else float(mean.min())  # the first trial after former ones: the best mean
        values = expected_improvement(mean, deviation, known) / cost**COST_POWER
        tried = self._tried(view)
        is_random = bool(view.curves) and len(view.curves) % RANDOM_EVERY == 0 and not ending
        if is_random and (point := self._random_point(view)) is not None:
            return Interest(float(values.max()), point=point)
        for index in np.argsort(-values, kind="stable").tolist():
            if canonical(pool.points[index]) not in tried:
                return Interest(float(values[index]), point=pool.points[index])
        point = None if ending else self._random_point(view)
        return None if point is None else Interest(float(values.min()), point=point)

    def _seconds(self, view: SearchView) -> EpochSeconds:
        timed = latest_timed(view.curves)
        return EpochSeconds(timed, self._knowledge.rows(timed), self._encoder.is_category)

    def _is_over(self, view: SearchView, model: CurveModel, paused: Sequence[Interest]) -> bool:
        """Return whether a budget of trials alone is used up and no paused trial is likely to beat the best."""
        if view.may_start or view.epochs_left is not None or view.counts_seconds or not paused:
            return False
        curves = [one.curve for one in paused if one.curve is not None]
        mean, deviation = model.of_trials(curves, [curve.max_epochs for curve in curves])
        return bool(chance_of_more(mean, deviation, model.best_target).max() <= MIN_CHANCE)

    def _job(self, chosen: Interest, view: SearchView) -> Job:
        """Return the job that doubles the number of epochs of a trial, within the budget."""
        if chosen.curve is None:
            assert chosen.point is not None
            return Start(Proposal(chosen.point), 1)
        curve = chosen.curve
        until = min(2 * curve.epochs, curve.max_epochs)
        return Continue(curve.number, within_budget(first_epoch(curve), until, view))


def _most(interests: Sequence[Interest], live: frozenset[int]) -> Interest:
    """Return the largest interest, or one nearly as large of a trial with a live model; ties go to the first."""
    most = max(interests, key=lambda one: one.value)
    near = [one for one in interests if one.value >= (1 - NEAR_TIE) * most.value]
    alive = [one for one in near if one.curve is not None and one.curve.number in live]
    return max(alive, key=lambda one: one.value) if alive else most
