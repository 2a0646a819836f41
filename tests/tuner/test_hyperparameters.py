"""The search space as KerasTuner's, there and back."""

from __future__ import annotations

import json
import re
from typing import Any

import keras_tuner
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from operations import operations

from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.errors import SpaceError
from mnistsweep.space import SearchSpace
from mnistsweep.tuner.hyperparameters import to_dimension, to_hyperparameters, to_point

SPACE = SearchSpace(
    (
        Choice("optimizer", ("adam", "sgd")),
        Float("optimizer.momentum", 0.0, 0.9, conditions=(Condition("optimizer", ("sgd",)),)),
        Float("optimizer.learning_rate", 1e-4, 1e-1, log=True),
        Int("model.dense_layers", 0, 3),
        Int("model.layer_size", 8, 512, log=True, conditions=(Condition("model.dense_layers", (1, 2, 3)),)),
        Choice("data.stratify", (False, True)),
        Choice("data.train_limit", (None, 100, 200)),
        Choice("model.filters", ([4, 8], [16])),
        Choice("model.mixed", (0, "auto", None, True, 2.5)),
        Choice("model.rate", (0, 0.5)),
        Int("model.deep", 1, 2, conditions=(Condition("model.mixed", ("auto", None)),)),
    )
)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=len(SPACE.keys), max_size=len(SPACE.keys)))
def test_every_point_comes_back_as_it_was(units: list[float]) -> None:
    point = SPACE.point_at(units)
    hp = to_hyperparameters(SPACE, point)
    hp = keras_tuner.HyperParameters.from_config(json.loads(json.dumps(hp.get_config())))  # as KerasTuner keeps it
    back = to_point(SPACE, hp.values)
    assert back == point
    assert [type(value) for value in back.values()] == [type(value) for value in point.values()]
    active = {entry.name for entry in hp.space if hp.is_active(entry)}
    assert active == set(point), "KerasTuner sees the same dimensions as active"


@given(st.integers(0, 2**31 - 1))
def test_what_kerastuner_draws_is_a_point_of_the_space(seed: int) -> None:
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("score", "max"), hyperparameters=to_hyperparameters(SPACE), seed=seed or 1
    )
    point = to_point(SPACE, oracle._random_values())
    for dimension in SPACE.dimensions:
        active = all(condition.holds(point) for condition in dimension.conditions)
        assert (dimension.key in point) == active
        assert not active or dimension.contains(point[dimension.key])


def test_dimensions_are_declared_as_what_they_are() -> None:
    declared = {entry.name: entry for entry in to_hyperparameters(SPACE).space}
    assert list(declared) == list(SPACE.keys)
    assert declared["optimizer.learning_rate"].sampling == "log"
    assert (declared["model.layer_size"].min_value, declared["model.layer_size"].max_value) == (8, 512)
    assert declared["model.rate"].values == [0.0, 0.5]
    assert declared["data.train_limit"].values == ["null", "100", "200"]
    assert declared["model.deep"].conditions[0].values == ['"auto"', "null"]


@pytest.mark.parametrize(
    ("key", "raw", "expected"),
    [
        ("data.stratify", 1, True),
        ("model.dense_layers", np.int64(2), 2),
        ("optimizer.learning_rate", np.float64(0.01), 0.01),
        ("model.filters", "[16]", [16]),
        ("model.rate", 0.0, 0),
    ],
)
def test_values_are_of_pythons_own_types(key: str, raw: Any, expected: Any) -> None:
    value = to_point(SPACE, {key: raw})[key]
    assert value == expected
    assert type(value) is type(expected)


def test_what_is_inactive_or_of_no_dimension_is_left_out() -> None:
    values = {"optimizer": "adam", "optimizer.momentum": 0.5, "tuner/epochs": 3}
    assert to_point(SPACE, values) == {"optimizer": "adam"}


@pytest.mark.parametrize(
    ("declare", "received"),
    [
        (lambda hp: hp.Float("x", 0.0, 1.0, step=1e-9), "0.0 to 1.0 with the step 1e-09"),
        (lambda hp: hp.Float("x", 1e-200, 1e200, step=1.000001, sampling="log"), "1e-200 to 1e+200 with the step"),
        (lambda hp: hp.Int("x", 1, 10**12, step=2), "1 to 1000000000000 with the step 2"),
    ],
)
def test_a_step_that_reaches_too_many_values_is_refused(declare: Any, received: str) -> None:
    hp = keras_tuner.HyperParameters()
    declare(hp)
    with pytest.raises(SpaceError, match="at most 10,000 values; received " + re.escape(received)):
        to_dimension(hp.space[0])


def test_a_logarithmic_step_over_all_decades() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 1e-200, 1e200, step=1e50, sampling="log")
    dimension = to_dimension(hp.space[0])
    assert isinstance(dimension, Choice)
    assert dimension.values == pytest.approx([10.0**power for power in range(-200, 201, 50)])


def test_the_work_for_a_choice_grows_with_its_values() -> None:
    small, large = (operations(lambda n=n: to_hyperparameters(listed(n), {"x": 3})) for n in (100, 400))
    assert large < 6 * small
    small, large = (operations(lambda n=n: to_point(listed(n), {"x": 3.0})) for n in (100, 400))
    assert large < 6 * small


def listed(count: int) -> SearchSpace:
    return SearchSpace((Choice("x", (0.5, *range(1, count))),))
