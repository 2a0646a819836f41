"""Objectives and constraints: the Pareto front of several objectives, and how many trials violate each constraint."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from mnistsweep.html_report.evidence import Evidence, SearchHistory
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.scatter import draw_trials, format_objective_axis, note_on_trials_outside
from mnistsweep.html_report.records import Block, Figure, Section, Table
from mnistsweep.study.scored_trials import ScoredTrials
from mnistsweep.study.violations import count_violations
from mnistsweep.text import format_count, format_metric, format_point, format_quantity, is_share

# Maximum number of trials in the table on the page; ``front.csv`` has all of them.
MAX_LISTED = 20

# An axis is logarithmic where the largest value is more than this multiple of the smallest one.
LOGARITHMIC = 20


def section(evidence: Evidence) -> Section | None:
    """Show the Pareto front and the constraints; None for a search with one objective and without constraints."""
    search = evidence.search
    if search is None or not (search.further or search.constraints):
        return None
    blocks: list[Block] = []
    trials, files = search.scored, {}
    if search.further and trials is not None and len(trials.front):
        table = front_table(trials)
        blocks += [_figure(trials, bool(search.constraints)), _listed(trials, table)]
        files["front.csv"] = table
    if search.constraints:
        blocks.append(_constraints(search))
    return Section(blocks, files=files) if blocks else None


def front_table(trials: ScoredTrials) -> pd.DataFrame:
    """Return the trials on the Pareto front with all objectives, the best first objective first."""
    rows = [
        {"trial": int(trials.numbers[position]), trials.objective: float(trials.values[position])}
        | {one.name: float(trials.others[position, index]) for index, one in enumerate(trials.further)}
        | {key: trials.points[position].get(key) for key in trials.space.keys}
        for position in trials.front.tolist()
    ]
    return pd.DataFrame(rows)


def _figure(trials: ScoredTrials, has_constraints: bool) -> Figure:
    front, names = trials.front, [one.name for one in trials.further]
    with style.applied():
        drawing, panels = style.new_figure(1, len(names), height=3.0, sharey=True)
        for index, (panel, name) in enumerate(zip(panels, names, strict=True)):
            values = trials.others[:, index]
            draw_trials(panel, values, trials, labels=index == 0)
            places = front[values[front].argsort(kind="stable")]
            # With more than two objectives, the points on the front are no staircase in this projection.
            line = "-" if len(names) == 1 else "none"
            steps = "steps-post" if trials.further[index].direction == "min" else "steps-pre"
            panel.plot(values[places], trials.values[places], linestyle=line, drawstyle=steps, color=style.GREEN,
                       marker="o", markersize=7, markerfacecolor="none", zorder=3,
                       label="Pareto front" if index == 0 else None)  # fmt: skip
            shown = values[np.isfinite(values)]
            if shown.min() > 0 and shown.max() > LOGARITHMIC * shown.min():
                panel.set_xscale("log")
            elif is_share(name):
                format_objective_axis(panel, name, "x")
            else:
                panel.xaxis.set_major_locator(MaxNLocator(5))
            panel.set_xlabel(name)
        panels[0].set_ylabel(trials.objective)
        drawing.legend(loc="outside upper center", ncols=4)
    count = format_count(int(trials.completed.sum()), "completed trial")
    kept = " that keep all constraints" if has_constraints else ""
    caption = (
        f"{len(front)} of {count}{kept} are on the Pareto front of {_names(trials)}: no other is "
        "at least as good in all of them and better in one. The star is the winner of this report, the trial of the "
        f"front with the best {trials.objective}."
    )
    alt = f"{trials.objective} of each trial against {' and '.join(names)}; the Pareto front is marked."
    return Figure("objectives-front", drawing, caption + note_on_trials_outside(trials), alt)


def _listed(trials: ScoredTrials, table: pd.DataFrame) -> Table:
    names = [trials.objective, *(one.name for one in trials.further)]
    points = [trials.points[position] for position in trials.front.tolist()]
    rows = [
        (str(row["trial"]), *(_shown(name, row[name]) for name in names), format_point(point))
        for row, point in zip(table.to_dict("records")[:MAX_LISTED], points, strict=False)
    ]
    hidden = len(table) - MAX_LISTED
    rest = f" front.csv lists {hidden} more." if hidden > 0 else ""
    caption = f"Trials on the Pareto front; `mnistsweep export SWEEP --trial N` writes the configuration of one.{rest}"
    return Table(("trial", *names, "configuration"), rows, caption, numbers=("trial", *names))


def _shown(name: str, value: float) -> str:
    return format_metric(name, value) if is_share(name) else format_quantity(value)


def _names(trials: ScoredTrials) -> str:
    directions = [(trials.objective, trials.direction), *((one.name, one.direction) for one in trials.further)]
    return ", ".join(
        f"{name} ({'larger' if direction == 'max' else 'smaller'} is better)" for name, direction in directions
    )


def _constraints(search: SearchHistory) -> Table:
    counts = count_violations(search.trials)
    rows = [(str(one), *map(str, counts.get(str(one), (0, 0)))) for one in search.constraints]
    caption = (
        "Constraints of the search: a trial that violates one is neither the winner nor on a Pareto front. A trial "
        "that failed before a quantity was measured is not judged."
    )
    return Table(
        ("constraint", "violated by", "judged trials"), rows, caption, numbers=("violated by", "judged trials")
    )
