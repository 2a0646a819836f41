"""Points as rows of numbers: positions, categories, and what is inactive."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import MIXED

from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.search.freeze_thaw.encoding import Encoder
from mnistsweep.space import SearchSpace
from mnistsweep.zips import Zip

SGD = (Condition("optimizer", ("sgd",)),)


@pytest.mark.parametrize(
    ("dimension", "value", "number"),
    [
        (Float("x", 2.0, 6.0), 3.0, 0.25),
        (Float("x", 1e-4, 1.0, log=True), 1e-3, 0.25),
        (Int("x", 0, 4), 3, 0.75),
        (Int("x", 1, 16, log=True), 4, 0.5),
        (Choice("x", (16, 32, 1024)), 32, 0.5),
        (Choice("x", ("a", "b", "c")), "c", 2.0),
        (Choice("x", (False, True)), True, 1.0),
        (Choice("x", ([8, 16], [16])), [16], 1.0),
    ],
)
def test_a_number_becomes_its_position_and_any_other_value_its_index(
    dimension: Choice | Int | Float, value: object, number: float
) -> None:
    encoder = Encoder(SearchSpace((dimension,)))
    assert encoder.rows([{"x": value}]).tolist() == [[pytest.approx(number)]]
    assert encoder.is_category.tolist() == [isinstance(dimension, Choice) and not dimension.is_ordered]


def test_an_inactive_number_has_one_position_and_says_that_it_is_inactive() -> None:
    space = SearchSpace((Choice("optimizer", ("adam", "sgd")), Float("momentum", 0.0, 1.0, conditions=SGD)))
    encoder = Encoder(space)
    rows = encoder.rows([{"optimizer": "adam"}, {"optimizer": "sgd", "momentum": 0.5}])
    assert rows.tolist() == [[0.0, 0.5, 0.0], [1.0, 0.5, 1.0]]
    assert encoder.is_category.tolist() == [True, False, True]
    assert encoder.names == ("optimizer", "momentum", "momentum")


def test_an_inactive_category_is_a_category_of_its_own() -> None:
    space = SearchSpace((Choice("optimizer", ("adam", "sgd")), Choice("nesterov", (True, False), conditions=SGD)))
    rows = Encoder(space).rows([{"optimizer": "adam"}, {"optimizer": "sgd", "nesterov": True}])
    assert rows.tolist() == [[0.0, -1.0], [1.0, 0.0]]


def test_a_zip_is_one_category() -> None:
    zipped = Zip(("a", "b"), ((1, 5), (1, 7), (2, 7)))
    encoder = Encoder(SearchSpace((zipped,)))
    assert encoder.rows([{"a": 2, "b": 7}, {"a": 1, "b": 5}]).tolist() == [[2.0], [0.0]]
    assert encoder.is_category.tolist() == [True]


def test_a_dimension_with_one_value_has_no_column() -> None:
    space = SearchSpace((Choice("a", (3,)), Float("b", 2.0, 2.0), Float("c", 0.0, 1.0)))
    encoder = Encoder(space)
    assert encoder.names == ("c",)
    assert encoder.rows([{"a": 3, "b": 2.0, "c": 0.5}]).tolist() == [[0.5]]
    assert Encoder(SearchSpace((Choice("a", (3,)),))).rows([{"a": 3}] * 4).shape == (4, 0)


def test_different_points_of_any_space_have_different_rows() -> None:
    units = np.random.default_rng(0).random((200, len(MIXED.dimensions)))
    points = [MIXED.point_at(row) for row in units.tolist()]
    rows = Encoder(MIXED).rows(points)
    assert np.isfinite(rows).all()
    assert len(np.unique(rows, axis=0)) == len(points)
