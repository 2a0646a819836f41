"""The search space: points, order, conditions, size and grid."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import FINITE, KEYS, UNIT, WORDS, spaces

from mnistsweep.dimensions import Choice, Condition, Float, Int, is_active
from mnistsweep.errors import SpaceError
from mnistsweep.space import SearchSpace, canonical


@given(spaces(), st.lists(UNIT, min_size=4, max_size=4))
def test_a_point_has_a_value_within_bounds_for_exactly_the_dimensions_that_exist(
    space: SearchSpace, units: list[float]
) -> None:
    point = space.point_at(units[: len(space.dimensions)])
    for dimension in space.dimensions:
        assert (dimension.key in point) == is_active(dimension, point)
        if dimension.key in point:
            assert dimension.contains(point[dimension.key])


@given(spaces(FINITE))
def test_the_grid_has_every_point_once_and_the_size_is_their_number(space: SearchSpace) -> None:
    points = list(space.grid())
    assert space.size() == len(points) == len({canonical(point) for point in points})
    for point in points:
        assert set(point) == {d.key for d in space.dimensions if is_active(d, point)}
        assert all(space[key].contains(value) for key, value in point.items())


def test_the_last_dimension_of_a_grid_varies_fastest() -> None:
    space = SearchSpace((Choice("a", ("x", "y")), Int("b", 1, 2)))
    assert [tuple(point.values()) for point in space.grid()] == [("x", 1), ("x", 2), ("y", 1), ("y", 2)]


def test_the_size_of_a_large_space_is_none_and_takes_no_time() -> None:
    assert SearchSpace((Int("a", 0, 10**12),)).size() is None
    assert SearchSpace((Float("a", 0, 1), Int("b", 1, 2))).size() is None
    assert SearchSpace((Float("a", 0.5, 0.5), Int("b", 1, 2))).size() == 2
    twenty = [Choice(f"k{index}", ("a", "b")) for index in range(40)]
    assert SearchSpace(tuple(twenty)).size() is None
    child = Int("child", 1, 3, conditions=(Condition("k0", ("a",)),))
    assert SearchSpace((*twenty[:17], child)).size() == 2**16 * 3 + 2**16


@given(spaces())
def test_a_space_survives_json(space: SearchSpace) -> None:
    assert SearchSpace.from_json(json.loads(json.dumps(space.to_json()))) == space


@given(spaces())
def test_a_dimension_stands_after_its_parents(space: SearchSpace) -> None:
    for index, dimension in enumerate(space.dimensions):
        assert {condition.key for condition in dimension.conditions} <= set(space.keys[:index])


@given(st.dictionaries(KEYS, st.one_of(st.integers(), st.floats(allow_nan=False), WORDS, st.booleans())))
def test_the_canonical_text_of_a_point_ignores_order_and_number_type(point: dict[str, Any]) -> None:
    backwards = dict(reversed(point.items()))
    assert canonical(backwards) == canonical(point)
    as_float = {
        key: float(value) if type(value) is int and abs(value) < 2**53 else value for key, value in point.items()
    }
    assert canonical(as_float) == canonical(point)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Choice("x", ()), "x: a choice needs at least one value"),
        (lambda: Choice("x", (1, 2, 1)), "x: a choice lists each value once, received 1 more than once"),
        (lambda: Choice("x", (1, 1.0)), "received 1 more than once"),
        (lambda: Choice("x", ("a", "a")), "received a more than once"),
        (lambda: Choice("x", (math.nan, 1)), "x: NaN cannot be a value of a choice"),
        (
            lambda: Int("x", 5, 1),
            r"x: the first bound of an interval is the smaller one, received 5 > 1; write interval\(1, 5\)",
        ),
        (lambda: Float("x", 0, math.inf), "x: the bounds of an interval are finite numbers, received 0 and inf"),
        (lambda: Float("x", math.nan, 1), "received nan and 1"),
        (lambda: Float("x", 0, 1, log=True), "x: a logarithmic interval starts above zero, received 0"),
        (lambda: SearchSpace((Int("x", 1, 2), Int("x", 1, 3))), "x: a dimension is declared once, received 2"),
        (
            lambda: SearchSpace((Int("x", 1, 2, conditions=(Condition("y", (1,)),)),)),
            "x: its condition names 'y', which is not swept",
        ),
        (
            lambda: SearchSpace(
                (Int("x", 1, 2, conditions=(Condition("y", (1,)),)), Int("y", 1, 2, conditions=(Condition("x", (1,)),)))
            ),
            "x: its conditions form a cycle",
        ),
    ],
)
def test_an_invalid_space_is_refused_with_its_reason(make: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        make()


def test_an_unknown_key_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        SearchSpace((Int("x", 1, 2),))["nothing"]
