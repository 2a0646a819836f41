"""Many images in one picture: rows of them, each under a short title.

The images are composed into a single array first: a hundred of them are drawn as one, in hundredths of a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from mnistsweep.html_report.figures import style
from mnistsweep.text import shorten

# Of a title: its size in points, its lines' height, and the width of a letter, both in sizes.
FONT_SIZE, MIN_FONT_SIZE = 9.0, 6.5
LINE, LETTER = 1.25, 0.62

# Between two images, as a share of an image's width; around all of them, in inches.
GAP, MARGIN = 0.12, 0.04

POINTS_PER_INCH = 72

# Of a word in a file's name, in bytes.
LONGEST_WORD = 60


def draw_mosaic(images: NDArray[Any], titles: Sequence[str], columns: int = 10, width: float = 7.0) -> Figure:
    """Show images in rows, each under its title.

    Everything that stands between the images is transparent; a grey line around each one holds it against a white page
    and a near-black one.

    Args:
        images: At least one: ``(n, height, width)``, gray, or ``(n, height, width, 3)``, from 0 to 1.
        titles: One an image, of one or more lines; what is too long for its image is set smaller, then cut.
        columns: Images in a row. A last row that is not full begins at the left.
        width: Of the drawing, in inches. An image is as large as in a full row, however few there are.

    Returns:
        The drawing.

    Example:
        >>> drawing = draw_mosaic(np.zeros((7, 28, 28)), [f"no. {number}" for number in range(7)], columns=5)
        >>> len(drawing.axes), len(drawing.axes[0].images), len(drawing.axes[0].texts)
        (1, 1, 7)
    """
    high, wide = images.shape[1:3]
    gap = max(1, round(GAP * wide))
    pixels_per_inch = (columns * (wide + gap) - gap) / (width - 2 * MARGIN)
    lines = max(title.count("\n") + 1 for title in titles)
    above = round(lines * LINE * FONT_SIZE / POINTS_PER_INCH * pixels_per_inch) + max(1, round(gap / 4))
    rows = -(-len(images) // columns)
    down, right = rows * (above + high + gap) - gap, columns * (wide + gap) - gap
    places = [((n // columns) * (above + high + gap) + above, (n % columns) * (wide + gap)) for n in range(len(images))]
    canvas = _compose(images, places, (down, right))
    with style.applied():
        figure, (axes,) = style.new_figure(width=width, height=down / pixels_per_inch + 2 * MARGIN)
        axes.set_position((0, 0, 1, 1))
        axes.axis("off")
        # Exact pixels, which an SVG scales; too many of them for their place are averaged.
        axes.imshow(canvas, interpolation="none" if pixels_per_inch <= style.PIXELS_PER_INCH else "antialiased")
        frames = [Rectangle((x - 0.5, y - 0.5), wide, high) for y, x in places]
        axes.add_collection(PatchCollection(frames, facecolor="none", edgecolor=style.GREY, linewidth=0.7))
        rim = 0.5 + MARGIN * pixels_per_inch
        axes.set(xlim=(-rim, right - 1 + rim), ylim=(down - 1 + rim, -rim), aspect="auto")
        size, letters = _type(titles, wide / pixels_per_inch * POINTS_PER_INCH)
        for (y, x), title in zip(places, titles, strict=True):
            cut = "\n".join(
                style.escape_math(shorten(line, max(letters, 2), keep_end=False)) for line in title.split("\n")
            )
            axes.text(x - 0.5, y - 0.5 - gap / 8, cut, fontsize=size, linespacing=1.1, va="bottom", ha="left")
    return figure


def draw_single(image: NDArray[Any], title: str) -> Figure:
    """Show one image under its title, for a file of its own.

    Args:
        image: ``(height, width)``, gray, or ``(height, width, 3)``, from 0 to 1.
        title: Of one or more lines.

    Example:
        >>> float(draw_single(np.zeros((28, 28)), "7").get_figwidth())
        3.0
    """
    return draw_mosaic(image[np.newaxis], [title], columns=1, width=3.0)


def picture_path(folder: str, rank: int, index: int, **words: str) -> str:
    """Name the file of a single picture, for `Section.pictures`.

    Example:
        >>> picture_path("ambiguous", 1, 447, predicted="T-shirt/top", confidence="0.51")
        'ambiguous/01-index-00447-predicted-T-shirt-top-confidence-0.51.png'
    """
    plain = {word: _short(re.sub(r"[^\w.]+", "-", value).strip("-.")) for word, value in words.items()}
    told = "-".join(f"{word}-{value}" for word, value in plain.items())
    return f"{folder}/{rank:02d}-index-{index:05d}-{told}.png"


def _short(word: str) -> str:
    """At most `LONGEST_WORD` bytes of a word: a file's name has room for 255."""
    return word.encode()[:LONGEST_WORD].decode(errors="ignore")


def _compose(images: NDArray[Any], places: Sequence[tuple[int, int]], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Lay the images at their places on a transparent ground, as RGBA."""
    colours = images[..., np.newaxis] if images.ndim == 3 else images
    high, wide = images.shape[1:3]
    canvas = np.zeros((*shape, 4), np.uint8)
    for (y, x), image in zip(places, np.clip(colours, 0, 1), strict=True):
        canvas[y : y + high, x : x + wide, :3] = np.round(image * 255)
        canvas[y : y + high, x : x + wide, 3] = 255
    return canvas


def _type(titles: Sequence[str], points: float) -> tuple[float, int]:
    """The size in which the longest line is as wide as an image, and how many letters of it are."""
    longest = max(len(line) for title in titles for line in title.split("\n"))
    size = min(FONT_SIZE, max(MIN_FONT_SIZE, points / (LETTER * max(longest, 1))))
    return size, int(points / (LETTER * size))
