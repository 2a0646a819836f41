"""Dimensions as axes."""

from mnistsweep.dimensions import Float
from mnistsweep.html_report.figures.axes import make_axis
from mnistsweep.space import SearchSpace


def test_names_are_whole_where_two_end_alike():
    space = SearchSpace((Float("a.rate", 0.0, 1.0), Float("b.rate", 0.0, 1.0), Float("a.size", 0.0, 1.0)))

    assert [make_axis(space, key).name for key in space.keys] == ["a.rate", "b.rate", "size"]
