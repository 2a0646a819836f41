"""Keys that go together: one dimension for an oracle, a column for each key in a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistsweep.dimensions import Choice, Condition, Float, Zip
from mnistsweep.errors import SpaceError
from mnistsweep.hparams_table import HParam, hparams_of
from mnistsweep.space import SearchSpace

WIDTHS = Zip(("model.filters", "model.kernel_size"), ((32, 3), (16, 5), (64, 3)))
SPACE = SearchSpace((WIDTHS, Choice("optimizer", ("adam", "sgd"))))


def test_a_grid_has_the_combinations_in_the_order_given_and_counts_them_once() -> None:
    assert SPACE.size() == 6
    assert [tuple(point.values()) for point in SPACE.grid()] == [
        *((32, 3, "adam"), (32, 3, "sgd"), (16, 5, "adam")),
        *((16, 5, "sgd"), (64, 3, "adam"), (64, 3, "sgd")),
    ]
    assert SPACE.keys == ("model.filters", "model.kernel_size", "optimizer")


def test_tables_have_a_column_for_each_key() -> None:
    assert SPACE.columns == (
        Choice("model.filters", (16, 32, 64)),
        Choice("model.kernel_size", (3, 5)),
        Choice("optimizer", ("adam", "sgd")),
    )
    assert SPACE["model.kernel_size"] == Choice("model.kernel_size", (3, 5))
    assert hparams_of(SPACE)[:2] == [
        HParam("model.filters", choices=(16, 32, 64)),
        HParam("model.kernel_size", choices=(3, 5)),
    ]


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_each_position_is_a_combination(one: float, other: float) -> None:
    point = SPACE.point_at([one, other])
    assert WIDTHS.value_in(point) in WIDTHS.values
    assert WIDTHS.values[WIDTHS.position(WIDTHS.value_in(point))] == WIDTHS.value_in(point)


def test_conditions_name_keys_of_a_zip() -> None:
    zipped = Zip(("optimizer", "trainer.epochs"), (("adam", 5), ("sgd", 9), ("rmsprop", 9)))
    momentum = Choice("optimizer.momentum", (0.5, 0.9), conditions=(Condition("optimizer", ("sgd",)),))
    space = SearchSpace((momentum, zipped))
    assert space.size() == 4 == len(list(space.grid()))
    assert [point.get("optimizer.momentum") for point in space.grid()] == [None, 0.5, 0.9, None]
    late = SearchSpace((zipped, Choice("x", (1, 2), conditions=(Condition("trainer.epochs", (9,)),))))
    assert late.size() == 5 == len(list(late.grid()))


def test_a_zip_is_as_a_whole_active_or_not() -> None:
    inner = Zip(("a", "b"), ((1, 2), (3, 4)), (Condition("optimizer", ("sgd",)),))
    space = SearchSpace((Choice("optimizer", ("adam", "sgd")), inner))
    assert list(space.grid()) == [
        {"optimizer": "adam"},
        *({"optimizer": "sgd"} | inner.entries(r) for r in inner.values),
    ]
    assert space["b"].conditions == inner.conditions


def test_points_with_certain_values() -> None:
    found = list(SPACE.product({"model.filters": [64, 16], "model.kernel_size": [3], "optimizer": ["sgd"]}))
    assert found == [{"model.filters": 64, "model.kernel_size": 3, "optimizer": "sgd"}]


def test_a_space_with_a_zip_is_read_back() -> None:
    odd = Zip(("a", "b"), (([8, 16], None), ([16], "1"), ([8], True)), (Condition("optimizer", ("sgd",)),))
    space = SearchSpace((*SPACE.dimensions, odd, Float("x", 0, 1)))
    assert SearchSpace.from_json(space.to_json()) == space


@pytest.mark.parametrize(
    ("keys", "values", "message"),
    [
        (("a", "b"), ((1, 2), (3, 4), (1.0, 2)), "zip: each combination is listed once; received a=1, b=2 more"),
        (("a", "b"), ((1, float("nan")),), "b: NaN cannot be a value of a zip"),
        (("a",), ((1,),), "a: a zip has two keys or more"),
        (("a", "b"), ((1,),), "a,b: a zip has two keys or more"),
    ],
)
def test_what_is_no_zip(keys: tuple[str, ...], values: tuple[tuple[object, ...], ...], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        Zip(keys, values)


def test_a_key_is_declared_once() -> None:
    with pytest.raises(SpaceError, match="optimizer: a dimension is declared once"):
        SearchSpace((Choice("optimizer", ("adam",)), Zip(("optimizer", "b"), (("adam", 1),))))
