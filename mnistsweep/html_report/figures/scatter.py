"""Scatter plots of trials: one point for each trial, with the objective as the vertical axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from mnistsweep.html_report.figures import style
from mnistsweep.study.scored_trials import ScoredTrials
from mnistsweep.text import format_count, format_metric, is_share

# Depth of the displayed range below the best trial, as a multiple of the distance from the best to the median trial.
# Trials that failed to learn (accuracy at chance level) would otherwise squeeze all others into one line.
RANGE_DEPTH = 4.0

COMPLETED: Any = {"color": style.BLUE, "marker": "o", "s": 16, "linewidths": 0}
PRUNED: Any = {"color": style.GREY, "marker": "x", "s": 14, "linewidths": 1.0}
BEST: Any = {"color": style.VERMILION, "marker": "*", "s": 90, "linewidths": 0, "zorder": 4}


def objective_range(trials: ScoredTrials, shown: NDArray[np.bool_] | None = None) -> tuple[float, float]:
    """Return the displayed range of the objective, from low to high.

    Args:
        trials: All scored trials.
        shown: Mask of the trials that are drawn, ``(trials,)``; None: all.
    """
    gains = trials.gains if shown is None else trials.gains[shown]
    top = float(gains.max())
    floor = max(float(gains.min()), top - RANGE_DEPTH * (top - float(np.median(gains))))
    floor = floor if floor < top else top - max(abs(top), 1.0) * 0.01
    margin = 0.05 * (top - floor)
    low, high = floor - margin, top + margin
    return (low, high) if trials.direction == "max" else (-high, -low)


def num_outside_range(trials: ScoredTrials) -> int:
    """Return the number of trials with an objective outside of the displayed range."""
    low, high = objective_range(trials)
    return int(((trials.values < low) | (trials.values > high)).sum())


def note_on_trials_outside(trials: ScoredTrials) -> str:
    """Return a sentence for the caption, or an empty string where no trial is outside of the displayed range."""
    count = num_outside_range(trials)
    if not count:
        return ""
    edge = "bottom" if trials.direction == "max" else "top"
    marker = "a triangle" if count == 1 else "triangles"
    return f" {count_with_verb(count, 'worse trial')} drawn as {marker} at the {edge} edge."


def count_with_verb(count: int, noun: str) -> str:
    """Return a count with its noun and verb: ``1 worse trial is``, ``3 worse trials are``."""
    return f"{format_count(count, noun)} {'is' if count == 1 else 'are'}"


def format_objective_axis(axes: Axes, metric: str, which: str = "y", limits: tuple[float, float] | None = None) -> None:
    """Set the ticks and the limits of an axis that shows a metric; a share has ticks in per cent.

    Args:
        axes: Axes of the drawing.
        metric: Name of the metric.
        which: Axis to format, ``x`` or ``y``.
        limits: Range of the axis; None: unchanged.
    """
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if is_share(metric):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))
    if limits is not None:
        (axes.set_ylim if which == "y" else axes.set_xlim)(*limits)


def draw_trials(axes: Axes, x: NDArray[np.float64], trials: ScoredTrials, labels: bool = False) -> None:
    """Draw each trial as a point with a marker for its state; a star marks the best trial.

    Trials outside of the displayed range are drawn as triangles at its edge.

    Args:
        axes: Axes of the drawing.
        x: Horizontal positions, ``(trials,)``; a trial at NaN is not drawn.
        trials: Scored trials.
        labels: Whether the markers have entries in the legend.
    """
    low, high = objective_range(trials)
    inside = (trials.values >= low) & (trials.values <= high)
    for mask, marker_style, name in (
        (~trials.completed, PRUNED, trials.early.removesuffix(" trial")),
        (trials.completed, COMPLETED, "completed"),
    ):
        shown = mask & inside
        if shown.any():
            axes.scatter(x[shown], trials.values[shown], **marker_style, label=name if labels else None)
        edge = mask & ~inside
        heights = np.clip(trials.values[edge], low, high)
        marker = "v" if trials.direction == "max" else "^"
        axes.scatter(x[edge], heights, **{**marker_style, "marker": marker}, clip_on=False)
    best = trials.best
    axes.scatter(x[best], trials.values[best], **BEST, label="best" if labels else None)
    format_objective_axis(axes, trials.objective, limits=(low, high))


def format_mean_and_std(values: NDArray[np.float64], metric: str) -> str:
    """Return the mean and the sample standard deviation of a metric as text; of one value, the value.

    Args:
        values: Values of the metric, ``(n,)``, at least one.
        metric: Name of the metric.
    """
    mean = format_metric(metric, float(values.mean()))
    return mean if len(values) < 2 else f"{mean} \N{PLUS-MINUS SIGN} {format_metric(metric, float(values.std(ddof=1)))}"
