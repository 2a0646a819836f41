"""Advice on ranges that end where the best trials are."""

import numpy as np
import pytest
from evidence import search_of

from mnistsweep.dimensions import Choice, Float, Int
from mnistsweep.html_report.figures.axes import make_axis
from mnistsweep.html_report.range_advice import range_advice
from mnistsweep.space import SearchSpace


@pytest.mark.parametrize(
    ("dimension", "sign", "wanted"),
    [
        (Float("x", 1e-4, 1e-1, log=True), 1, "upper tenth of its range, 0.0001 to 0.1: widen it to 1."),
        (Float("x", 1e-4, 1e-1, log=True), -1, "lower tenth of its range, 0.0001 to 0.1: widen it to 1e-05."),
        (Float("x", 0.0, 0.6), 1, "upper tenth of its range, 0 to 0.6: widen it to 0.8."),
        (Float("x", 0.0, 0.6), -1, None),
        (Int("x", 10, 40), 1, "upper tenth of its range, 10 to 40: widen it to 50."),
        (Choice("x", (16, 32, 64, 128)), 1, "=128, the largest of its values: add 256."),
        (Choice("x", (16, 32, 64, 128)), -1, "=16, the smallest of its values: add 8."),
        (Choice("x", (1, 2, 3)), 1, "=3, the largest of its values: add 4."),
        (Choice("x", (1, 2, 3)), -1, None),
        (Choice("x", (0.0, 0.1, 0.2, 0.3)), 1, "=0.3, the largest of its values: add 0.4."),
        (Choice("x", ("a", "b", "c")), 1, None),
        (Choice("x", (1, 2)), 1, None),
    ],
)  # fmt: skip
def test_advice_at_the_end_of_a_range(dimension, sign, wanted):
    space = SearchSpace((dimension,))
    points = [space.point_at([unit]) for unit in np.linspace(0, 0.999, 30)]
    scale = make_axis(space, "x")

    advice = range_advice(search_of(space, points, sign * scale.positions(points)).scored)

    assert [sentence.removeprefix("All 3 best trials have x").removeprefix(" in the ") for sentence in advice] == (
        [] if wanted is None else [wanted]
    )


def test_no_advice_from_the_middle_of_a_range_or_from_few_trials():
    space = SearchSpace((Float("x", 0.1, 1.0),))
    points = [space.point_at([unit]) for unit in np.linspace(0, 0.999, 30)]

    assert range_advice(search_of(space, points, [-abs(p["x"] - 0.5) for p in points]).scored) == []
    assert range_advice(search_of(space, points[:9], [p["x"] for p in points[:9]]).scored) == []
