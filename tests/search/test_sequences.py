"""Grid, random and quasi-random points: functions of the seed and the number, without repetitions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from fakes import LINE, MIXED, SMALL
from hypothesis import given
from hypothesis import strategies as st

from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.search.sequences import PointSequence, draw_untried
from mnistsweep.space import SearchSpace, canonical

KINDS = ("random", "quasi_random")
FINITE_KINDS = (*KINDS, "grid", "shuffled_grid")


def points(sequence: PointSequence, count: int = 1000) -> list[dict[str, Any]]:
    return list(itertools.takewhile(lambda point: point is not None, map(sequence.point, range(count))))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", FINITE_KINDS)
def test_each_point_of_a_finite_space_comes_once(kind: str) -> None:
    found = points(PointSequence(SMALL, kind, seed=0))
    assert sorted(map(canonical, found)) == sorted(map(canonical, SMALL.grid()))
    assert len(found) == SMALL.size() == 7


@pytest.mark.parametrize("kind", KINDS)
@given(order=st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_a_point_does_not_depend_on_earlier_requests(kind: str, order: list[int]) -> None:
    expected = points(PointSequence(MIXED, kind, seed=3), 41)
    sequence = PointSequence(MIXED, kind, seed=3)
    assert [sequence.point(number) for number in order] == [expected[number] for number in order]


@pytest.mark.parametrize("kind", [*KINDS, "shuffled_grid"])
def test_zero_is_a_seed_and_another_seed_gives_another_order(kind: str) -> None:
    space = SMALL if kind == "shuffled_grid" else MIXED
    tables = [points(PointSequence(space, kind, seed), 7) for seed in (0, 0, 1)]
    assert tables[0] == tables[1] != tables[2]


def test_a_grid_is_in_order_whatever_the_seed() -> None:
    assert points(PointSequence(SMALL, "grid", seed=5)) == list(SMALL.grid())


@pytest.mark.parametrize("kind", KINDS)
def test_no_point_comes_twice_where_most_of_a_space_is_one_point(kind: str) -> None:
    child = Float("x", 0.0, 1.0, conditions=(Condition("mode", ("rare",)),))
    space = SearchSpace((Choice("mode", (*(f"common{i}" for i in range(9)), "rare")), child))
    found = points(PointSequence(space, kind, seed=0), 60)
    assert len(found) == len(set(map(canonical, found))) == 60


def test_a_space_with_very_unlikely_points_is_exhausted_too() -> None:
    deep = tuple(
        Choice(f"k{level}", (0, 1), conditions=() if level == 0 else (Condition(f"k{level - 1}", (1,)),))
        for level in range(14)
    )
    space = SearchSpace(deep)
    assert len(points(PointSequence(space, "random", seed=0))) == space.size() == 15


def test_quasi_random_points_fill_the_line_evenly() -> None:
    for seed in range(3):
        cells = sorted(int(64 * point["x"]) for point in points(PointSequence(LINE, "quasi_random", seed), 64))
        assert cells == list(range(64))


@pytest.mark.parametrize("kind", FINITE_KINDS)
def test_enqueued_points_come_first_and_are_not_tried_again(kind: str) -> None:
    given_first = [{"optimizer": "sgd", "size": 64, "layers": 2}, {"optimizer": "adam", "size": 128}]
    found = points(PointSequence(SMALL, kind, seed=0, enqueued=given_first))
    assert found[:2] == given_first
    assert len(found) == len(set(map(canonical, found))) == 7


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_enqueued_point_lacks_is_drawn_the_same_way_each_time(kind: str) -> None:
    first = [PointSequence(MIXED, kind, 4, [{"optimizer": "sgd"}, {"model.dropout": 0}]).point(n) for n in (0, 1)]
    again = [PointSequence(MIXED, kind, 4, [{"optimizer": "sgd"}, {"model.dropout": 0}]).point(n) for n in (0, 1)]
    assert first == again
    assert first[0] is not None
    assert first[1] is not None
    assert first[0]["optimizer"] == "sgd"
    assert set(first[0]) == set(MIXED.keys)
    assert first[1]["model.dropout"] == 0.0
    assert type(first[1]["model.dropout"]) is float
    others = PointSequence(MIXED, kind, 5, [{"optimizer": "sgd"}]).point(0)
    assert others != first[0]


def test_an_enqueued_point_that_is_given_twice_is_tried_once() -> None:
    twice = [{"optimizer": "adam", "size": 32}, {"size": 32, "optimizer": "adam"}, {"optimizer": "adam"}]
    found = points(PointSequence(SMALL, "random", 0, twice))
    assert len(found) == len(set(map(canonical, found))) == 7
    assert found[1]["optimizer"] == "adam"
    only = PointSequence(SearchSpace((Int("x", 1, 1),)), "random", 0, [{}, {}])
    assert only.num_enqueued == 1


def test_untried_points_are_those_that_are_left() -> None:
    seen = {canonical(point) for point in list(SMALL.grid())[:6]}
    (last,) = list(SMALL.grid())[6:]
    assert draw_untried(SMALL, seen, np.random.default_rng(0)) == last
    assert draw_untried(SMALL, {canonical(last), *seen}, np.random.default_rng(0)) is None
    assert draw_untried(LINE, set(), np.random.default_rng(0)) is None


def test_the_order_of_a_large_grid_is_that_of_the_listed_one() -> None:
    space = SearchSpace((Choice("a", ("x", "y", "z")), Int("b", 1, 4), Choice("c", (0.5, 2))))
    listed = list(space.grid())
    order = np.random.default_rng([7, 0]).permutation(len(listed))
    sequence = PointSequence(space, "shuffled_grid", seed=7)
    assert [sequence.point(number) for number in range(len(listed) + 1)] == [*(listed[index] for index in order), None]
