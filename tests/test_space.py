"""The search space: bounds, order, conditions, and the grid."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistsweep.config.overrides import parse_override
from mnistsweep.dimensions import Choice, Condition, Dimension, Float, Int, is_active
from mnistsweep.errors import SpaceError
from mnistsweep.space import SearchSpace, canonical

UNIT = st.floats(0, 1, exclude_max=True)
KEYS = st.sampled_from("abcdefgh")


def numbers(low: float, high: float) -> st.SearchStrategy[tuple[float, float]]:
    return st.tuples(st.floats(low, high), st.floats(low, high)).map(lambda pair: (min(pair), max(pair)))


def integers(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda pair: (min(pair), max(pair)))


def choices(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Choice]:
    listed = st.lists(values, min_size=1, max_size=4, unique_by=lambda value: canonical({"": value}))
    return listed.map(lambda found: Choice("x", tuple(found)))


WORDS = st.sampled_from(["adam", "sgd", "rms_prop", "l2", "x-y"])
CHOICES = st.one_of(choices(WORDS), choices(st.integers(-9, 999)), choices(st.floats(-5, 5)), choices(st.booleans()))
FINITE = st.one_of(CHOICES, integers(-3, 5).map(lambda pair: Int("x", *pair)))
DIMENSIONS = st.one_of(
    FINITE,
    integers(1, 10**6).map(lambda pair: Int("x", *pair, log=True)),
    numbers(-1e6, 1e6).map(lambda pair: Float("x", *pair)),
    numbers(1e-9, 1e9).map(lambda pair: Float("x", *pair, log=True)),
)


@st.composite
def spaces(draw: st.DrawFn, kinds: st.SearchStrategy[Dimension] = DIMENSIONS) -> SearchSpace:
    """Up to four dimensions, some of which exist only at some values of an earlier choice."""
    dimensions: list[Dimension] = []
    for key in draw(st.lists(KEYS, min_size=1, max_size=4, unique=True)):
        dimension = draw(kinds)
        parents = [earlier for earlier in dimensions if isinstance(earlier, Choice)]
        conditions: tuple[Condition, ...] = ()
        if parents and draw(st.booleans()):
            parent = draw(st.sampled_from(parents))
            allowed = draw(st.lists(st.sampled_from(parent.values), min_size=1, max_size=2))
            conditions = (Condition(parent.key, tuple(allowed)),)
        record = {**vars(dimension), "key": key, "conditions": conditions}
        dimensions.append(type(dimension)(**record))
    return SearchSpace(tuple(draw(st.permutations(dimensions))))


@given(spaces(), st.lists(UNIT, min_size=4, max_size=4))
def test_a_point_has_a_value_within_bounds_for_exactly_the_dimensions_that_exist(
    space: SearchSpace, units: list[float]
) -> None:
    point = space.point_at(units[: len(space.dimensions)])
    for dimension in space.dimensions:
        assert (dimension.key in point) == is_active(dimension, point)
        if dimension.key in point:
            assert dimension.contains(point[dimension.key])


@given(DIMENSIONS, UNIT)
def test_a_value_has_the_type_of_its_dimension(dimension: Dimension, unit: float) -> None:
    value = dimension.value_at(unit)
    if isinstance(dimension, Choice):
        assert any(value is known for known in dimension.values)
    else:
        assert type(value) is (int if isinstance(dimension, Int) else float)


@given(DIMENSIONS)
def test_both_ends_are_reached(dimension: Dimension) -> None:
    first, last = dimension.value_at(0.0), dimension.value_at(math.nextafter(1, 0))
    low, high = (
        (dimension.values[0], dimension.values[-1])
        if isinstance(dimension, Choice)
        else (dimension.low, dimension.high)
    )
    assert first == low
    near = pytest.approx(high, abs=1e-9 * (high - low)) if isinstance(dimension, Float) else high
    assert last == near


@pytest.mark.parametrize("dimension", [Int("x", 1, 5), Choice("x", (1, 2, 3, 4, 5)), Int("x", -2, 2)])
def test_each_value_has_the_same_share(dimension: Dimension) -> None:
    counts = Counter(dimension.value_at((step + 0.5) / 1000) for step in range(1000))
    assert set(counts.values()) == {200}


def test_a_logarithmic_dimension_gives_each_decade_the_same_share() -> None:
    rate = Float("x", 1e-4, 1e-1, log=True)
    assert [rate.value_at(unit) for unit in (0, 1 / 3, 2 / 3)] == pytest.approx([1e-4, 1e-3, 1e-2])
    size = Int("x", 1, 1000, log=True)
    counts = Counter(len(str(size.value_at((step + 0.5) / 3000))) for step in range(3000))
    assert all(700 < counts[digits] < 1300 for digits in (1, 2, 3))


@given(spaces(FINITE))
def test_the_grid_has_every_point_once_and_the_size_says_how_many(space: SearchSpace) -> None:
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


def test_the_grid_of_an_interval_names_the_ways_out() -> None:
    with pytest.raises(SpaceError, match=r"x: a grid needs listed values.*choice\(0, 0.6\) or range\(0, 0.6, STEP\)"):
        list(SearchSpace((Float("x", 0.0, 0.6),)).grid())


@given(spaces())
def test_a_space_survives_json(space: SearchSpace) -> None:
    assert SearchSpace.from_json(json.loads(json.dumps(space.to_json()))) == space


@given(DIMENSIONS)
def test_a_description_is_what_one_would_type(dimension: Dimension) -> None:
    read = parse_override(f"x={dimension.describe()}").dimension
    assert read == dimension


@given(spaces())
def test_a_dimension_stands_behind_those_it_depends_on(space: SearchSpace) -> None:
    for index, dimension in enumerate(space.dimensions):
        assert {condition.key for condition in dimension.conditions} <= set(space.keys[:index])


@given(st.dictionaries(KEYS, st.one_of(st.integers(), st.floats(allow_nan=False), WORDS, st.booleans())))
def test_a_points_canonical_text_knows_no_order_and_no_int_or_float(point: dict[str, Any]) -> None:
    backwards = dict(reversed(point.items()))
    assert canonical(backwards) == canonical(point)
    as_float = {
        key: float(value) if type(value) is int and abs(value) < 2**53 else value for key, value in point.items()
    }
    assert canonical(as_float) == canonical(point)


def test_values_that_python_takes_for_equal_are_told_apart() -> None:
    assert len({canonical({"x": value}) for value in (1, True, "1", None, [1], 2**53, 2**53 + 1)}) == 7
    choice = Choice("x", (True, 1))
    assert not Choice("x", (1, 2)).contains(True)
    assert [choice.position(value) for value in (True, 1, 1.0)] == [0, 1, 1]
    assert not Condition("x", (1,)).holds({"x": True})


def test_numbers_of_a_choice_are_put_in_order_and_names_are_not() -> None:
    assert Choice("x", (256, 32, 64)).values == (32, 64, 256)
    assert Choice("x", (0.5, 0, 2)).values == (0, 0.5, 2)
    assert Choice("x", ("sgd", "adam")).values == ("sgd", "adam")
    assert Choice("x", (True, False)).values == (True, False)
    assert Choice("x", (3, "auto", 1)).values == (3, "auto", 1)


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
def test_an_impossible_space_is_refused_with_its_reason(make: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        make()


def test_an_unknown_key_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        SearchSpace((Int("x", 1, 2),))["nothing"]
