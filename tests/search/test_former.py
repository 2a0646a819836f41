"""Searches that know trials of former sweeps, decision by decision."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import optuna
import pytest
from fakes import LINE

from mnistsweep.dimensions import Choice, Float, Int
from mnistsweep.search.former import FormerTrial, former_curves, representative
from mnistsweep.search.oracle_factory import make_oracle
from mnistsweep.search.scheduler import Continue, Curve, Job, Phase, SearchView, Start
from mnistsweep.search.scheduler_factory import make_scheduler
from mnistsweep.space import Point, SearchSpace

EPOCHS = 8
BEST = 0.7


def former(x: float, epochs: int = EPOCHS, **more: object) -> FormerTrial:
    """A trial that ends the better the nearer it is to `BEST`."""
    values = {epoch: 1 - 0.02 - 0.5 * (x - BEST) ** 2 - 0.3 / epoch for epoch in range(1, epochs + 1)}
    return FormerTrial({"x": x}, values, **more)  # type: ignore[arg-type]


GRID = [former(0.05 + 0.1 * index) for index in range(10)]


def decide(oracle: str, trials: Sequence[FormerTrial], curves: Sequence[Curve] = (), seed: int = 0) -> Job | None:
    scheduler = make_scheduler(
        {"name": oracle}, LINE, seed, None, epochs_of=lambda _: EPOCHS, can_pause=lambda: True, former=trials
    )
    view = SearchView(tuple(curves), epochs_left=100)
    scheduler.prepare(view)
    return scheduler.next_job(view, None)  # type: ignore[arg-type]


def own(number: int, x: float, value: float, epochs: int = 1) -> Curve:
    return Curve(number, {"x": x}, Phase.PAUSED, EPOCHS, dict.fromkeys(range(1, epochs + 1), value), epochs)


def test_a_trial_is_the_same_after_it_was_written_as_json() -> None:
    trial = FormerTrial({"x": 0.1, "y": None}, {1: math.inf, 2: 0.25}, 0.25, {"seconds<=5": -0.5})
    assert FormerTrial.from_json(json.loads(json.dumps(trial.to_json()))) == trial
    diverged = FormerTrial.from_json(json.loads(json.dumps(FormerTrial({"x": 1}, {1: math.nan}).to_json())))
    assert math.isnan(diverged.values[1])


def test_curves_have_negative_numbers_and_those_of_infeasible_trials_are_the_worst() -> None:
    trials = [FormerTrial({"x": 0.1}, {}, 0.5), former(0.2, 2), former(0.3, 1, violations={"seconds<=5": 0.2})]
    first, second = former_curves(trials, lambda _: EPOCHS)
    assert (first.number, first.point, first.phase, first.max_epochs) == (-1, {"x": 0.2}, Phase.ENDED, EPOCHS)
    assert first.values == trials[1].values
    assert second.number == -2
    assert math.isnan(second.values[1])


def test_of_many_curves_the_best_half_and_others_of_all_ranks_are_kept() -> None:
    curves = former_curves([former(0.5, 1)] * 100, lambda _: EPOCHS)
    kept = [-curve.number - 1 for curve in representative(curves, 10)]
    assert kept == [0, 1, 2, 3, 4, 5, 24, 43, 62, 81]
    assert representative(curves, 100) == curves


def test_freeze_thaw_starts_where_the_former_trials_were_best() -> None:
    cold, warm = decide("freeze_thaw", []), decide("freeze_thaw", GRID)
    assert isinstance(cold, Start)
    assert isinstance(warm, Start)
    assert abs(warm.proposal.point["x"] - BEST) <= 0.05 < abs(cold.proposal.point["x"] - BEST)
    assert warm.until == 1
    assert decide("freeze_thaw", GRID) == warm


def test_freeze_thaw_continues_only_trials_of_this_search() -> None:
    """The former ones are better than all of them, and cannot be continued."""
    for count in range(1, 5):
        job = decide("freeze_thaw", GRID, [own(number, 0.1 * number, 0.4) for number in range(count)])
        assert not isinstance(job, Continue) or 0 <= job.number < count


def test_few_former_trials_replace_as_many_random_starts() -> None:
    curves = [own(number, 0.1 * number, 0.4) for number in range(4)]
    random = decide("freeze_thaw", [], curves)
    assert isinstance(random, Start)
    assert decide("freeze_thaw", GRID[:3], curves) == random
    assert decide("freeze_thaw", GRID[:4], curves) != random


def test_a_search_that_knows_only_diverged_trials_begins_at_random_points() -> None:
    diverged = [FormerTrial({"x": 0.1 * index}, {1: math.nan}) for index in range(10)]
    assert decide("freeze_thaw", diverged) == decide("freeze_thaw", [])


def test_asha_promotes_a_trial_only_if_it_is_in_the_better_half_of_all() -> None:
    good = [FormerTrial({"x": 0.1 * index}, {1: 0.9, 2: 0.95}) for index in range(3)]
    one = [own(0, 0.5, 0.8)]
    assert isinstance(decide("asha", good, one), Start)
    assert decide("asha", good, [own(0, 0.5, 0.99)]) == Continue(0, 2)
    assert decide("asha", [FormerTrial({"x": 0.1}, {1: 0.1})], one) == Continue(0, 2)


def test_asha_ends_with_its_own_best_trial_whatever_the_former_ones_were() -> None:
    good = [FormerTrial({"x": 0.1}, {1: 0.9, 2: 0.95})] * 3
    scheduler = make_scheduler({"name": "asha"}, LINE, 0, None, can_pause=lambda: True, former=good)
    view = SearchView((own(0, 0.5, 0.3), own(1, 0.6, 0.4)), may_start=False)
    assert scheduler.next_job(view, None) == Continue(1, 2)  # type: ignore[arg-type]


MIXED = SearchSpace((Float("x", 0.01, 1.0, log=True), Int("n", 1, 9), Choice("c", ("a", "b")), Choice("m", (8, 16))))
NEAR: Point = {"x": 0.1, "n": 7, "c": "b", "m": 16}


def samples() -> list[FormerTrial]:
    """Completed trials near `NEAR` that are good, and others that are bad."""
    units = [((i * 0.618) % 1, (i * 0.382) % 1, (i % 2) / 2, (i % 4) / 4) for i in range(40)]
    points = [MIXED.point_at(row) for row in units]
    good: list[Point] = [{**NEAR, "x": 0.1 * (1 + 0.05 * i), "n": 6 + i % 3} for i in range(6)]
    return [
        *(FormerTrial(p, {}, 0.2) for p in points),
        *(FormerTrial(p, {}, 0.9 + 0.01 * i) for i, p in enumerate(good)),
    ]


@pytest.mark.parametrize("oracle", ["tpe", "auto", "cmaes"])
def test_a_sampler_proposes_points_near_the_best_former_ones(oracle: str) -> None:
    study = optuna.create_study(direction="maximize")

    def proposed(trials: Sequence[FormerTrial]) -> list[Point]:
        found = [make_oracle({"name": oracle}, MIXED, seed, None, (), trials).propose(0, study) for seed in range(8)]
        return [one.point for one in found if one is not None]

    def distance(points: Sequence[Point]) -> float:
        return sum(abs(math.log10(float(p["x"])) + 1) + abs(int(p["n"]) - 7) / 8 for p in points) / len(points)  # type: ignore[arg-type]

    warm = proposed(samples())
    assert distance(warm) < 0.6 * distance(proposed([]))
    assert warm == proposed(samples())


def test_former_results_count_as_the_first_results_of_a_sampler() -> None:
    study = optuna.create_study(direction="maximize")

    def first(count: int) -> Point:
        found = make_oracle({"name": "tpe"}, MIXED, 3, None, (), samples()[:count]).propose(0, study)
        assert found is not None
        return found.point

    assert first(9) == first(0) != first(10)
