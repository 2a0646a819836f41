"""Mosaics of images."""

from __future__ import annotations

import numpy as np
import pytest
from evidence import make_images

from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.mosaic import draw_mosaic, draw_single, picture_path


@pytest.mark.parametrize("number", [1, 5, 7, 100])
def test_a_mosaic_holds_every_image_in_its_place(number: int) -> None:
    images = make_images(np.arange(number) % 5, 12, np.random.default_rng(0))
    drawing = draw_mosaic(images, [str(n) for n in range(number)], columns=5)
    (axes,) = drawing.axes
    canvas = axes.images[0].get_array()
    opaque = canvas[..., 3] == 255
    assert opaque.sum() == number * 144
    rows = opaque.any(axis=1)
    first = int(rows.argmax())
    assert np.array_equal(canvas[first : first + 12, :12, 0], np.round(images[0] * 255))
    assert np.array_equal(canvas[opaque][-12:, 1], np.round(images[-1, -1] * 255))
    assert drawing.get_figwidth() == 7
    assert style.to_png(drawing).startswith(b"\x89PNG")


def test_a_mosaic_of_colours_with_long_titles() -> None:
    drawing = draw_mosaic(np.full((2, 8, 8, 3), [1.0, 0.5, 0.0]), ["a name much longer than its image\nb"] * 2)
    axes = drawing.axes[0]
    assert (axes.images[0].get_array()[-1, 0] == [255, 128, 0, 255]).all()
    line, second = axes.texts[0].get_text().split("\n")
    assert line.endswith("…")
    assert second == "b"
    assert drawing.axes[0].texts[0].get_fontsize() == 6.5


def test_single_pictures() -> None:
    assert draw_single(np.zeros((8, 4)), "seven").axes[0].texts[0].get_text() == "seven"
    assert picture_path("a", 12, 7, label="../é à") == "a/12-index-00007-label-é-à.png"
