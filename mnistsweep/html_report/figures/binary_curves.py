"""Drawings of ROC and precision-recall curves."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from mnistsweep.analysis.binary_curves import BinaryCurves
from mnistsweep.html_report.figures import style
from mnistsweep.text import shorten

# Maximum number of curves in one drawing.
MAX_CURVES = len(style.PALETTE)

MAX_NAME_LENGTH = 20


def draw_curves(curves: Mapping[str, BinaryCurves]) -> Figure:
    """Draw the ROC curve (left) and the precision-recall curve (right) of scores.

    Args:
        curves: Curves by name, at most `MAX_CURVES`, each with examples of both kinds.
    """
    with style.applied():
        figure, (roc, recall) = style.new_figure(1, 2, height=3.4)
        roc.plot([0, 1], [0, 1], color=style.GREY, linestyle="--", linewidth=1)
        for (name, one), colour in zip(curves.items(), style.PALETTE, strict=False):
            label = style.escape_math(shorten(name, MAX_NAME_LENGTH))
            roc.plot(one.false_positive_rate, one.true_positive_rate, color=colour, label=label)
            recall.step(one.recall, one.precision, color=colour, where="post")
        if len(curves) == 1:
            (only,) = curves.values()
            recall.axhline(only.positives / only.examples, color=style.GREY, linestyle="--", linewidth=1)
        roc.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC")
        recall.set(xlabel="recall", ylabel="precision", title="Precision and recall")
        for axes in (roc, recall):
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
            axes.grid(True)
        if len(curves) > 1:
            handles, labels = roc.get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    return figure
