"""What the four sections on the search have in common."""

import dataclasses

import numpy as np
import pytest
from evidence import make_search, search_of, with_state
from sections import AWKWARD, figures_of, random_points, section_of

from mnistsweep.html_report.figures import style
from mnistsweep.html_report.sections import against, history, importance, landscape
from mnistsweep.study.records import State

SECTIONS = [history, importance, landscape, against]


@pytest.mark.parametrize("module", SECTIONS)
@pytest.mark.parametrize(
    "search",
    [None, with_state(make_search(), State.FAILED, [number for number in range(24) if number != 7])],
    ids=["no search", "none completed"],
)
def test_nothing_to_show(module, search):
    assert section_of(search, module) is None


@pytest.mark.parametrize("module", SECTIONS)
@pytest.mark.parametrize("trials", [1, 2, 24])
@pytest.mark.parametrize("direction", ["max", "min"])
def test_every_figure_can_be_drawn(module, trials, direction):
    search = dataclasses.replace(make_search(trials), direction=direction)

    section = section_of(search, module)

    for figure in figures_of(section):
        assert style.to_svg(figure.drawing, figure.name).startswith("<svg")
        assert len(figure.alt) > 20
        assert figure.caption.endswith(".")


@pytest.mark.parametrize("module", SECTIONS)
def test_awkward_values(module):
    points = random_points(AWKWARD, 40)
    section = section_of(search_of(AWKWARD, points, [0.9 + np.log10(point["rate"]) / 50 for point in points]), module)

    for figure in figures_of(section):
        assert style.to_png(figure.drawing).startswith(b"\x89PNG")
