"""Parallel coordinates: each trial is a line through its values, in an interactive and in a static figure."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.axes import INACTIVE, Axis, make_axis
from mnistsweep.html_report.figures.scatter import count_with_verb, num_outside_range, objective_range
from mnistsweep.html_report.records import Figure, Interactive
from mnistsweep.study.scored_trials import ScoredTrials
from mnistsweep.text import is_share

NAME = "parallel-coordinates"

# Text and axes in the text colour of the page, light or dark: plotly has one colour and adds a white text shadow.
STYLE = (
    f"<style>#{NAME} text {{fill: currentColor !important; text-shadow: none !important}} "
    f"#{NAME} .axis path, #{NAME} .axis line {{stroke: currentColor !important}}</style>"
)

# Maximum number of dimensions in the static figure; more would not be legible.
MAX_STATIC = 7

# More lines than this cover each other and are drawn with more transparency.
MAX_OPAQUE = 100

# Position of the worst trial in the colour map, from 0 to 1.
DARKEST = 0.2

# Distance below an axis at which the inactive trials cross it, as a share of the length of the axis.
BELOW = 0.12


def parallel_coordinates(trials: ScoredTrials) -> Interactive:
    """Return parallel coordinates of the trials with an objective.

    A dimension with one value is left out, because all lines would cross it at one point.

    Args:
        trials: Scored trials.
    """
    keys = [dimension.key for dimension in trials.space.columns if dimension.size != 1]
    lines = [_VerticalAxis(make_axis(trials.space, key), trials) for key in keys]
    return Interactive(STYLE + _interactive(trials, lines), _static(trials, lines))


class _VerticalAxis:
    """Vertical axis of one dimension: the positions of the trials on it, and its ticks.

    Args:
        scale: Axis of the dimension.
        trials: Scored trials.
    """

    def __init__(self, scale: Axis, trials: ScoredTrials) -> None:
        places = scale.positions(trials.points)
        margin = 0.0 if scale.high > scale.low else 0.5
        length = scale.high - scale.low + 2 * margin
        below = scale.low - margin - BELOW * length
        self.name = scale.name
        self.places = np.where(np.isnan(places), below, places)
        self.inactive = bool(np.isnan(places).any())
        self.low = below if self.inactive else scale.low - margin
        self.high = scale.high + margin
        self.ticks = [*([below] if self.inactive else []), *scale.ticks]
        self.labels = [*([INACTIVE] if self.inactive else []), *scale.labels]

    def heights(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return positions as heights from 0 (bottom) to 1 (top)."""
        return (places - self.low) / (self.high - self.low)


def _objective(trials: ScoredTrials) -> tuple[float, float, list[float], list[str]]:
    """Return the range of the last axis, which shows the objective, its ticks and their labels."""
    low, high = objective_range(trials)
    ticks = [float(tick) for tick in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high]
    return low, high, ticks, [f"{100 * tick:.4g} %" if is_share(trials.objective) else f"{tick:.3g}" for tick in ticks]


def _colors(trials: ScoredTrials, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a colour for each objective; the darkest ones are not used, because they vanish on a dark page."""
    low, high = objective_range(trials)
    units = np.clip((values - low) / (high - low), 0, 1)
    better = units if trials.direction == "max" else 1 - units
    return np.asarray(mpl.colormaps[style.COLORMAP](DARKEST + (1 - DARKEST) * better))


def _interactive(trials: ScoredTrials, lines: list[_VerticalAxis]) -> str:
    import plotly.graph_objects as go
    from plotly.io import to_html

    low, high, ticks, labels = _objective(trials)
    shown = np.clip(trials.values, low, high)
    dimensions: list[dict[str, Any]] = [
        {"label": line.name, "values": line.places.tolist(), "range": [line.low, line.high], "tickvals": line.ticks,
         "ticktext": line.labels}
        for line in lines
    ]  # fmt: skip
    last = {"label": trials.objective, "values": shown.tolist(), "range": [low, high], "tickvals": ticks}
    scale = _colors(trials, np.linspace(low, high, 9))
    colors = [[index / 8, mpl.colors.to_hex(color)] for index, color in enumerate(scale)]
    picture = go.Figure(
        go.Parcoords(
            dimensions=[*dimensions, {**last, "ticktext": labels}],
            line={"color": shown.tolist(), "colorscale": colors, "cmin": low, "cmax": high},
            labelangle=-18,
            unselected={"line": {"color": style.GREY, "opacity": 0.12}},
        )
    )  # fmt: skip
    picture.update_layout(
        font={"color": style.GREY, "size": 12}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 56, "r": 56, "t": 84, "b": 24}, height=380, template=None,
    )  # fmt: skip
    options = {"responsive": True, "displaylogo": False}
    html: str = to_html(picture, include_plotlyjs=False, full_html=False, div_id=NAME, config=options)
    return html


def _static(trials: ScoredTrials, all_lines: list[_VerticalAxis]) -> Figure:
    lines = all_lines[:MAX_STATIC]
    low, high, ticks, labels = _objective(trials)
    norm = Normalize(low, high)
    heights = [*(line.heights(line.places) for line in lines), norm(np.clip(trials.values, low, high))]
    columns = np.arange(len(heights))
    order = np.argsort(trials.gains, kind="stable")  # the best trial on top
    paths = np.stack([np.column_stack([columns, np.array(heights)[:, index]]) for index in order])
    with style.applied():
        drawing, (axes,) = style.new_figure(height=3.4)
        widths = np.where(trials.completed[order], 1.4, 0.7)
        axes.add_collection(
            LineCollection(
                list(paths),
                colors=_colors(trials, trials.values[order]),
                linewidths=widths,
                alpha=0.75 if len(order) <= MAX_OPAQUE else 0.4,
            )
        )
        for column, line in enumerate(lines):
            _upright(axes, column, line.heights(np.array(line.ticks)).tolist(), line.labels)
        _upright(axes, len(lines), [float(norm(tick)) for tick in ticks], labels, side="left")
        names = [*(line.name for line in lines), trials.objective]
        axes.set_xlim(-0.55, len(lines) + 0.45)
        axes.set_ylim(-0.03, 1.03)
        crowded = max(map(len, names)) * len(names) > 75
        axes.set_xticks(columns, labels=names, rotation=18 if crowded else 0, ha="right" if crowded else "center")
        axes.tick_params(axis="x", length=0)
        axes.yaxis.set_visible(False)
        axes.spines[:].set_visible(False)
    return Figure(NAME, drawing, _caption(trials, all_lines), _alt(trials, names))


def _upright(axes: Axes, column: int, heights: list[float], labels: list[str], side: str = "right") -> None:
    axes.plot([column, column], [0, 1], color=style.INK, linewidth=1.0, zorder=3)
    axes.plot([column] * len(heights), heights, "_", color=style.INK, markersize=5, zorder=3)
    for height, text in zip(heights, labels, strict=True):
        place = column - 0.06 if side == "right" else column + 0.06
        axes.text(place, height, text, ha=side, va="center", fontsize=8, zorder=4)


def _caption(trials: ScoredTrials, lines: list[_VerticalAxis]) -> str:
    count, best = len(trials.values), trials.best
    text = (
        f"Each line is one of {count} trials, coloured by {trials.objective} (yellow is best). "
        if count > 1
        else "The line is the only trial. "
    )
    text += f"The best, trial {trials.numbers[best]}, has {trials.format(trials.values[best])}."
    if trials.num_pruned:
        text += f" {count_with_verb(trials.num_pruned, trials.early)} coloured by the objective until then."
    if any(line.inactive for line in lines):
        text += f" Lines through “{INACTIVE}” are trials without this hyperparameter."
    if num_outside_range(trials):
        text += f" {count_with_verb(num_outside_range(trials), 'worse trial')} drawn at the end of the last axis."
    if len(lines) > MAX_STATIC:
        text += f" The static figure shows the first {MAX_STATIC} of {len(lines)} hyperparameters."
    return text


def _alt(trials: ScoredTrials, names: list[str]) -> str:
    return f"Parallel coordinates of {len(trials.values)} trials through {', '.join(names)}."
