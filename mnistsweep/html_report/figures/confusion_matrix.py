"""Figure of a confusion matrix, for ten classes or for hundreds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnistsweep.html_report.figures import style
from mnistsweep.text import shorten

# Maximum number of classes for numbers in the cells.
MAX_ANNOTATED = 20

# Maximum number of class names at an axis.
MAX_NAMED = 30

MAX_NAME_LENGTH = 14

# Text colours on dark and on light cells; they do not change on a dark page.
ON_DARK, ON_LIGHT = "#f7f7f7", "#151515"


def draw_confusion_matrix(
    counts: NDArray[Any], class_names: Sequence[str], logarithmic: bool, unit: str = "examples"
) -> Figure:
    """Draw counts with labels in rows and predictions in columns; a cell without an example is empty.

    Args:
        counts: Number of examples by label and prediction, ``(classes, classes)``.
        class_names: Names of the classes in the same order.
        logarithmic: Whether the colour scale is logarithmic, which shows small and large counts.
        unit: Word for several examples, the label of the colour scale.
    """
    classes = len(counts)
    names = [style.escape_math(shorten(name, MAX_NAME_LENGTH)) for name in class_names]
    upright = max(map(len, names)) > 3
    with style.applied():
        figure, (axes,) = style.new_figure(width=6.4, height=5.6)
        most = float(max(counts.max(), 2))
        norm = LogNorm(1, most) if logarithmic else Normalize(0, most)
        drawn = axes.imshow(np.ma.masked_equal(counts, 0), cmap=style.COLORMAP, norm=norm)
        bar = figure.colorbar(drawn, ax=axes, shrink=0.8, label=f"{unit} (logarithmic)" if logarithmic else unit)
        bar.outline.set_visible(False)
        if logarithmic:
            _plain_ticks(bar.ax, most)
        step = -(-classes // MAX_NAMED)
        places = range(0, classes, step)
        axes.set_xticks(places, names[::step], rotation=90 if upright else 0)
        axes.set_yticks(places, names[::step])
        axes.set(xlabel="prediction", ylabel="label")
        if classes <= MAX_ANNOTATED:
            _frame(axes, classes)
            _annotate(axes, counts, norm)
    return figure


def _plain_ticks(axes: Axes, most: float) -> None:
    """Set integer ticks in place of powers of ten."""
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000) if tick <= most]
    axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()


def _frame(axes: Axes, classes: int) -> None:
    """Draw lines between the cells, because dark cells are not visible on a dark page."""
    axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.grid(which="minor", alpha=0.4, linewidth=0.6)
    axes.tick_params(which="minor", length=0)


def _annotate(axes: Axes, counts: NDArray[Any], norm: Normalize) -> None:
    colors = colormaps[style.COLORMAP]
    size = 9 if len(counts) <= 12 else 7
    for row, column in zip(*np.nonzero(counts), strict=True):
        count = int(counts[row, column])
        red, green, blue = colors(norm(count))[:3]
        ink = ON_LIGHT if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else ON_DARK
        axes.text(column, row, str(count), ha="center", va="center", fontsize=size, color=ink)
