"""Drawings of time series: small panels in rows, each under its title."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnistsweep.html_report.figures import style
from mnistsweep.text import shorten

COLUMNS = 5

# Maximum number of channels that are drawn, and of letters in a line of a title.
MAX_CHANNELS = len(style.PALETTE)
MAX_LETTERS = 24


def draw_series_grid(series: NDArray[Any], titles: Sequence[str], columns: int = COLUMNS) -> Figure:
    """Draw series in rows, each under its title. All panels have the same vertical range.

    Args:
        series: At least one series, ``(n, steps, channels)``.
        titles: Title of each series, of one or more lines.
        columns: Number of panels in a row.
    """
    rows, lines = -(-len(series) // columns), max(title.count("\n") + 1 for title in titles)
    with style.applied():
        figure, axes = style.new_figure(rows, columns, height=rows * (1.0 + 0.16 * lines), sharey=True)
        for place, one, title in zip(axes, series, titles, strict=False):
            draw_series(place, one)
            short = "\n".join(shorten(line, MAX_LETTERS, keep_end=False) for line in title.split("\n"))
            place.set_title(style.escape_math(short), fontsize=7.5)
            place.tick_params(labelsize=7)
        for empty in axes[len(series) :]:
            empty.axis("off")
    return figure


def draw_series(axes: Axes, series: NDArray[Any]) -> None:
    """Draw one series, a line for each channel.

    Args:
        axes: Axes of the drawing.
        series: ``(steps, channels)``; of many channels, the first ones are drawn.
    """
    for channel, colour in zip(range(series.shape[1]), style.PALETTE, strict=False):
        axes.plot(series[:, channel], color=colour, linewidth=1.0)
