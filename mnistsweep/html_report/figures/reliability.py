"""Drawings of calibration: reliability diagrams, each above the number of images in its bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistsweep.analysis.calibration import Calibration
from mnistsweep.html_report.figures import style


def draw_reliability(panels: Mapping[str, Sequence[Calibration]], unit: str) -> Figure:
    """Draw reliability diagrams side by side, each above the number of examples in its bins.

    Args:
        panels: Models of each diagram by its title. A single model has intervals; several models differ in colour.
        unit: Word for several examples, the label of the axis of the numbers.
    """
    with style.applied():
        figure, axes = style.new_figure(
            2, len(panels), width=3.5 * len(panels), height=4.6, height_ratios=(3, 1), sharex=True
        )
        for number, (title, models) in enumerate(panels.items()):
            _reliability(axes[number], models)
            axes[number].set_title(title)
            _counts(axes[len(panels) + number], models)
        axes[0].set_ylabel("accuracy")
        axes[len(panels)].set_ylabel(unit)
    return figure


def _reliability(axes: Axes, models: Sequence[Calibration]) -> None:
    axes.plot([0, 1], [0, 1], color=style.GREY, linestyle="--", linewidth=1)
    for model, colour in zip(models, _colours(len(models)), strict=True):
        filled = model.counts > 0
        x, y = model.confidence[filled], model.accuracy[filled]
        axes.plot(x, y, "o", color=colour, alpha=0.85)
        if len(models) == 1:
            axes.vlines(x, model.low[filled], model.high[filled], color=colour, linewidth=2, alpha=0.45)
    ticks = np.linspace(0, 1, 6)
    axes.set(xlim=(0, 1.03), ylim=(-0.03, 1.03), xticks=ticks, yticks=ticks)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.grid(True)


def _counts(axes: Axes, models: Sequence[Calibration]) -> None:
    alone = len(models) == 1
    for model, colour in zip(models, _colours(len(models)), strict=True):
        filled = model.counts > 0
        # The bars start below 1, so that a bin with one image is visible.
        counts = np.where(filled, model.counts, 0.5)
        axes.stairs(
            counts, model.edges, baseline=0.5, color=colour, fill=alone, linewidth=1.2, alpha=0.6 if alone else 1
        )
    axes.set(yscale="log", xlabel="confidence", ylim=(0.5, None))
    axes.grid(True, axis="y")


def _colours(count: int) -> list[str]:
    return [style.PALETTE[number % len(style.PALETTE)] for number in range(count)]
