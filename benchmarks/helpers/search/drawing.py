"""The plot of a benchmark of searches: regret by epochs, a panel for each table, bands of one standard error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from helpers.search.methods import DEFAULT, METHODS
from helpers.search.scores import PLOTTED_EVERY, Score, mean_and_error

matplotlib.use("Agg")
from matplotlib import pyplot as plt

COLORS = matplotlib.colormaps["tab20"].colors


def draw(scores: Sequence[Score], file: Path, units: Mapping[str, str], budgets: Sequence[int]) -> None:
    """Draw all tables.

    Args:
        scores: Scores of all searches.
        file: PNG file.
        units: What is on the vertical axis, by the name of the table.
        budgets: Budgets in epochs; a method that plans for its budget has a value at these only.
    """
    tables = list(dict.fromkeys(score.table for score in scores))
    columns = min(2, len(tables))
    figure, axes = plt.subplots(
        -(-len(tables) // columns), columns, figsize=(6.5 * columns, 1 + 4 * -(-len(tables) // columns)),
        squeeze=False, layout="constrained",
    )  # fmt: skip
    lines: dict[str, Line2D] = {}
    for panel, table in zip(axes.flat, tables, strict=False):
        own = [score for score in scores if score.table == table]
        for name in [name for name in METHODS if any(score.method == name for score in own)]:
            lines[name] = _draw_method(panel, name, [score for score in own if score.method == name], budgets)
        panel.set(title=table, xlabel="epochs", ylabel=units[table], xscale="log")
        panel.set_yscale("symlog", linthresh=0.1)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    for panel in axes.flat[len(tables) :]:
        panel.axis("off")
    labels = [METHODS[name].label for name in lines]
    figure.legend(list(lines.values()), labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _draw_method(panel: Axes, name: str, scores: Sequence[Score], budgets: Sequence[int]) -> Line2D:
    """Draw the mean and the band of a method: the default black, ours solid, peers dashed."""
    is_anytime = METHODS[name].is_anytime
    rows = [one.curve if is_anytime else one.by_epochs for one in scores]
    means, errors = np.array([mean_and_error(column) for column in zip(*rows, strict=True)]).T
    epochs = PLOTTED_EVERY * np.arange(1, len(means) + 1) if is_anytime else np.array(budgets)
    color = "black" if name == DEFAULT else COLORS[list(METHODS).index(name) % len(COLORS)]
    style, width = ("-" if METHODS[name].is_ours else "--"), (2.5 if name == DEFAULT else 1.2)
    (line,) = panel.plot(epochs, means, style, color=color, lw=width, zorder=3 if name == DEFAULT else 2)
    panel.fill_between(epochs, means - errors, means + errors, color=color, alpha=0.12, lw=0)
    return line
