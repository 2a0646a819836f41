"""Training time and objective against one hyperparameter, such as the batch size."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mnistsweep.errors import DataError, suggest
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.axes import Axis, make_axis
from mnistsweep.html_report.figures.scatter import (
    COMPLETED,
    format_mean_and_std,
    format_objective_axis,
    objective_range,
)
from mnistsweep.html_report.records import Block, Figure, Section, Table
from mnistsweep.study.scored_trials import ScoredTrials
from mnistsweep.text import format_count, value_label

# Maximum number of values in the table and of means in the figure.
MAX_ROWS = 16


def section(evidence: Evidence) -> Section | None:
    """Show training time and objective of the completed trials against one hyperparameter."""
    trials = evidence.scored_trials
    if trials is None:
        return None
    key = _key(evidence, trials)
    if key is None:
        return None
    scale = make_axis(trials.space, key)
    places = scale.positions(trials.points)
    shown = trials.completed & np.isfinite(places)
    if not shown.any():
        return None
    groups = [shown & (places == place) for place in np.unique(places[shown])]
    repeated = max(int(group.sum()) for group in groups) > 1 and len(groups) <= MAX_ROWS
    blocks: list[Block] = [_figure(trials, scale, places, shown, groups if repeated else [])]
    if repeated:
        blocks.append(_table(trials, key, groups))
    return Section(blocks)


def _key(evidence: Evidence, trials: ScoredTrials) -> str | None:
    """Return the key in `report.against`, or that of the most important hyperparameter."""
    requested = evidence.against
    if requested is None:
        return next(iter(trials.keys_by_importance), None)
    if requested not in trials.space.keys:
        raise DataError(f"report.against: {requested!r} was not swept; {suggest(requested, trials.space.keys)}.")
    return requested


def _figure(
    trials: ScoredTrials,
    scale: Axis,
    places: NDArray[np.float64],
    shown: NDArray[np.bool_],
    groups: list[NDArray[np.bool_]],
) -> Figure:
    key = scale.dimension.key
    with style.applied():
        drawing, (time, score) = style.new_figure(1, 2, height=2.9)
        _panel(time, scale, places, trials.seconds, shown, groups)
        time.set_ylim(bottom=0)
        time.set_ylabel("training time in seconds")
        _panel(score, scale, places, trials.values, shown, groups)
        format_objective_axis(score, trials.objective, limits=_limits(trials, shown, groups))
        score.set_ylabel(trials.objective)
    count = format_count(int(shown.sum()), "completed trial")
    caption = f"Training time (left) and {trials.objective} (right) against {key}, for {count}."
    if groups:
        caption += " Large points are means and lines are standard deviations over the trials with the same value."
    caption += " " + _extremes(trials, scale, groups) if len(groups) > 1 else ""
    caption += " The other hyperparameters vary as well." if len(trials.space.keys) > 1 else ""
    alt = f"Two panels: training time and {trials.objective} of each completed trial against {key}."
    return Figure("search-against", drawing, caption, alt)


def _limits(trials: ScoredTrials, shown: NDArray[np.bool_], groups: list[NDArray[np.bool_]]) -> tuple[float, float]:
    """Return the displayed range of the objective, extended to the means and their standard deviations."""
    ends = [*objective_range(trials, shown)]
    for group in groups:
        mean, spread = trials.values[group].mean(), _std(trials.values[group])
        ends += [mean - 1.05 * spread, mean + 1.05 * spread]
    return min(ends), max(ends)


def _std(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _panel(
    axes: Axes,
    scale: Axis,
    places: NDArray[np.float64],
    values: NDArray[np.float64],
    shown: NDArray[np.bool_],
    groups: list[NDArray[np.bool_]],
) -> None:
    axes.scatter(places[shown], values[shown], **{**COMPLETED, "color": style.GREY if groups else style.BLUE})
    if groups:
        at = [places[group][0] for group in groups]
        means = [values[group].mean() for group in groups]
        spread = [_std(values[group]) for group in groups]
        axes.errorbar(at, means, yerr=spread, fmt="o-" if scale.ordered else "o", color=style.BLUE, markersize=6)
    scale.apply_to(axes)
    axes.set_xlabel(scale.dimension.key)


def _extremes(trials: ScoredTrials, scale: Axis, groups: list[NDArray[np.bool_]]) -> str:
    """Return a sentence with the fastest value and the one with the best objective, by their means."""
    key = scale.dimension.key
    fastest = min(groups, key=lambda group: trials.seconds[group].mean())
    best = max(groups, key=lambda group: trials.gains[group].mean())
    values = [value_label(trials.points[int(np.argmax(group))][key]) for group in (fastest, best)]
    return (
        f"On average, {values[0]} is fastest ({trials.seconds[fastest].mean():.1f} s) and {values[1]} has the best "
        f"{trials.objective} ({trials.format(trials.values[best].mean())})."
    )


def _format_seconds(values: NDArray[np.float64]) -> str:
    mean = f"{values.mean():.1f}"
    return mean if len(values) < 2 else f"{mean} \N{PLUS-MINUS SIGN} {_std(values):.1f}"


def _table(trials: ScoredTrials, key: str, groups: list[NDArray[np.bool_]]) -> Table:
    rows = [
        [
            value_label(trials.points[int(np.argmax(group))][key]),
            str(int(group.sum())),
            _format_seconds(trials.seconds[group]),
            format_mean_and_std(trials.values[group], trials.objective),
        ]
        for group in groups
    ]
    columns = [key, "trials", "seconds", trials.objective]
    caption = "Mean \N{PLUS-MINUS SIGN} standard deviation over the completed trials with the same value."
    return Table(columns, rows, caption, columns[1:])
