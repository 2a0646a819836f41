"""Dimensions: their values, bounds, order and descriptions."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from strategies import DIMENSIONS, UNIT

from mnistsweep.config.overrides import parse_override
from mnistsweep.dimensions import Choice, Condition, Dimension, Float, Int
from mnistsweep.errors import SpaceError
from mnistsweep.space import SearchSpace, canonical


def test_the_position_of_a_value_that_is_not_in_a_choice() -> None:
    choice = Choice("layers", (1, 2.0, "three"))
    assert [choice.position(value) for value in choice.values] == [0, 1, 2]
    with pytest.raises(SpaceError, match=r"layers: must be one of choice\(1, 2\.?0?, three\); received 4\."):
        choice.position(4)


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


def test_the_error_for_the_grid_of_an_interval_suggests_alternatives() -> None:
    with pytest.raises(SpaceError, match=r"x: a grid needs listed values.*choice\(0, 0.6\) or range\(0, 0.6, STEP\)"):
        list(SearchSpace((Float("x", 0.0, 0.6),)).grid())


@given(DIMENSIONS)
def test_a_description_is_a_valid_override(dimension: Dimension) -> None:
    read = parse_override(f"x={dimension.describe()}").dimension
    assert read == dimension


def test_true_and_one_are_different_values() -> None:
    assert len({canonical({"x": value}) for value in (1, True, "1", None, [1], 2**53, 2**53 + 1)}) == 7
    choice = Choice("x", (True, 1))
    assert not Choice("x", (1, 2)).contains(True)
    assert [choice.position(value) for value in (True, 1, 1.0)] == [0, 1, 1]
    assert not Condition("x", (1,)).holds({"x": True})


def test_numbers_of_a_choice_are_sorted_and_names_are_not() -> None:
    assert Choice("x", (256, 32, 64)).values == (32, 64, 256)
    assert Choice("x", (0.5, 0, 2)).values == (0, 0.5, 2)
    assert Choice("x", ("sgd", "adam")).values == ("sgd", "adam")
    assert Choice("x", (True, False)).values == (True, False)
    assert Choice("x", (3, "auto", 1)).values == (3, "auto", 1)
