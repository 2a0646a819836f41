"""Trials as points: the objective as an axis, and the part of it worth looking at."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from mnistsweep.html_report.figures import style
from mnistsweep.html_report.trials import Trials
from mnistsweep.text import format_metric, is_share

# The view reaches so many times as far below the best as the median trial lies: failures at chance level would
# squeeze all others into one line.
VIEW_DEPTH = 4.0

COMPLETED: Any = {"color": style.BLUE, "marker": "o", "s": 16, "linewidths": 0}
PRUNED: Any = {"color": style.GREY, "marker": "x", "s": 14, "linewidths": 1.0}
BEST: Any = {"color": style.VERMILION, "marker": "*", "s": 90, "linewidths": 0, "zorder": 4}


def view(trials: Trials, shown: NDArray[np.bool_] | None = None) -> tuple[float, float]:
    """The part of the objective's axis that is shown, from low to high.

    Args:
        trials: All of them.
        shown: Which of them are drawn; None: all.
    """
    gains = trials.gains if shown is None else trials.gains[shown]
    top = float(gains.max())
    floor = max(float(gains.min()), top - VIEW_DEPTH * (top - float(np.median(gains))))
    floor = floor if floor < top else top - max(abs(top), 1.0) * 0.01
    margin = 0.05 * (top - floor)
    low, high = floor - margin, top + margin
    return (low, high) if trials.direction == "max" else (-high, -low)


def num_outside(trials: Trials) -> int:
    """How many trials lie outside of the view."""
    low, high = view(trials)
    return int(((trials.values < low) | (trials.values > high)).sum())


def outside_note(trials: Trials) -> str:
    """A sentence for the caption where trials lie outside of the view."""
    count = num_outside(trials)
    if not count:
        return ""
    where = "bottom" if trials.direction == "max" else "top"
    return (
        f" {count_of(count, 'worse trial')} drawn at the {where} edge as {'a triangle' if count == 1 else 'triangles'}."
    )


def count_of(count: int, noun: str) -> str:
    """A count with its noun and verb: ``1 worse trial is``, ``3 worse trials are``."""
    return f"{count} {noun} is" if count == 1 else f"{count} {noun}s are"


def draw_objective(axes: Axes, metric: str, which: str = "y", limits: tuple[float, float] | None = None) -> None:
    """Label the axis of an objective."""
    one = axes.yaxis if which == "y" else axes.xaxis
    one.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if is_share(metric):
        one.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))
    if limits is not None:
        (axes.set_ylim if which == "y" else axes.set_xlim)(*limits)


def draw_trials(axes: Axes, x: NDArray[np.float64], trials: Trials, labels: bool = False) -> None:
    """Each trial as a point at `x`, by how it ended; the best as a star, those outside of the view at its edge.

    Args:
        axes: Where.
        x: ``(trials,)``; NaN: not drawn.
        trials: The objective is their height.
        labels: Whether they stand in the legend.
    """
    low, high = view(trials)
    inside = (trials.values >= low) & (trials.values <= high)
    for mask, look, name in (
        (~trials.completed, PRUNED, "pruned"),
        (trials.completed, COMPLETED, "completed"),
    ):
        shown = mask & inside
        if shown.any():
            axes.scatter(x[shown], trials.values[shown], **look, label=name if labels else None)
        edge = mask & ~inside
        heights = np.clip(trials.values[edge], low, high)
        marker = "v" if trials.direction == "max" else "^"
        axes.scatter(x[edge], heights, **{**look, "marker": marker}, clip_on=False)
    best = trials.best
    axes.scatter(x[best], trials.values[best], **BEST, label="best" if labels else None)
    draw_objective(axes, trials.objective, limits=(low, high))


def span(values: NDArray[np.float64], metric: str) -> str:
    """Mean and standard deviation as the page writes them."""
    mean = format_metric(metric, float(values.mean()))
    return mean if len(values) < 2 else f"{mean} \N{PLUS-MINUS SIGN} {format_metric(metric, float(values.std(ddof=1)))}"
