"""Points that a decision compares."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LINE, MIXED, SMALL

from mnistsweep.dimensions import is_active
from mnistsweep.search.freeze_thaw.candidates import MAX_CACHED, NUM_RANDOM, NUM_VARIATIONS, Candidates
from mnistsweep.search.freeze_thaw.encoding import Encoder
from mnistsweep.space import Point, SearchSpace, canonical


def make(space: SearchSpace, seed: int = 0, counted: list[Point] | None = None) -> Candidates:
    def max_epochs(point: Point) -> int:
        if counted is not None:
            counted.append(point)
        return int(point.get("trainer.epochs", 7))

    return Candidates(space, Encoder(space), max_epochs, seed)


def some_points(count: int) -> list[Point]:
    rng = np.random.default_rng(5)
    return [MIXED.point_at(rng.random(len(MIXED.dimensions)).tolist()) for _ in range(count)]


def test_random_points_and_variations_are_points_of_the_space() -> None:
    pool = make(MIXED).around(10, some_points(3))
    assert len(pool.points) == NUM_RANDOM + 3 * NUM_VARIATIONS
    for point in pool.points:
        assert list(point) == [d.key for d in MIXED.dimensions if is_active(d, point)]
        assert all(MIXED[key].contains(value) for key, value in point.items())
    assert pool.rows.tolist() == Encoder(MIXED).rows(pool.points).tolist()
    assert pool.max_epochs == [point["trainer.epochs"] for point in pool.points]


def test_variations_are_near_the_point_that_they_vary_and_differ_from_it() -> None:
    best = {"x": 0.3}
    places = [point["x"] for point in make(LINE).around(0, [best]).points[NUM_RANDOM:]]
    assert np.median(np.abs(np.array(places) - 0.3)) < 0.15
    assert sum(place != 0.3 for place in places) > NUM_VARIATIONS / 5
    for best in some_points(4):
        varied = make(MIXED).around(0, [best]).points[NUM_RANDOM:]
        same = np.mean([[point.get(key) == value for key, value in best.items()] for point in varied])
        assert 0.4 < same < 0.95


def test_a_small_space_is_listed() -> None:
    pool = make(SMALL).around(3, list(SMALL.grid())[:2])
    assert sorted(map(canonical, pool.points)) == sorted(map(canonical, SMALL.grid()))


@pytest.mark.parametrize("number", [0, 40])
def test_points_do_not_depend_on_earlier_calls(number: int) -> None:
    kept, best = make(MIXED), some_points(3)
    for other in range(0, 200, 5):
        kept.around(other, best)
    assert kept.around(number, best).points == make(MIXED).around(number, best).points
    assert kept.around(number, best).points != make(MIXED, seed=1).around(number, best).points
    assert kept.around(number, best).points != kept.around(number + 64, best).points


def test_points_are_drawn_once_for_many_trials() -> None:
    counted: list[Point] = []
    candidates = make(MIXED, counted=counted)
    for number in range(8):
        candidates.around(number, some_points(3))
    assert len(counted) == NUM_RANDOM + 3 * NUM_VARIATIONS
    for number in range(0, 64 * MAX_CACHED, 64):
        candidates.around(number, [])
    assert len(candidates._drawn) <= MAX_CACHED
