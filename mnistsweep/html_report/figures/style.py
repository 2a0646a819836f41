"""Style of all figures: one palette that is legible on a light page, on a dark page and on paper.

Figures are created without pyplot, so no global state changes and no figure has to be closed. On the page, a figure is
an inline SVG with the text colour of the page (`currentColor`); in files and in TensorBoard, it is a PNG on white.
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

# Colour of text, axes and ticks. No image is likely to contain it, so it can be replaced in an SVG.
INK = "#0b0c0d"

# Palette of Okabe and Ito (2008): distinguishable with every kind of colour blindness, on white and on near-black.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)

# Visible on white and on black.
GREY = "#888888"

# Colour map of ordered values.
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
    """Context in which figures are drawn and saved in this style."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # A character that the font does not have is a box in the PNG; on the page, the browser's fonts have it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def new_figure(
    rows: int = 1, columns: int = 1, width: float = 7.0, height: float = 3.2, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes in rows and columns; call it and draw inside of ``with applied():``.

    Args:
        rows: Number of rows of axes.
        columns: Number of columns of axes.
        width: Width in inches; 7 is the width of the page.
        height: Height in inches.
        options: Arguments of `matplotlib.figure.Figure.subplots`, such as ``sharey=True``.

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
    """Return a text with dollar signs escaped, which matplotlib would read as mathematics.

    Example:
        >>> print(escape_math("US$ or A$"))
        US\\$ or A\\$
    """
    return text.replace("$", r"\$")


def to_png(figure: Figure) -> bytes:
    """Return a figure as PNG on white."""
    buffer = io.BytesIO()
    with applied():
        figure.savefig(buffer, format="png", dpi=PIXELS_PER_INCH, facecolor="white")
    return buffer.getvalue()


def to_svg(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element with the text colour of the page and with unique ids.

    Args:
        figure: Figure to convert.
        name: Name that is unique on the page.
    """
    buffer = io.StringIO()
    with applied(), mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, dpi=PIXELS_PER_INCH)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor").strip()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return _prefix_ids(text, name)


def _prefix_ids(text: str, name: str) -> str:
    """Prefix the ids of an SVG with its name, because the page contains several SVGs."""
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
