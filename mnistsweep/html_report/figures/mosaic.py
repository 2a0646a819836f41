"""Many images in one picture: rows of them, each under a short title.

The images are combined to a single array first, so that a hundred of them are drawn in hundredths of a second.
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

# Titles: font size in points, and height of a line and width of a letter as multiples of the font size.
FONT_SIZE, MIN_FONT_SIZE = 9.0, 6.5
LINE, LETTER = 1.25, 0.62

# Gap between two images as a share of an image's width, and margin around all images in inches.
GAP, MARGIN = 0.12, 0.04

POINTS_PER_INCH = 72

# Maximum length of a word in the name of a file, in bytes.
MAX_WORD_BYTES = 60


def draw_mosaic(images: NDArray[Any], titles: Sequence[str], columns: int = 10, width: float = 7.0) -> Figure:
    """Draw images in rows, each under its title.

    The gaps are transparent. A grey line around each image separates it from a white and from a near-black page.

    Args:
        images: At least one image from 0 to 1: ``(n, height, width)`` or ``(n, height, width, 3)``.
        titles: Title of each image, of one or more lines; a long title has a smaller font, then it is cut.
        columns: Number of images in a row; the last row is aligned to the left.
        width: Width of the figure in inches. The size of an image does not depend on the number of images.

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
        # Exact pixels, which an SVG scales; pixels that are too small for the figure are averaged.
        axes.imshow(canvas, interpolation="none" if pixels_per_inch <= style.PIXELS_PER_INCH else "antialiased")
        frames = [Rectangle((x - 0.5, y - 0.5), wide, high) for y, x in places]
        axes.add_collection(PatchCollection(frames, facecolor="none", edgecolor=style.GREY, linewidth=0.7))
        rim = 0.5 + MARGIN * pixels_per_inch
        axes.set(xlim=(-rim, right - 1 + rim), ylim=(down - 1 + rim, -rim), aspect="auto")
        size, letters = _font(titles, wide / pixels_per_inch * POINTS_PER_INCH)
        for (y, x), title in zip(places, titles, strict=True):
            text = _fit_title(title, letters)
            axes.text(x - 0.5, y - 0.5 - gap / 8, text, fontsize=size, linespacing=1.1, va="bottom", ha="left")
    return figure


def draw_single(image: NDArray[Any], title: str) -> Figure:
    """Draw one image under its title, for a separate file.

    Args:
        image: Image from 0 to 1, ``(height, width)`` or ``(height, width, 3)``.
        title: Title of one or more lines.

    Example:
        >>> float(draw_single(np.zeros((28, 28)), "7").get_figwidth())
        3.0
    """
    return draw_mosaic(image[np.newaxis], [title], columns=1, width=3.0)


def picture_path(folder: str, rank: int, index: int, **words: str) -> str:
    """Return the path of a single picture, for `Section.pictures`.

    Example:
        >>> picture_path("ambiguous", 1, 447, predicted="T-shirt/top", confidence="0.51")
        'ambiguous/01-index-00447-predicted-T-shirt-top-confidence-0.51.png'
    """
    plain = {word: _limit_bytes(re.sub(r"[^\w.]+", "-", value).strip("-.")) for word, value in words.items()}
    text = "-".join(f"{word}-{value}" for word, value in plain.items())
    return f"{folder}/{rank:02d}-index-{index:05d}-{text}.png"


def _limit_bytes(word: str) -> str:
    """Return at most `MAX_WORD_BYTES` bytes of a word, because the name of a file has at most 255."""
    return word.encode()[:MAX_WORD_BYTES].decode(errors="ignore")


def _compose(images: NDArray[Any], places: Sequence[tuple[int, int]], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the images at their places on a transparent background, as RGBA."""
    colours = images[..., np.newaxis] if images.ndim == 3 else images
    high, wide = images.shape[1:3]
    canvas = np.zeros((*shape, 4), np.uint8)
    for (y, x), image in zip(places, np.clip(colours, 0, 1), strict=True):
        canvas[y : y + high, x : x + wide, :3] = np.round(image * 255)
        canvas[y : y + high, x : x + wide, 3] = 255
    return canvas


def _fit_title(title: str, letters: int) -> str:
    """Return a title with at most this number of letters in each line."""
    return "\n".join(style.escape_math(shorten(line, max(letters, 2), keep_end=False)) for line in title.split("\n"))


def _font(titles: Sequence[str], points: float) -> tuple[float, int]:
    """Return the font size at which the longest line is as wide as an image, and its number of letters."""
    longest = max(len(line) for title in titles for line in title.split("\n"))
    size = min(FONT_SIZE, max(MIN_FONT_SIZE, points / (LETTER * max(longest, 1))))
    return size, int(points / (LETTER * size))
