"""Objective by hyperparameter: slices of each one, and a map of the two most important ones."""

from __future__ import annotations

import itertools
import math

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.axes import Axis, make_axis
from mnistsweep.html_report.figures.scatter import count_with_verb, draw_trials, note_on_trials_outside, objective_range
from mnistsweep.html_report.records import Block, Figure, Section
from mnistsweep.study.scored_trials import ScoredTrials
from mnistsweep.text import is_share

# Maximum number of slices; the most important hyperparameters have one.
MAX_SLICES = 8

# Minimum number of completed trials for a map.
MIN_SURFACE = 5

# Number of positions on each axis of the map, and bandwidth of the smoothing as a share of the axis.
STEPS, BANDWIDTH = 96, 0.12

# Minimum total weight of the trials at a position, that of one trial at a distance of two bandwidths; below it, the map
# is empty.
MIN_WEIGHT = math.exp(-2)


def section(evidence: Evidence) -> Section | None:
    """Draw slices of each hyperparameter and a map of the two most important ones."""
    trials = evidence.scored_trials
    if trials is None:
        return None
    scales = [make_axis(trials.space, key) for key in trials.keys_by_importance]
    if not scales:
        return None
    blocks: list[Block] = [_slices(trials, scales)]
    pair = _pair(trials, scales)
    if pair is not None:
        blocks.append(_surface(trials, *pair))
    return Section(blocks)


def _slices(trials: ScoredTrials, scales: list[Axis]) -> Figure:
    shown = scales[:MAX_SLICES]
    columns = min(2, len(shown))
    rows = math.ceil(len(shown) / columns)
    labelled = next((scale for scale in shown if scale.categorical), None)
    with style.applied():
        drawing, panels = style.new_figure(rows, columns, height=0.3 + 1.8 * rows, sharey=True)
        for panel, scale in zip(panels, shown, strict=False):
            places = scale.positions(trials.points)
            draw_trials(panel, places + _jitter(scale, len(places)), trials, labels=panel is panels[0])
            if scale.categorical:
                _medians(panel, places, trials, "median" if scale is labelled else "_nolegend_")
            scale.apply_to(panel)
            panel.set_xlabel(scale.dimension.key)
        for panel in panels[len(shown) :]:
            panel.set_visible(False)
        for panel in panels[::columns]:
            panel.set_ylabel(trials.objective)
        drawing.legend(loc="outside upper center", ncols=4)
    caption = (
        f"Each panel shows all trials against one hyperparameter, the most important one first. The star is the "
        f"best trial: trial {trials.numbers[trials.best]}, {trials.format(trials.values[trials.best])}. A bar is the "
        "median of the completed trials with that value. The other hyperparameters vary as well."
    )
    if len(shown) < len(scales):
        caption += f" {len(scales) - len(shown)} less important hyperparameters are left out."
    alt = f"{trials.objective} of each trial against {', '.join(scale.dimension.key for scale in shown)}."
    return Figure("search-slices", drawing, caption + note_on_trials_outside(trials), alt)


def _jitter(scale: Axis, count: int) -> NDArray[np.float64]:
    """Return small offsets, the same in every report, that keep trials with the same value from hiding each other."""
    steps = (np.arange(count) * 0.618034) % 1 - 0.5
    return np.asarray(steps * 0.3 if scale.categorical else np.zeros(count))


def _medians(panel: Axes, places: NDArray[np.float64], trials: ScoredTrials, label: str) -> None:
    """Draw the median of the completed trials with each value as a bar."""
    low, high = objective_range(trials)
    values = [place for place in np.unique(places[trials.completed]) if np.isfinite(place)]
    medians = [np.median(trials.values[trials.completed & (places == place)]) for place in values]
    panel.hlines(np.clip(medians, low, high), np.array(values) - 0.28, np.array(values) + 0.28, colors=style.ORANGE,
                 linewidth=2.0, label=label)  # fmt: skip


def _pair(trials: ScoredTrials, scales: list[Axis]) -> tuple[Axis, Axis] | None:
    """Return the two most important axes on which enough completed trials have different positions."""
    done = [trials.points[index] for index in trials.order]
    drawn = [scale for scale in scales if scale.ordered or not scale.crowded]
    for one, other in itertools.combinations(drawn, 2):
        both = np.isfinite(one.positions(done) + other.positions(done))
        spread = [len(np.unique(scale.positions(done)[both])) > 1 for scale in (one, other)]
        if both.sum() >= MIN_SURFACE and all(spread):
            return one, other
    return None


def surface(
    x: Axis, y: Axis, trials: ScoredTrials
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the objective over two dimensions, smoothed over the completed trials.

    Intervals are smoothed by a Gaussian kernel (Nadaraya, 1964; Watson, 1964); values of a choice are not smoothed.

    Args:
        x: Horizontal axis.
        y: Vertical axis.
        trials: Scored trials; pruned ones are ignored, because their objective is that of an earlier epoch.

    Returns:
        Positions on x and on y, and ``(len(y), len(x))`` means of the objective; NaN far from every trial.
    """
    done = [trials.points[index] for index in trials.order]
    columns, weight_x = _weights(x, x.positions(done))
    rows, weight_y = _weights(y, y.positions(done))
    total = weight_y @ weight_x.T
    summed = (weight_y * trials.values[trials.order]) @ weight_x.T
    return columns, rows, np.where(total >= MIN_WEIGHT, summed / np.maximum(total, MIN_WEIGHT), np.nan)


def _weights(scale: Axis, places: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions on an axis, and the weight of each trial at each of them, ``(positions, trials)``."""
    if scale.categorical:
        at = np.arange(scale.low, scale.high + 1)
        return at, (places == at[:, np.newaxis]).astype(float)
    at = np.linspace(scale.low, scale.high, STEPS)
    distance = (places - at[:, np.newaxis]) / (BANDWIDTH * (scale.high - scale.low))
    return at, np.nan_to_num(np.exp(-0.5 * distance**2))


def _surface(trials: ScoredTrials, x: Axis, y: Axis) -> Figure:
    columns, rows, values = surface(x, y, trials)
    done = [trials.points[index] for index in trials.order]
    low, high = objective_range(trials)
    colormap = style.COLORMAP if trials.direction == "max" else f"{style.COLORMAP}_r"
    with style.applied():
        drawing, (axes,) = style.new_figure(height=3.6)
        image = axes.pcolormesh(columns, rows, np.clip(values, low, high), cmap=colormap, shading="nearest",
                                rasterized=True, alpha=0.85)  # fmt: skip
        if not x.categorical and not y.categorical:
            axes.contour(columns, rows, values, levels=6, colors="white", linewidths=0.7, alpha=0.8)
        sideways = x.positions(done) + _jitter(x, len(done))
        upwards = y.positions(done) + _jitter(y, len(done))[::-1]
        axes.scatter(sideways[1:], upwards[1:], s=9, color="white", edgecolors="#444444", linewidths=0.6)
        axes.scatter(sideways[:1], upwards[:1], s=110, marker="*", color=style.VERMILION, edgecolors="white",
                     zorder=4)  # fmt: skip
        x.apply_to(axes, "x")
        y.apply_to(axes, "y")
        axes.set_xlabel(x.dimension.key)
        axes.set_ylabel(y.dimension.key)
        bar = drawing.colorbar(image, ax=axes, label=trials.objective)
        bar.outline.set_visible(False)
        if is_share(trials.objective):
            bar.ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
    return Figure("search-contour", drawing, _surface_caption(trials, x, y, values), _surface_alt(trials, x, y))


def _surface_caption(trials: ScoredTrials, x: Axis, y: Axis, values: NDArray[np.float64]) -> str:
    low, high = trials.format(float(np.nanmin(values))), trials.format(float(np.nanmax(values)))
    left_out = f" {count_with_verb(trials.num_pruned, trials.early)} left out." if trials.num_pruned else ""
    return (
        f"{trials.objective} over the two most important hyperparameters that are active together, smoothed over "
        f"nearby completed trials: {low} to {high}. Bright is better; empty areas have no completed trial nearby. "
        f"Points are completed trials; the star is the best one, trial {trials.numbers[trials.best]}.{left_out}"
    )


def _surface_alt(trials: ScoredTrials, x: Axis, y: Axis) -> str:
    return (
        f"Map of {trials.objective} over {x.dimension.key} and {y.dimension.key}, with the completed trials as points."
    )
