"""The plot of a benchmark of searches: regret by epochs, one panel a table, bands of one standard error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np

from helpers.search.methods import METHODS
from helpers.search.scores import PLOTTED_EVERY, Score, mean_and_error

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def draw(scores: Sequence[Score], file: Path, units: Mapping[str, str]) -> None:
    """Draw all tables.

    Args:
        scores: Scores of all searches.
        file: PNG file.
        units: What is on the vertical axis, by the name of the table.
    """
    tables = list(dict.fromkeys(score.table for score in scores))
    figure, axes = plt.subplots(1, len(tables), figsize=(5 * len(tables), 4.5), squeeze=False)
    for panel, table in zip(axes[0], tables, strict=True):
        methods = dict.fromkeys(score.method for score in scores if score.table == table)
        for method in methods:
            curves = np.array([score.curve for score in scores if (score.table, score.method) == (table, method)])
            means, errors = np.array([mean_and_error(column) for column in curves.T]).T
            epochs = PLOTTED_EVERY * np.arange(1, len(means) + 1)
            named = METHODS[method]
            (line,) = panel.plot(
                epochs, means, "-" if named.is_ours else "--", label=named.label, lw=2 if named.is_ours else 1
            )
            panel.fill_between(epochs, means - errors, means + errors, color=line.get_color(), alpha=0.15, lw=0)
        panel.set(title=table, xlabel="epochs", ylabel=units[table], xscale="log")
        panel.set_yscale("symlog", linthresh=0.1)
        panel.grid(alpha=0.3)
    axes[0][-1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(file, dpi=130)
    plt.close(figure)
