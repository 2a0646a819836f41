"""Advice on ranges that end where the best trials are."""

import numpy as np
import pytest
from evidence import search_of

from mnistsweep.dimensions import Choice, Float, Int
from mnistsweep.html_report.figures.axes import make_axis
from mnistsweep.html_report.range_advice import range_advice
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
