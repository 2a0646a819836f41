"""Scatter plots of predictions: many points as one picture inside of the drawing, so that the page stays small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnistsweep.analysis.residuals import ResidualTrend
from mnistsweep.html_report.figures import style
from mnistsweep.text import shorten

# Maximum number of points in a panel: a random choice of more examples.
MAX_POINTS = 5000

MAX_NAME_LENGTH = 28


def draw_points(axes: Axes, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Draw one point for each example; of many examples, a random choice.

    Args:
        axes: Axes of the drawing.
        x: Horizontal positions, ``(n,)``.
        y: Vertical positions, ``(n,)``.
    """
    if len(x) > MAX_POINTS:
        chosen = np.random.default_rng(0).choice(len(x), MAX_POINTS, replace=False)
        x, y = x[chosen], y[chosen]
    alpha = 0.7 if len(x) < 500 else 0.35
    axes.scatter(x, y, s=9, color=style.BLUE, alpha=alpha, linewidths=0, rasterized=True)


def draw_predictions(panels: Sequence[tuple[str, NDArray[Any], NDArray[Any]]]) -> Figure:
    """Draw predictions against true values, one panel for each target; on the dashed line, they are equal.

    Args:
        panels: Name, true values and predictions of each target.
    """
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    with style.applied():
        figure, axes = style.new_figure(rows, columns, width=7.0 if columns > 1 else 4.2, height=0.4 + 2.6 * rows)
        for place, (name, truth, predicted) in zip(axes, panels, strict=False):
            ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
            place.plot(ends, ends, color=style.GREY, linestyle="--", linewidth=1)
            draw_points(place, truth, predicted)
            place.set(xlabel="target", ylabel="prediction")
            if len(panels) > 1:
                place.set_title(style.escape_math(shorten(name, MAX_NAME_LENGTH)))
        for empty in axes[len(panels) :]:
            empty.axis("off")
    return figure


def draw_residuals(panels: Sequence[tuple[str, NDArray[Any], NDArray[Any], ResidualTrend]], columns: int = 4) -> Figure:
    """Draw residuals against variables, one panel for each, with the mean residual in bins and its interval.

    Args:
        panels: Name and values of each variable, the residuals, and their trend.
        columns: Number of panels in a row.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    with style.applied():
        width = 4.6 if columns == 1 else 7.0
        figure, axes = style.new_figure(rows, columns, width=width, height=0.3 + 2.0 * rows, sharey=True)
        for number, (place, (name, values, residuals, trend)) in enumerate(zip(axes, panels, strict=False)):
            draw_points(place, values, residuals)
            place.axhline(0, color=style.GREY, linewidth=1)
            errors = np.stack([trend.mean - trend.low, trend.high - trend.mean])
            place.errorbar(trend.centre, trend.mean, yerr=errors, fmt="o-", color=style.VERMILION, markersize=4)
            place.set_xlabel(style.escape_math(shorten(name, MAX_NAME_LENGTH)))
            place.tick_params(labelsize=7.5)
            place.locator_params(axis="x", nbins=4)
            if number % columns == 0:
                place.set_ylabel("residual")
        for empty in axes[len(panels) :]:
            empty.axis("off")
    return figure
