"""Values as JSON and as cells: what is written is read back with its type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_values import VALUES, is_same

from mnistsweep.dimensions import Choice
from mnistsweep.json_values import distinct_texts, exact_text, from_json, sorted_text, to_json
from mnistsweep.study.results_table import CellForm


@given(VALUES)
def test_a_value_is_the_same_after_json(value: Any) -> None:
    assert is_same(from_json(json.loads(json.dumps(to_json(value)))), value)


@pytest.mark.parametrize("value", [{0: 1.0, 1: 2.0}, {"a": {1: "x", "b": None}}, {"__pairs__": 3}, {True: 1, None: 2}])
def test_keys_that_are_no_texts_are_kept(value: Any) -> None:
    assert is_same(from_json(json.loads(json.dumps(to_json(value)))), value)


def test_texts_differ_where_values_differ() -> None:
    values = [
        1,
        1.5,
        "1",
        True,
        "true",
        None,
        "null",
        [1],
        ["1"],
        "[1]",
        {"a": 1},
        {0: 1},
        {"0": 1},
        "",
        " ",
        "\n",
        "a\r",
    ]
    assert len(set(map(exact_text, values))) == len(values)
    assert len(set(distinct_texts(tuple(values)))) == len(values)


def test_equal_mappings_have_one_text() -> None:
    assert exact_text({1: "x", 0: "y"}) == exact_text({0: "y", 1: "x"})


def test_keys_of_several_types_are_sorted() -> None:
    assert sorted_text({"b": 1, 0: 2, None: 3}) == '{"0": 2, "b": 1, "null": 3}'


@given(st.lists(VALUES, min_size=1, max_size=4, unique_by=exact_text))
def test_every_value_is_read_back_from_its_cell(values: list[Any]) -> None:
    form = CellForm(_choice(values))
    for value in values:
        cell = form.write(value)
        assert cell
        assert is_same(form.read(cell), value)


def _choice(values: list[Any]) -> Choice:
    choice = Choice("x", (1,))
    object.__setattr__(choice, "values", tuple(values))  # NaN, and equal numbers of two types, are refused elsewhere
    return choice
