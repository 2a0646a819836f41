"""The section on where the good values are: slices, and the surface over two hyperparameters."""

import numpy as np
from evidence import make_search, search_of, with_state
from sections import figure_of, random_points, section_of

from mnistsweep.dimensions import Choice, Float
from mnistsweep.html_report.figures.axes import make_axis
from mnistsweep.html_report.sections import history, landscape
from mnistsweep.space import SearchSpace
from mnistsweep.study.records import State


def test_slices_are_ordered_by_importance():
    section = section_of(make_search(200), landscape)

    assert figure_of(section, "search-slices").alt.startswith(
        "val_accuracy of each trial against model.dropout, optimizer"
    )


def test_pruned_trials_are_told_apart_in_the_captions():
    space = SearchSpace((Float("x", 0.0, 1.0), Float("y", 0.0, 10.0)))
    search = search_of(space, random_points(space, 20), np.linspace(0.5, 0.6, 20))
    whole = figure_of(section_of(search, landscape), "search-contour").caption
    search = with_state(search, State.PRUNED, range(14))

    caption = figure_of(section_of(search, landscape), "search-contour").caption
    assert "empty areas have no completed trial nearby. Points are completed trials" in caption
    assert caption.endswith("14 pruned trials are left out.")
    assert "pruned" not in whole
    lines = figure_of(section_of(search, history), "parallel-coordinates").caption
    assert "14 pruned trials are coloured by the objective until then." in lines


def test_the_surface_follows_the_objective():
    space = SearchSpace((Float("x", 0.0, 1.0), Float("y", 0.0, 10.0)))
    points = random_points(space, 300)
    trials = search_of(space, points, [p["x"] - 0.05 * p["y"] for p in points]).scored

    columns, rows, values = landscape.surface(make_axis(space, "x"), make_axis(space, "y"), trials)

    wanted = columns - 0.05 * rows[:, np.newaxis]
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(values - wanted)[inner].max() < 0.08
    assert not np.isnan(values).any()


def test_the_surface_of_choices_is_the_mean_of_each_cell():
    space = SearchSpace((Choice("x", ("a", "b")), Choice("y", (1, 2))))
    points = [{"x": "a", "y": 1}, {"x": "a", "y": 1}, {"x": "b", "y": 2}]
    trials = search_of(space, points, [0.5, 0.7, 0.9]).scored

    _, _, values = landscape.surface(make_axis(space, "x"), make_axis(space, "y"), trials)

    np.testing.assert_allclose(values, [[0.6, np.nan], [np.nan, 0.9]])
