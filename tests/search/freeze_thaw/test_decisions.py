"""Decisions of freeze-thaw search on curves with a known answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from fakes import LINE

from mnistsweep.dimensions import Choice
from mnistsweep.search.freeze_thaw import FreezeThaw
from mnistsweep.search.freeze_thaw.ending import is_ending
from mnistsweep.search.freeze_thaw.scheduler import NUM_RANDOM_STARTS, RANDOM_EVERY
from mnistsweep.search.scheduler import Continue, Curve, Job, Phase, SearchView, Start
from mnistsweep.search.sequences import PointSequence
from mnistsweep.space import SearchSpace, canonical

EPOCHS = 16


def make(space: SearchSpace = LINE, maximize: bool = True, epochs: int = EPOCHS) -> FreezeThaw:
    return FreezeThaw(PointSequence(space, "random", 0), maximize, lambda point: epochs, 0)


def decide(curves: Sequence[Curve], scheduler: FreezeThaw | None = None, **view: object) -> Job | None:
    return (scheduler or make()).next_job(SearchView(tuple(curves), **view), None)  # type: ignore[arg-type]


def curve(number: int, x: float, epochs: int, final: float, speed: float = 0.3, **more: object) -> Curve:
    """A trial that has trained some epochs; its accuracy comes close to the final one after `speed` epochs."""
    values = {epoch: 1 - (final + (0.9 - final) * (1 + epoch / speed) ** -1.5) for epoch in range(1, epochs + 1)}
    phase = Phase.PAUSED if epochs < EPOCHS else Phase.ENDED
    found = Curve(number, {"x": x}, phase, EPOCHS, values, epochs)
    return replace(found, **more)  # type: ignore[arg-type]


def spread(count: int, epochs: int = 1, **more: object) -> list[Curve]:
    """Trials over the line; the best place is 0.7."""
    places = [(0.5 + number * 0.618) % 1 for number in range(count)]
    return [curve(n, x, epochs, 0.02 + 0.5 * (x - 0.7) ** 2, **more) for n, x in enumerate(places)]


def test_the_first_trials_are_random_points_of_one_epoch_whatever_they_report() -> None:
    start = PointSequence(LINE, "random", 0)
    for count in range(NUM_RANDOM_STARTS):
        job = decide(spread(count))
        assert isinstance(job, Start)
        assert (job.proposal.point, job.until) == (start.point(count), 1)


def test_it_waits_for_nothing_while_all_first_trials_run() -> None:
    running = [replace(one, values={}, phase=Phase.RUNNING, until=1) for one in spread(12)]
    job = decide(running)
    assert isinstance(job, Start)
    assert canonical(job.proposal.point) not in {canonical(one.point) for one in running}


def test_it_continues_one_of_the_best_and_doubles_its_epochs() -> None:
    curves = spread(10)
    job = decide(curves, may_start=False)
    assert isinstance(job, Continue)
    assert abs(curves[job.number].point["x"] - 0.7) < 0.15
    assert job.until == 2
    four = [replace(one, values=curve(one.number, one.point["x"], 4, 0.05).values) for one in curves]
    assert decide(four, may_start=False) == Continue(job.number, 8) or isinstance(
        decide(four, may_start=False), Continue
    )


def test_new_trials_are_near_the_best_ones_when_the_space_is_known() -> None:
    curves = [curve(one.number, one.point["x"], EPOCHS, 0.02 + 0.5 * (one.point["x"] - 0.7) ** 2) for one in spread(13)]
    job = decide(curves)
    assert isinstance(job, Start)
    assert abs(job.proposal.point["x"] - 0.7) < 0.15


def test_one_in_some_new_trials_is_at_a_random_point() -> None:
    """Otherwise a search might stay in the part of the space where its first good points were."""
    start = PointSequence(LINE, "random", 0)
    for count in range(13, 13 + RANDOM_EVERY):
        job = decide([replace(one, phase=Phase.ENDED) for one in spread(count, EPOCHS)])
        assert isinstance(job, Start)
        assert (job.proposal.point == start.point(count)) == (count % RANDOM_EVERY == 0)


def test_a_loss_is_minimized() -> None:
    curves = [replace(one, values={epoch: 2 - value for epoch, value in one.values.items()}) for one in spread(10)]
    job = decide(curves, make(maximize=False), may_start=False)
    assert isinstance(job, Continue)
    assert abs(curves[job.number].point["x"] - 0.7) < 0.15


def test_a_late_bloomer_is_continued_before_a_trial_that_is_ahead_of_it() -> None:
    """Trials on the right are slow, and end better, which the trials that have ended show."""
    ended = [curve(n, 0.05 + 0.1 * n, EPOCHS, 0.10, speed=0.1) for n in range(4)]
    ended += [curve(4 + n, 0.6 + 0.1 * n, EPOCHS, 0.01, speed=1.5) for n in range(4)]
    fast, slow = curve(8, 0.22, 1, 0.10, speed=0.1), curve(9, 0.78, 1, 0.006, speed=1.5)
    assert fast.values[1] > slow.values[1]
    assert decide([*ended, fast, slow], may_start=False) == Continue(9, 2)


def test_diverged_trials_are_not_continued_and_their_places_are_avoided() -> None:
    curves = [
        curve(n, x, 1, 0.05) if x < 0.5 else replace(curve(n, x, 1, 0.05), values={1: math.nan})
        for n, x in enumerate((0.5 + n * 0.618) % 1 for n in range(14))
    ]
    job = decide(curves, may_start=False)
    assert isinstance(job, Continue)
    assert curves[job.number].point["x"] < 0.5
    failed = [replace(one, values={}, phase=Phase.FAILED) if one.point["x"] >= 0.5 else one for one in curves]
    for found in (decide(curves), decide(failed)):
        assert isinstance(found, Continue) or found.proposal.point["x"] < 0.55  # type: ignore[union-attr]


def test_jobs_that_run_are_taken_into_account() -> None:
    """Three workers that ask one after the other get different places, and different trials."""
    curves = spread(10)
    jobs = []
    for _ in range(3):
        job = decide(curves, may_start=False)
        assert isinstance(job, Continue)
        jobs.append(job.number)
        curves[job.number] = replace(curves[job.number], phase=Phase.RUNNING, until=job.until)
    assert len(set(jobs)) == 3
    points = []
    for _ in range(3):
        found = decide([*(replace(one, phase=Phase.ENDED) for one in spread(10)), *points])
        assert isinstance(found, Start)
        points.append(Curve(10 + len(points), found.proposal.point, Phase.RUNNING, EPOCHS, {}, 1))
    places = sorted(one.point["x"] for one in points)
    assert len(set(places)) == 3


def test_the_end_of_the_budget_goes_to_what_can_be_finished() -> None:
    """With two epochs left, a good trial that needs two is better than a promising one that needs fifteen."""
    curves = [*spread(8), curve(8, 0.66, 14, 0.02), curve(9, 0.71, 1, 0.019)]
    assert decide(curves, epochs_left=2) == Continue(8, 16)
    job = decide(curves, epochs_left=1)
    assert isinstance(job, Start) or job == Continue(8, 15) or (isinstance(job, Continue) and job.until == 2)


def ended_and(*paused: Curve) -> list[Curve]:
    """Thirteen trials that have ended, the best at 0.7, and then others."""
    places = [one.point["x"] for one in spread(13)]
    return [*(curve(n, x, EPOCHS, 0.02 + 0.5 * (x - 0.7) ** 2) for n, x in enumerate(places)), *paused]


def test_no_trial_is_started_when_the_budget_is_just_enough_to_finish_a_good_one() -> None:
    curves = ended_and(curve(13, 0.69, 1, 0.02))
    for left, kind in ((None, Start), (40, Start), (16, Start), (15, Continue)):
        assert isinstance(decide(curves, epochs_left=left), kind), left


def test_trials_are_started_until_the_end_if_no_paused_one_may_beat_the_best() -> None:
    assert isinstance(decide(ended_and(curve(13, 0.1, 8, 0.4)), epochs_left=8), Start)


def test_the_end_is_at_most_a_third_of_the_budget() -> None:
    curves = ended_and(curve(13, 0.69, 1, 0.02))
    scheduler, view = make(), SearchView(tuple(curves), epochs_left=15)
    model = scheduler._model(view)
    assert is_ending(view, model, curves[-1:], spent=30)
    assert not is_ending(view, model, curves[-1:], spent=29)


def test_a_training_that_fits_into_the_rest_of_the_budget_is_started_at_its_end() -> None:
    space = SearchSpace((Choice("trainer.epochs", (2, 16)), *LINE.dimensions))
    lengths = FreezeThaw(PointSequence(space, "random", 0), True, lambda point: int(point["trainer.epochs"]), 0)
    curves = [replace(one, point=one.point | {"trainer.epochs": 16}) for one in ended_and(curve(13, 0.69, 1, 0.001))]
    short = replace(curve(14, 0.69, 2, 0.0005), point={"x": 0.69, "trainer.epochs": 2}, phase=Phase.ENDED, max_epochs=2)
    job = decide([*curves, short], lengths, epochs_left=10)
    assert isinstance(job, Continue) or job.proposal.point["trainer.epochs"] == 2  # type: ignore[union-attr]


def test_a_live_model_is_preferred_where_the_difference_is_small() -> None:
    curves = [curve(n, n / 10, EPOCHS, 0.1) for n in range(8)] + [curve(8, 0.5, 1, 0.05), curve(9, 0.5, 1, 0.0501)]
    chosen = decide(curves, may_start=False)
    assert isinstance(chosen, Continue)
    other = 17 - chosen.number
    assert decide(curves, may_start=False, live=frozenset({other})) == Continue(other, 2)
    assert decide(curves, may_start=False, live=frozenset({0})) == chosen


def test_seconds_count_only_if_the_budget_is_a_time() -> None:
    """Two trials of equal promise, of which the one with the lower number takes fifty times as long."""
    curves = [curve(n, n / 8, EPOCHS, 0.1, seconds=16.0) for n in range(8)]
    curves += [curve(8, 0.40, 1, 0.05, seconds=50.0), curve(9, 0.40, 1, 0.0501, seconds=1.0)]
    expensive = decide(curves, may_start=False)
    untimed = decide([replace(one, seconds=0.0) for one in curves], may_start=False)
    assert expensive == untimed == Continue(8, 2)
    assert decide(curves, may_start=False, counts_seconds=True) == Continue(9, 2)


def test_building_a_model_is_a_part_of_the_time_unless_it_is_live() -> None:
    """Two trials of nearly equal promise; the epochs are short, and building a model takes as long as all of them."""
    curves = [curve(n, n / 8, EPOCHS, 0.1, seconds=32.0, build_seconds=16.0, builds=1) for n in range(8)]
    curves += [curve(8, 0.40, 1, 0.05, seconds=17.0, build_seconds=16.0, builds=1)]
    curves += [curve(9, 0.40, 1, 0.051, seconds=17.0, build_seconds=16.0, builds=1)]
    assert decide(curves, may_start=False, counts_seconds=True) == Continue(8, 2)
    assert decide(curves, may_start=False, counts_seconds=True, live=frozenset({9})) == Continue(9, 2)
    slow = [replace(one, seconds=one.seconds + 15, build_seconds=31.0) if one.number == 8 else one for one in curves]
    assert decide(slow, may_start=False, counts_seconds=True) == Continue(9, 2)
    assert decide(slow, may_start=False) == Continue(8, 2)


def test_new_trials_are_cheap_ones_if_the_budget_is_a_time() -> None:
    """The objective is the same everywhere; configurations on the left take a hundred times as long."""
    curves = [
        curve(n, x, EPOCHS, 0.05, seconds=1600.0 if x < 0.5 else 16.0)
        for n, x in enumerate((0.5 + n * 0.618) % 1 for n in range(10))
    ]
    job = decide(curves, counts_seconds=True)
    assert isinstance(job, Start)
    assert job.proposal.point["x"] > 0.4


def test_the_search_ends_when_no_paused_trial_is_likely_to_beat_the_best() -> None:
    curves = [curve(n, n / 10, EPOCHS, 0.02) for n in range(6)] + [curve(6 + n, 0.6 + n / 20, 8, 0.4) for n in range(6)]
    scheduler = make()
    assert decide(curves, scheduler, may_start=False) is None
    assert scheduler.no_job_reason == "no paused trial has a chance of more than 10 % of beating the best"
    assert isinstance(decide(curves, scheduler, may_start=False, epochs_left=5), Continue)
    assert isinstance(decide([*curves, curve(12, 0.5, 4, 0.001)], scheduler, may_start=False), Continue)


def test_a_choice_of_one_number_of_epochs_is_progress() -> None:
    """Trials of 4 epochs are finished at epoch 4, those of 16 are not: with a schedule they are not comparable."""
    space = SearchSpace((Choice("trainer.epochs", (4, 16)),))
    short = Curve(0, {"trainer.epochs": 4}, Phase.ENDED, 4, {1: 0.5, 2: 0.7, 4: 0.95}, 4)
    long = Curve(1, {"trainer.epochs": 16}, Phase.PAUSED, 16, {1: 0.5, 2: 0.6, 4: 0.7}, 4)
    assert decide([short, long], make(space)) == Continue(1, 8)


def test_the_checkpoints_to_keep_are_those_of_the_next_trials() -> None:
    curves = spread(10)
    order = make().order_of_interest(SearchView(tuple(curves), may_start=False), "max")
    assert sorted(order) == list(range(10))
    near, far = (sorted(curves, key=lambda one: sign * abs(one.point["x"] - 0.7))[0].number for sign in (1, -1))
    assert order.index(near) > 6
    assert order.index(far) < 3


@pytest.mark.parametrize("count", [0, 3])
def test_without_values_the_order_is_that_of_the_numbers(count: int) -> None:
    curves = [replace(one, values={}) for one in spread(count)]
    assert make().order_of_interest(SearchView(tuple(curves)), "max") == list(range(count))
