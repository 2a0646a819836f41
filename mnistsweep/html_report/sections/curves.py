"""How did the winner learn: accuracy and loss an epoch, on training and validation data?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from mnistsweep.html_report.evidence import Evidence, Winner
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.scatter import format_objective_axis
from mnistsweep.html_report.records import Figure, Section
from mnistsweep.text import format_metric, format_metric_change, is_share

# Columns of a curve that are no metric.
OTHERS = ("trial", "seed", "epoch", "learning_rate", "seconds")

# The validation loss rises where it ends so much above its lowest.
RISE = 0.05

# A learning rate below this share of its peak has decayed.
DECAYED = 0.1

# Losses that differ by a larger factor stand on a logarithmic axis.
LOG_FROM = 4.0

# Like the view of trials: a first epoch far below the others would flatten the rest.
VIEW_DEPTH = 6.0


def section(evidence: Evidence) -> Section | None:
    """The winner's learning curves, with those of the other trials behind, and the refits'."""
    if evidence.search is None or evidence.search.scored is None:
        return None
    curves = evidence.search.curves
    own = curves[curves["trial"] == evidence.winner.number].sort_values("epoch")
    shown = _metrics(own, evidence.winner.objective)
    if not len(own) or not shown:
        return None
    return Section([_figure(evidence, own, shown)], _advice(evidence.winner, own))


def _metrics(own: pd.DataFrame, objective: str) -> list[str]:
    """The objective's metric, or the first that is no loss, and the loss."""
    measured = [name for name in own.columns if name not in OTHERS and own[name].notna().any()]
    names = list(dict.fromkeys(name.removeprefix("val_") for name in measured))
    scores = sorted((name for name in names if name != "loss"), key=lambda name: name != objective.removeprefix("val_"))
    return [*scores[:1], *(name for name in names if name == "loss")]


def _figure(evidence: Evidence, own: pd.DataFrame, shown: list[str]) -> Figure:
    winner = evidence.winner
    with style.applied():
        drawing, panels = style.new_figure(1, len(shown), height=3.1)
        for panel, name in zip(panels, shown, strict=True):
            _panel(panel, evidence, own, name)
        handles, labels = panels[0].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside upper center", ncols=3)
    alt = f"Learning curves of trial {winner.number}: {' and '.join(shown)} against the epoch, training and validation."
    return Figure("learning-curves", drawing, _caption(evidence, own, shown), alt)


def _panel(axes: Axes, evidence: Evidence, own: pd.DataFrame, name: str) -> None:
    validation = f"val_{name}"
    assert evidence.search is not None
    curves, refits = evidence.search.curves, evidence.retraining_curves
    behind = validation if validation in own else name
    label: str | None = f"other trials, {'validation' if behind == validation else 'training'}"
    others = curves[curves["trial"] != evidence.winner.number]
    if behind in others and len(others):
        axes.plot(*_joined(others, "trial", behind), color=style.GREY, linewidth=0.8, alpha=0.6, label=label)
    if refits is not None and name in refits:
        axes.plot(*_joined(refits, "seed", name), color=style.SKY, linewidth=0.9, label="refits, training")
    for column, color, what in ((name, style.BLUE, "training"), (validation, style.ORANGE, "validation")):
        if column in own:
            axes.plot(own["epoch"], own[column], "o-", color=color, label=f"winner, {what}")
    best = evidence.winner.best_epoch
    if evidence.winner.repeats == 1:  # else it may be another repeat's
        axes.axvline(best, color=style.VERMILION, linestyle=":", linewidth=1.2, label="best epoch")
    ends = [curves["epoch"].max(), *([] if refits is None else [refits["epoch"].max()]), 2]
    margin = 0.03 * max(ends)
    axes.set_xlim(1 - margin, max(ends) + margin)
    _scale(axes, own, name)


def _joined(curves: pd.DataFrame, by: str, column: str) -> tuple[list[float], list[float]]:
    """All curves as one line with gaps: five hundred lines would be slow."""
    epochs: list[float] = []
    values: list[float] = []
    for _, one in curves.sort_values([by, "epoch"]).groupby(by, sort=True):
        epochs += [*one["epoch"].tolist(), np.nan]
        values += [*one[column].tolist(), np.nan]
    return epochs, values


def _scale(axes: Axes, own: pd.DataFrame, name: str) -> None:
    values = own[[column for column in (name, f"val_{name}") if column in own]].to_numpy(dtype=float).ravel()
    values = values[np.isfinite(values)]
    axes.set_xlabel("epoch")
    axes.set_ylabel(name)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if name == "loss" and len(values) and 0 < LOG_FROM * values.min() < values.max():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(values.min() / 1.2, values.max() * 1.2)
    elif is_share(name) and len(values):
        top = float(values.max())
        depth = min(VIEW_DEPTH * (top - float(np.median(values))), top - float(values.min())) or 0.01
        format_objective_axis(axes, name, limits=(top - 1.05 * depth, top + 0.05 * depth))


def _caption(evidence: Evidence, own: pd.DataFrame, shown: list[str]) -> str:
    text = _best(evidence.winner, own, shown)
    if len(own) > 1:
        text += (
            " Training is measured while the weights move and with dropout, so that it may lie below validation early."
        )
    if evidence.retraining_curves is not None:
        count = evidence.retraining_curves["seed"].nunique()
        text += f" The {count} refit{'s' * (count != 1)} learnt from training and validation data together."
    return text


def _best(winner: Winner, own: pd.DataFrame, shown: list[str]) -> str:
    reached = f"{winner.objective} {format_metric(winner.objective, winner.value)}"
    if winner.repeats > 1:
        return f"Trial {winner.number}: {reached}, mean over {winner.repeats} repeats; the curve is the first repeat's."
    text = f"Trial {winner.number} was best at epoch {winner.best_epoch} of {winner.epochs} (dotted line): {reached}."
    at_best = own[own["epoch"] == winner.best_epoch]
    for name in shown:
        if len(at_best) and {name, f"val_{name}"} <= set(own.columns):
            training, validation = float(at_best[name].iloc[0]), float(at_best[f"val_{name}"].iloc[0])
            values = f"{format_metric(name, training)} in training and {format_metric(name, validation)} in validation"
            text += f" There {name} was {values}."
    return text


def _advice(winner: Winner, own: pd.DataFrame) -> list[str]:
    found = [_overfitting(winner, own), _unfinished(winner, own)]
    return [sentence for sentence in found if sentence]


def _overfitting(winner: Winner, own: pd.DataFrame) -> str:
    """Whether the validation loss rose to the end while the training loss fell."""
    if not {"loss", "val_loss"} <= set(own.columns):
        return ""
    measured = own.dropna(subset=["loss", "val_loss"])
    if len(measured) < 2:
        return ""
    lowest, last = measured.iloc[int(measured["val_loss"].argmin())], measured.iloc[-1]
    if last["val_loss"] <= (1 + RISE) * lowest["val_loss"] or last["loss"] >= lowest["loss"]:
        return ""
    return (
        f"Overfitting: the validation loss of trial {winner.number} rose from {lowest['val_loss']:.4g} (epoch "
        f"{int(lowest['epoch'])}) to {last['val_loss']:.4g} (epoch {int(last['epoch'])}) while the training loss fell "
        f"from {lowest['loss']:.4g} to {last['loss']:.4g}. Try more dropout, augmentation, or `trainer.patience`."
    )


def _unfinished(winner: Winner, own: pd.DataFrame) -> str:
    """Whether the best epoch was the last one; of repeats, that of the curve is not known."""
    if winner.repeats > 1 or len(own) < 2:
        return ""
    if winner.best_epoch != int(own["epoch"].max()) or winner.best_epoch < winner.epochs:
        return ""
    text = f"The best epoch of trial {winner.number} was its last, {winner.best_epoch} of {winner.epochs}"
    if winner.objective in own:
        gain = float(own[winner.objective].iloc[-1] - own[winner.objective].iloc[-2])
        text += f" ({winner.objective} {format_metric_change(winner.objective, gain)} in that epoch)"
    rates = own["learning_rate"].dropna() if "learning_rate" in own else own["epoch"][:0]
    if len(rates) and rates.iloc[-1] < DECAYED * rates.max():
        return f"{text}, though the learning rate had decayed: a larger `trainer.epochs` may bring more."
    return f"{text}: it was still learning. Raise `trainer.epochs`."
