"""Advice on ranges that end where the best trials are."""

import math
from dataclasses import replace

import numpy as np
import pytest
from evidence import make_evidence, search_of

from mnistsweep.dimensions import Choice, Float, Int
from mnistsweep.html_report.figures.axes import make_axis
from mnistsweep.html_report.range_advice import range_advice
from mnistsweep.html_report.sections import history, landscape
from mnistsweep.intervals import MAX_WHOLE
from mnistsweep.space import SearchSpace


def extend(end: str, tenth: str, bounds: str) -> str:
    return f"Extend the range of x to {end}: all 3 best trials are in the {tenth} tenth of the range, {bounds}."


def add(value: str, which: str, last: str) -> str:
    return f"Add {value} to the values of x: all 3 best trials have the {which} value, {last}."


@pytest.mark.parametrize(
    ("dimension", "sign", "wanted"),
    [
        (Float("x", 1e-4, 1e-1, log=True), 1, extend("1", "upper", "0.0001 to 0.1")),
        (Float("x", 1e-4, 1e-1, log=True), -1, extend("1e-05", "lower", "0.0001 to 0.1")),
        (Float("x", 0.0, 0.6), 1, extend("0.8", "upper", "0 to 0.6")),
        (Float("x", 0.0, 0.6), -1, None),
        (Int("x", 10, 40), 1, extend("50", "upper", "10 to 40")),
        (Choice("x", (16, 32, 64, 128)), 1, add("256", "largest", "128")),
        (Choice("x", (16, 32, 64, 128)), -1, add("8", "smallest", "16")),
        (Choice("x", (1, 2, 3)), 1, add("4", "largest", "3")),
        (Choice("x", (1, 2, 3)), -1, None),
        (Choice("x", (0.0, 0.1, 0.2, 0.3)), 1, add("0.4", "largest", "0.3")),
        (Choice("x", ("a", "b", "c")), 1, None),
        (Choice("x", (1, 2)), 1, None),
    ],
)  # fmt: skip
def test_advice_at_the_end_of_a_range(dimension, sign, wanted):
    space = SearchSpace((dimension,))
    points = [space.point_at([unit]) for unit in np.linspace(0, 0.999, 30)]
    scale = make_axis(space, "x")

    advice = range_advice(search_of(space, points, sign * scale.positions(points)).scored)

    assert advice == ([] if wanted is None else [wanted])


def test_no_advice_from_the_middle_of_a_range_or_from_few_trials():
    space = SearchSpace((Float("x", 0.1, 1.0),))
    points = [space.point_at([unit]) for unit in np.linspace(0, 0.999, 30)]

    assert range_advice(search_of(space, points, [-abs(p["x"] - 0.5) for p in points]).scored) == []
    assert range_advice(search_of(space, points[:9], [p["x"] for p in points[:9]]).scored) == []


EXTREME = (
    Float("x", 1e-200, 1e200, log=True),
    Float("x", 5e-324, 1.7976931348623157e308, log=True),
    Float("x", -1e308, 1e308),
    Float("x", 0.0, 1e-310),
    Float("x", 1e16, 1e16 + 4),
    Int("x", -MAX_WHOLE, MAX_WHOLE),
    Choice("x", (1, MAX_WHOLE)),
    Choice("x", (1e-300, 1e300, math.inf)),
    Choice("x", (-1e308, 0.0, 1e308)),
    Choice("x", tuple(range(2000))),
    Choice("x", tuple(f"v{index}" for index in range(2000))),
)


@pytest.mark.parametrize("dimension", EXTREME, ids=str)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_sections_about_the_search_hold_for_extreme_ranges(dimension, sign):
    space = SearchSpace((dimension, Choice("y", tuple(range(1000, 3000))), Float("z", 0.0, 1.0)))
    units = np.random.default_rng(0).random((20, 3)).tolist()
    found = search_of(space, [space.point_at(unit) for unit in units], [sign * unit[0] for unit in units])

    scale = make_axis(space, "x")
    places = scale.positions(found.scored.points)
    assert np.isfinite([*places, *scale.ticks]).all()
    assert places.min() >= scale.low
    assert places.max() <= scale.high
    evidence = replace(make_evidence(), search=found)
    assert landscape.section(evidence) is not None
    assert history.section(evidence) is not None
    for sentence in range_advice(found.scored):
        assert "inf" not in sentence
        assert "nan" not in sentence


def test_advice_beyond_all_decades():
    space = SearchSpace((Float("x", 1e-200, 1e200, log=True),))
    points = [space.point_at([unit]) for unit in np.linspace(0, 0.999, 30)]
    advice = range_advice(search_of(space, points, range(30)).scored)
    assert advice == []  # a third further would be beyond the largest number
