"""Ranges to search next: wider where an end won, narrower around the good values, and extreme ranges."""

import math
from dataclasses import replace

import numpy as np
import pytest
from evidence import make_evidence, search_of

from mnistsweep.analysis.value_groups import ValueGroups
from mnistsweep.dimensions import Choice, Float, Int, Zip
from mnistsweep.html_report.figures.axes import make_axis
from mnistsweep.html_report.sections import history, landscape
from mnistsweep.intervals import MAX_WHOLE
from mnistsweep.search.next_ranges import end_that_won, narrower, wider
from mnistsweep.space import SearchSpace
from mnistsweep.study.learnt import lessons_of


def only(dimension, *places):
    groups = ValueGroups.of(dimension, 30)
    keep = np.zeros(groups.count, bool)
    keep[list(places)] = True
    return groups, keep


@pytest.mark.parametrize(
    ("dimension", "end", "place", "wanted"),
    [
        (Float("x", 1e-4, 1e-1, log=True), "upper", 4, Float("x", 0.025, 1.0, log=True)),
        (Float("x", 1e-4, 1e-1, log=True), "lower", 0, Float("x", 1e-5, 0.0004, log=True)),
        (Float("x", 1e-4, 1.0, log=True), "upper", 4, Float("x", 0.15, 10.0, log=True)),
        (Float("x", 0.0, 0.6), "upper", 4, Float("x", 0.48, 0.8)),
        (Float("x", 0.0, 0.6), "lower", 0, None),
        (Float("x", 0.0, 0.95), "upper", 4, Float("x", 0.76, 0.97)),
        (Int("x", 10, 40), "upper", 4, Int("x", 34, 50)),
        (Choice("x", (16, 32, 64, 128)), "upper", 3, Choice("x", (64, 128, 256))),
        (Choice("x", (16, 32, 64, 128)), "lower", 0, Choice("x", (8, 16, 32))),
        (Choice("x", (1, 2, 3)), "upper", 2, Choice("x", (2, 3, 4))),
        (Choice("x", (1, 2, 3)), "lower", 0, None),
        (Choice("x", (0.0, 0.1, 0.2, 0.3)), "upper", 3, Choice("x", (0.2, 0.3, 0.4))),
        (Choice("x", (0, 0.25, 0.5)), "upper", 2, Choice("x", (0.25, 0.5, 0.75))),
        (Choice("x", (0.5, 1, 2)), "upper", 2, Choice("x", (1, 2, 4.0))),
        (Float("x", 1e-200, 1e200, log=True), "upper", 4, None),
    ],
)  # fmt: skip
def test_a_wider_range_goes_beyond_the_end_that_won(dimension, end, place, wanted):
    groups, keep = only(dimension, place)
    found = wider(groups, end, keep)
    assert found == wanted
    if isinstance(wanted, Choice):
        assert [type(value) for value in found.values] == [type(value) for value in wanted.values]


@pytest.mark.parametrize(
    ("dimension", "places", "wanted"),
    [
        (Float("x", 1e-4, 1e-1, log=True), (1, 2), Float("x", 0.00039, 0.0064, log=True)),
        (Float("x", 0.0, 1.0), (1, 3), Float("x", 0.2, 0.8)),
        (Float("x", 1000.0, 1001.0), (2,), Float("x", 1000.4, 1000.6)),
        (Float("x", 0.0, 1.0), (0, 4), None),
        (Int("x", 1, 1000), (0,), Int("x", 1, 201)),
        (Int("x", 1, 5), (1, 2), Int("x", 2, 3)),
        (Choice("x", (16, 32, 64, 128)), (1, 3), Choice("x", (32, 64, 128))),
        (Choice("x", ("a", "b", "c")), (0, 2), Choice("x", ("a", "c"))),
        (Choice("x", tuple(range(50))), (4,), Choice("x", tuple(range(40, 50)))),
        (Zip(("x", "y"), ((1, 9), (2, 8), (3, 7))), (2,), Zip(("x", "y"), ((3, 7),))),
        (Choice("x", (True, False)), (0, 1), None),
    ],
)  # fmt: skip
def test_a_narrower_range_holds_the_good_values(dimension, places, wanted):
    assert narrower(*only(dimension, *places)) == wanted


@pytest.mark.parametrize(
    ("dimension", "values", "wanted"),
    [
        (Float("x", 1e-4, 1e-1, log=True), (0.06, 0.09, 0.1), "upper"),
        (Float("x", 1e-4, 1e-1, log=True), (0.01, 0.09, 0.02), None),
        (Int("x", 0, 100), (0, 5, 10), "lower"),
        (Choice("x", (16, 32, 64, 128)), (128, 128, 128), "upper"),
        (Choice("x", (1, 2)), (2, 2, 2), None),  # one of eight cases by chance
        (Choice("x", ("a", "b", "c", "d")), ("d", "d", "d"), None),
        (Float("x", 0.0, 1.0), (1.0, 1.0), None),
    ],
)  # fmt: skip
def test_an_end_has_won_where_chance_does_not_explain_it(dimension, values, wanted):
    points = [{"x": value} for value in values]
    assert end_that_won(dimension, points, points) == wanted


def test_an_end_has_not_won_where_trials_beyond_the_best_ones_are_worse():
    """A search that learns tries many values around the best one, which is near the end and not at it."""
    dimension = Float("x", 1e-4, 1.0, log=True)
    best = [{"x": 0.44}, {"x": 0.45}, {"x": 0.46}]
    assert end_that_won(dimension, best, [*best, {"x": 0.8}, {"x": 0.9}]) == "upper"
    assert end_that_won(dimension, best, [*best, {"x": 0.8}, {"x": 0.9}, {"x": 1.0}]) is None


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
    (lesson,) = lessons_of(found.scored).important or [None]
    if lesson is not None and lesson.next is not None:
        values = lesson.next.values if isinstance(lesson.next, Choice) else (lesson.next.low, lesson.next.high)
        assert all(
            value in dimension.values or math.isfinite(value) for value in values if isinstance(dimension, Choice)
        )
        assert all(isinstance(value, str) or not math.isnan(value) for value in values)
