"""Scatter plots of trials: the displayed range of the objective."""

import numpy as np
from evidence import search_of
from sections import random_points

from mnistsweep.dimensions import Float
from mnistsweep.html_report.figures.scatter import num_outside_range, objective_range
from mnistsweep.space import SearchSpace


def test_a_failure_at_chance_level_does_not_flatten_the_view():
    space = SearchSpace((Float("x", 0.0, 1.0),))
    trials = search_of(space, random_points(space, 11), [0.1, *np.linspace(0.95, 0.99, 10)]).scored

    low, high = objective_range(trials)

    assert 0.8 < low < 0.95
    assert high > 0.99
    assert num_outside_range(trials) == 1
