"""Every scheduler satisfies the same contract, in a simulation of workers that train made-up curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes import MIXED, SMALL
from synthetic_curves import Simulation, Task

from mnistsweep.search.asha import Asha
from mnistsweep.search.freeze_thaw import FreezeThaw
from mnistsweep.search.scheduler import Continue, Curve, Phase, Scheduler, SearchView, Start
from mnistsweep.search.sequences import PointSequence, SequenceOracle
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.space import Point, SearchSpace, canonical

MAX_EPOCHS = 6

Make = Callable[..., Scheduler]


def make_asha(space: SearchSpace, seed: int = 0, enqueued: Any = (), epochs: Any = lambda point: MAX_EPOCHS) -> Asha:
    return Asha(SequenceOracle(PointSequence(space, "random", seed, enqueued)), maximize=True)


def make_freeze_thaw(
    space: SearchSpace, seed: int = 0, enqueued: Any = (), epochs: Any = lambda point: MAX_EPOCHS
) -> FreezeThaw:
    return FreezeThaw(PointSequence(space, "random", seed, enqueued), True, epochs, seed)


def make_whole(space: SearchSpace, seed: int = 0, enqueued: Any = (), epochs: Any = None) -> WholeTrials:
    return WholeTrials(SequenceOracle(PointSequence(space, "random", seed, enqueued)))


EACH_SCHEDULER = pytest.mark.parametrize("make", [make_whole, make_asha, make_freeze_thaw])
EACH_PAUSING = pytest.mark.parametrize("make", [make_asha, make_freeze_thaw])


def score(point: Mapping[str, Any]) -> tuple[float, float]:
    """A final error and a speed that differ from point to point."""
    number = np.random.default_rng(list(canonical(dict(point)).encode())).random()
    return 0.02 + 0.3 * float(number), 0.1 + float(number)


def task(space: SearchSpace, seed: int = 0) -> Task:
    return Task(space, MAX_EPOCHS, score, seed)


@EACH_SCHEDULER
class TestEveryScheduler:
    @pytest.mark.parametrize("workers", [1, 5])
    def test_a_budget_of_trials_is_used_by_valid_jobs_and_ends(self, make: Make, workers: int) -> None:
        """The simulation asserts that only paused trials are continued, and beyond what they have."""
        simulation = Simulation(task(MIXED), make(MIXED), workers=workers, trials=14)
        jobs = simulation.run()
        assert len(simulation.curves) == 14
        assert sum(isinstance(job, Start) for job in jobs) == 14
        assert any(curve.phase is Phase.ENDED for curve in simulation.curves)
        assert simulation.scheduler.no_job_reason

    def test_each_point_of_a_finite_space_is_tried_once(self, make: Make) -> None:
        simulation = Simulation(task(SMALL), make(SMALL), workers=2)
        simulation.run()
        assert sorted(canonical(c.point) for c in simulation.curves) == sorted(map(canonical, SMALL.grid()))

    def test_a_space_of_one_point_is_trained_to_its_end(self, make: Make) -> None:
        one = SearchSpace(tuple(replace(d, values=d.values[:1]) for d in SMALL.dimensions[:2]))  # type: ignore[type-var,union-attr,arg-type]
        simulation = Simulation(task(one), make(one))
        simulation.run()
        assert [(c.phase, c.epochs) for c in simulation.curves] == [(Phase.ENDED, MAX_EPOCHS)]

    def test_enqueued_points_come_first(self, make: Make) -> None:
        whole = {"optimizer": "sgd", "size": 64, "layers": 2}
        simulation = Simulation(task(SMALL), make(SMALL, enqueued=[whole, {"size": 128}]), workers=2)
        simulation.run()
        assert simulation.curves[0].point == whole
        assert simulation.curves[1].point["size"] == 128

    def test_a_fresh_scheduler_decides_the_same_from_the_same_view(self, make: Make) -> None:
        kept = Simulation(task(MIXED), make(MIXED), workers=2, trials=14)
        for _ in range(30):
            view = kept.view()
            done = len(kept.jobs)
            fresh = make(MIXED).next_job(view, None)  # type: ignore[arg-type]
            assert fresh == kept.scheduler.next_job(view, None)  # type: ignore[arg-type]
            kept.run(done + 1)

    def test_other_seeds_try_other_points(self, make: Make) -> None:
        first, second = (Simulation(task(MIXED), make(MIXED, seed=seed), trials=3) for seed in (0, 1))
        first.run()
        second.run()
        assert [c.point for c in first.curves] != [c.point for c in second.curves]

    def test_the_search_goes_on_if_all_values_are_nan(self, make: Make) -> None:
        nothing = Diverging(SMALL, MAX_EPOCHS, score, bad=math.nan, good=())
        simulation = Simulation(nothing, make(SMALL), trials=5)
        simulation.run()
        assert len(simulation.curves) == 5


@EACH_PAUSING
class TestEveryPausingScheduler:
    @pytest.mark.parametrize("workers", [1, 5])
    def test_a_budget_of_epochs_is_granted_to_the_last_one(self, make: Make, workers: int) -> None:
        simulation = Simulation(task(MIXED), make(MIXED), workers=workers, epochs=53)
        simulation.run()
        assert simulation.granted == simulation.spent == 53

    @pytest.mark.parametrize("epochs", [1, 2, 3])
    def test_a_budget_smaller_than_one_training_trains_that_much(self, make: Make, epochs: int) -> None:
        simulation = Simulation(task(MIXED), make(MIXED), epochs=epochs)
        simulation.run()
        assert simulation.spent == epochs

    def test_no_job_for_a_budget_of_no_epoch(self, make: Make) -> None:
        assert make(MIXED).next_job(SearchView((), epochs_left=0), None) is None  # type: ignore[arg-type]

    @pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0])
    def test_a_search_goes_on_if_most_trainings_diverge(self, make: Make, bad: float) -> None:
        simulation = Simulation(Diverging(MIXED, MAX_EPOCHS, score, bad=bad), make(MIXED), workers=2, epochs=60)
        simulation.run()
        assert simulation.spent == 60
        best = max(simulation.curves, key=lambda c: c.values[c.epochs] if math.isfinite(c.values[c.epochs]) else -1.0)
        assert best.epochs == MAX_EPOCHS
        assert best.point["optimizer"] == "adam"
        if not math.isfinite(bad):
            assert all(c.epochs <= 2 for c in simulation.curves if c.point["optimizer"] != "adam")

    @pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.ENDED, Phase.FAILED])
    def test_only_paused_trials_are_continued(self, make: Make, phase: Phase) -> None:
        curves = some_curves(10)
        best = max(curves, key=lambda curve: curve.values[1])
        curves[best.number] = replace(best, phase=phase, until=2)
        view = SearchView(tuple(curves), may_start=False, epochs_left=100)  # without a limit the search might end here
        job = make(MIXED).next_job(view, None)  # type: ignore[arg-type]
        assert isinstance(job, Continue)
        assert job.number != best.number

    def test_a_trial_without_checkpoint_is_continued_from_scratch_if_the_budget_allows(self, make: Make) -> None:
        curves = [replace(curve, has_checkpoint=False) for curve in some_curves(10)]
        scheduler = make(MIXED)
        view = SearchView(tuple(curves), may_start=False, epochs_left=5)
        job = scheduler.next_job(view, None)  # type: ignore[arg-type]
        assert isinstance(job, Continue)
        assert 1 < job.until <= 5
        view = replace(view, epochs_left=1)
        assert scheduler.next_job(view, None) is None  # type: ignore[arg-type]

    def test_trials_may_have_different_numbers_of_epochs(self, make: Make) -> None:
        simulation = Simulation(Varying(MIXED, MAX_EPOCHS, score), make(MIXED, epochs=epochs_of), workers=2, epochs=60)
        simulation.run()
        assert simulation.spent == 60
        assert all(c.epochs <= c.max_epochs == c.point["trainer.epochs"] for c in simulation.curves)
        assert any(c.phase is Phase.ENDED for c in simulation.curves)

    def test_the_order_of_interest_lists_each_paused_trial_and_the_next_one_last(self, make: Make) -> None:
        curves = some_curves(12)
        curves[3] = replace(curves[3], phase=Phase.FAILED)
        view = SearchView(tuple(curves), may_start=False)
        scheduler = make(MIXED)
        order = scheduler.order_of_interest(view, "max")
        assert sorted(order) == [number for number in range(12) if number != 3]
        job = scheduler.next_job(view, None)  # type: ignore[arg-type]
        assert isinstance(job, Continue)
        assert order[-1] == job.number


def epochs_of(point: Point) -> int:
    return int(point["trainer.epochs"])


class Varying(Task):
    """Trainings with the number of epochs of their points."""

    def epochs_of(self, point: Point) -> int:
        return epochs_of(point)


class Diverging(Task):
    """Only trainings with some optimizers report ordinary values."""

    def __init__(self, *arguments: Any, bad: float, good: tuple[str, ...] = ("adam",)) -> None:
        super().__init__(*arguments)
        self._bad, self._good = bad, good

    def measured(self, point: Point) -> np.ndarray[Any, Any]:
        values = super().measured(point)
        return values if point["optimizer"] in self._good else np.full_like(values, self._bad)


def some_curves(count: int) -> list[Curve]:
    """Trials that have trained one epoch."""
    rng = np.random.default_rng(0)
    points = [MIXED.point_at(rng.random(len(MIXED.dimensions)).tolist()) for _ in range(count)]
    values = np.linspace(0.5, 0.9, count)[rng.permutation(count)]
    return [
        Curve(number, points[number], Phase.PAUSED, MAX_EPOCHS, {1: float(values[number])}, until=1)
        for number in range(count)
    ]
