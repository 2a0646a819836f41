from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.single_example import classes_shown, draw_classes
from mnistsweep.html_report.shown_inputs import ShownInputs

NAMES = [str(number) for number in range(10)]
PROBABILITIES = np.full((3, 10), 0.02)
PROBABILITIES[:, 3], PROBABILITIES[:, 5] = (0.7, 0.5, 0.3), (0.14, 0.34, 0.54)


@pytest.mark.parametrize("shape", [(28, 28), (32, 32, 3)])
def test_bars_are_the_committee_and_dots_the_seeds(shape: tuple[int, ...]) -> None:
    drawing = draw_classes(ShownInputs.of_images(np.full((448, *shape), 0.5)), PROBABILITIES, 5, NAMES, 447)
    picture, axes = drawing.axes
    assert picture.images[0].get_array().shape == shape
    widths = [bar.get_width() for bar in axes.patches]
    np.testing.assert_allclose(widths, PROBABILITIES.mean(axis=0), atol=1e-12)
    lines, dots = axes.collections
    np.testing.assert_allclose(np.sort(dots.get_offsets()[:, 0]), np.sort(PROBABILITIES.ravel()), atol=1e-12)
    np.testing.assert_allclose(lines.get_segments()[3][:, 0], [0.3, 0.7], atol=1e-12)
    assert drawing.get_suptitle() == "image 447: label 5, prediction 3 (50.00 %)"


def test_label_and_prediction_are_marked() -> None:
    drawing = draw_classes(ShownInputs(), PROBABILITIES, 5, NAMES, 0)
    (axes,) = drawing.axes
    colors = [to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert (colors[5], colors[3]) == (style.GREEN, style.VERMILION)
    assert set(colors) == {style.GREEN, style.VERMILION, style.GREY}
    entries = [text.get_text() for text in drawing.legends[0].get_texts()]
    assert entries == ["label", "prediction", "3 seeds, minimum to maximum"]


def test_one_seed_and_right() -> None:
    drawing = draw_classes(ShownInputs(), PROBABILITIES[:1], 3, NAMES, 0)
    assert len(drawing.axes[0].collections) == 0
    assert [text.get_text() for text in drawing.legends[0].get_texts()] == ["label and prediction"]
    assert style.to_svg(drawing, "one").startswith("<svg")


def test_of_many_classes_the_most_probable_and_the_label() -> None:
    mean = np.linspace(0.001, 0.009, 200)
    shown = classes_shown(mean, 7)
    assert shown.tolist() == [*range(199, 188, -1), 7]
    drawing = draw_classes(ShownInputs(), (mean / mean.sum())[np.newaxis], 7, [f"species {n}" for n in range(200)], 1)
    assert len(drawing.axes[0].patches) == 12
    assert drawing.axes[0].get_yticklabels()[-1].get_text() == "species 7"
