"""Ranges at the limits of floating-point numbers: every oracle stays inside them and covers them."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import optuna
import pytest
from fakes import make_search, open_study, run
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mnistsweep.dimensions import Float, Int
from mnistsweep.intervals import MAX_WHOLE, unit_at
from mnistsweep.paths import SweepPaths
from mnistsweep.search.distributions import searched
from mnistsweep.search.importance import importances
from mnistsweep.search.sequences import PointSequence
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.space import Point, SearchSpace

SMALLEST, LARGEST = 5e-324, 1.7976931348623157e308

EXTREME = {
    "400 decades": Float("x", 1e-200, 1e200, log=True),
    "all numbers": Float("x", SMALLEST, LARGEST, log=True),
    "subnormal, logarithmic": Float("x", SMALLEST, 1e-310, log=True),
    "subnormal": Float("x", 0.0, 1e-310),
    "difference overflows": Float("x", -1e308, 1e308),
    "square overflows": Float("x", 0.0, LARGEST),
    "nine numbers": Float("x", 1e16, 1e16 + 16),
    "whole numbers": Int("x", -MAX_WHOLE, MAX_WHOLE),
    "whole numbers, logarithmic": Int("x", 1, MAX_WHOLE, log=True),
}
NO_TORCH = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="oracle=gp needs PyTorch")
ORACLES = ["random", "quasi_random", "auto", "tpe", "cmaes", pytest.param("gp", marks=[NO_TORCH, pytest.mark.slow])]


@st.composite
def intervals(draw: st.DrawFn) -> Float:
    """Any interval of floating-point numbers."""
    log = draw(st.booleans())
    number = st.floats(SMALLEST if log else -LARGEST, LARGEST)
    low, high = sorted((draw(number), draw(number)))
    return Float("x", low, high, log)


@given(intervals(), st.floats(0, 1))
def test_a_position_gives_a_number_of_the_interval_and_back(dimension: Float, unit: float) -> None:
    value = dimension.value_at(unit)
    assert dimension.contains(value)
    assume(dimension.low < dimension.high)
    low, high, log = dimension.low, dimension.high, dimension.log
    back = unit_at(low, high, log, value)
    assert 0 <= back <= 1
    span = math.log(high) - math.log(low) if log else high / 2 - low / 2
    size = max(abs(math.log(low)), abs(math.log(high)), 1) if log else max(abs(low), abs(high))
    assume(low > 1e-300 if log else span > 1e-290)  # subnormal numbers have few digits
    if span > 1e-3 * size:
        assert back == pytest.approx(unit, abs=1e-9)


@given(intervals())
def test_positions_in_ascending_order_give_numbers_in_ascending_order(dimension: Float) -> None:
    values = [dimension.value_at(step / 64) for step in range(65)]
    assert values == sorted(values)
    assert values[0] == pytest.approx(dimension.low, rel=1e-12)


@settings(max_examples=25)
@given(intervals(), st.sampled_from(["random", "quasi_random"]), st.integers(0, 2**32 - 1))
def test_a_sequence_is_a_function_of_seed_and_number(dimension: Float, kind: str, seed: int) -> None:
    space = SearchSpace((dimension,))
    points = [PointSequence(space, kind, seed).point(number) for number in range(8)]
    again = PointSequence(space, kind, seed)
    assert points == [again.point(number) for number in range(8)]
    found = [point["x"] for point in points if point is not None]
    assert all(map(dimension.contains, found))
    assert len(set(found)) == len(found)


def position(dimension: Float | Int, value: float) -> float:
    return unit_at(dimension.low, dimension.high, dimension.log, value)


def table(folder: Path, space: SearchSpace, oracle: str, seed: int = 0, trials: int = 16) -> list[Point]:
    search = make_search(space, oracle, trials=trials, seed=seed)
    assert isinstance(search.scheduler, WholeTrials)
    search.scheduler.oracle._startup_results = 6  # type: ignore[attr-defined]
    with open_study(SweepPaths(folder), search) as study:
        return [claim.point for claim in run(study, lambda point: position(space["x"], point["x"]))]


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("name", EXTREME)
def test_every_oracle_covers_an_extreme_range(name: str, oracle: str, tmp_path: Path) -> None:
    space = SearchSpace((EXTREME[name],))
    dimension = space["x"]
    points = table(tmp_path / "one", space, oracle)

    assert all(dimension.contains(point["x"]) for point in points)
    if name == "nine numbers":
        assert len(points) == len({point["x"] for point in points}) <= 9
        return
    assert len(points) == 16
    places = [position(dimension, point["x"]) for point in points]
    assert min(places[:6]) < 0.35
    assert max(places[:6]) > 0.65
    assert len({point["x"] for point in points}) == 16
    assert table(tmp_path / "again", space, oracle, trials=12) == points[:12]
    assert table(tmp_path / "other seed", space, oracle, seed=1, trials=7) != points[:7]


@pytest.mark.parametrize("oracle", ["tpe", "cmaes", pytest.param("gp", marks=[NO_TORCH, pytest.mark.slow])])
@pytest.mark.parametrize("name", ["400 decades", "difference overflows", "whole numbers"])
def test_an_oracle_learns_in_an_extreme_range_as_in_an_ordinary_one(name: str, oracle: str, tmp_path: Path) -> None:
    def places(dimension: Float | Int) -> list[float]:
        points = table(tmp_path / str(dimension.high), SearchSpace((dimension,)), oracle, trials=20)
        return [position(dimension, point["x"]) for point in points]  # this is also the objective

    assert places(EXTREME[name]) == pytest.approx(places(Float("x", 0.0, 1.0)), abs=1e-3)


@pytest.mark.parametrize("name", [name for name in EXTREME if name != "nine numbers"])
def test_the_importance_in_an_extreme_range_is_that_in_an_ordinary_one(name: str) -> None:
    units = np.random.default_rng(0).random((40, 2)).tolist()

    def found(dimension: Float | Int) -> list[float]:
        space = SearchSpace((dimension, Float("y", 0.0, 1.0)))
        shares = importances(space, [space.point_at(pair) for pair in units], [-abs(unit - 0.9) for unit, _ in units])
        return [round(one.mean, 3) for one in shares.dimensions]

    assert found(EXTREME[name]) == pytest.approx(found(Float("x", 0.0, 1.0)), abs=0.05)


def test_ordinary_ranges_are_searched_as_they_are() -> None:
    for dimension in (Float("x", 1e-6, 10.0, log=True), Float("x", -5.0, 5.0), Float("x", 0.999, 1.0)):
        distribution = searched(dimension).distribution
        assert isinstance(distribution, optuna.distributions.FloatDistribution)
        assert (distribution.low, distribution.high) == (dimension.low, dimension.high)


def test_minus_zero_is_zero() -> None:
    assert json.dumps([Float("x", -0.0, -0.0).low, Float("x", -1.0, -0.0).value_at(1.0)]) == "[0.0, 0.0]"
