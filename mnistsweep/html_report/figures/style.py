"""How every figure looks: one style, one palette, legible on a light page, a dark page and on paper.

A drawing is a `matplotlib.figure.Figure` without pyplot, so that nothing global changes and nothing has to be closed.
On the page it is an inline SVG whose ink is `currentColor`; as a file, and in TensorBoard, a PNG on white.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Text, axes and ticks; no picture has this colour by chance, so that it can be exchanged in an SVG.
INK = "#0b0c0d"

# Okabe and Ito (2008): told apart with every kind of colour blindness, and against white and near-black.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)

# Neither black nor white: seen on both.
GREY = "#888888"

# For ordered values; begins in mid-tones, so that neither end disappears in a page.
COLORMAP = "viridis"

PIXELS_PER_INCH = 110

STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.0,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "image.interpolation": "nearest",
    "axes.prop_cycle": cycler(color=PALETTE),
}


@contextmanager
def applied() -> Iterator[None]:
    """The style, for as long as something is drawn or saved."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # A name in a script that the font does not have: a box in the PNG, and right on the page, whose fonts do.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def new_figure(
    rows: int = 1, columns: int = 1, width: float = 7.0, height: float = 3.2, **options: Any
) -> tuple[Figure, list[Axes]]:
    """A drawing with axes in rows and columns.

    Everything that is drawn on it stands in a ``with applied():``.

    Args:
        rows: Of axes.
        columns: Of axes.
        width: In inches; 7 fill the page.
        height: In inches.
        options: For `matplotlib.figure.Figure.subplots`, such as ``sharey=True``.

    Returns:
        The figure, and its axes row by row.

    Example:
        >>> with applied():
        ...     figure, (axes,) = new_figure()
        ...     _ = axes.plot([1, 2, 3])
        >>> to_svg(figure, "line").startswith("<svg")
        True
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, [one for row in axes for one in row]


def escape_math(text: str) -> str:
    """A text that matplotlib must not read as mathematics: names may hold dollars.

    Example:
        >>> print(escape_math("US$ or A$"))
        US\\$ or A\\$
    """
    return text.replace("$", r"\$")


def to_png(figure: Figure) -> bytes:
    """A drawing as PNG, on white."""
    buffer = io.BytesIO()
    with applied():
        figure.savefig(buffer, format="png", dpi=PIXELS_PER_INCH, facecolor="white")
    return buffer.getvalue()


def to_svg(figure: Figure, name: str) -> str:
    """A drawing as an SVG element to stand in a page: its ink is the page's, its ids are its own.

    Args:
        figure: The drawing.
        name: Unique on the page.
    """
    buffer = io.StringIO()
    with applied(), mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, dpi=PIXELS_PER_INCH)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor").strip()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return _own_ids(text, name)


def _own_ids(text: str, name: str) -> str:
    """Put a drawing's name before its ids: several stand in one page."""
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
