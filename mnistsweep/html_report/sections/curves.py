"""Learning curves: metric and loss of each epoch, on training and validation data."""

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

# Columns of the learning curves that hold no metric.
OTHERS = ("trial", "seed", "epoch", "learning_rate", "seconds", "returned")

# Overfitting: the last validation loss is larger than the smallest one by more than this share.
RISE = 0.05

# A learning rate has decayed if it is below this share of its maximum.
DECAYED = 0.1

# Losses that differ by more than this factor are drawn on a logarithmic axis.
LOG_FROM = 4.0

# Depth of the displayed range below the best epoch, as a multiple of the distance from the best to the median epoch: a
# first epoch far below the others would flatten the rest.
RANGE_DEPTH = 6.0


def section(evidence: Evidence) -> Section | None:
    """Draw the learning curves of the winner, of the other trials behind it, and of the retrained models."""
    if evidence.search is None or evidence.search.scored is None:
        return None
    curves = evidence.search.curves
    own = curves[curves["trial"] == evidence.winner.number].sort_values("epoch")
    shown = _metrics(own, evidence.winner.objective)
    if not len(own) or not shown:
        return None
    return Section([_figure(evidence, own, shown)], _advice(evidence.winner, own, evidence.images is not None))


def _metrics(own: pd.DataFrame, objective: str) -> list[str]:
    """Return the metrics to draw: that of the objective (or the first one that is no loss), and the loss."""
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
    curves, retrained = evidence.search.curves, evidence.retraining_curves
    behind = validation if validation in own else name
    label: str | None = f"other trials, {'validation' if behind == validation else 'training'}"
    others = curves[curves["trial"] != evidence.winner.number]
    if behind in others and len(others):
        axes.plot(*_joined(others, "trial", behind), color=style.GREY, linewidth=0.8, alpha=0.6, label=label)
    if retrained is not None and name in retrained:
        axes.plot(*_joined(retrained, "seed", name), color=style.SKY, linewidth=0.9, label="retrained, training")
    for column, color, what in ((name, style.BLUE, "training"), (validation, style.ORANGE, "validation")):
        if column in own:
            axes.plot(own["epoch"], own[column], "o-", color=color, label=f"winner, {what}")
    best = evidence.winner.best_epoch
    if not evidence.winner.mean_of:  # of several trainings, the best epoch may be another one's
        axes.axvline(best, color=style.VERMILION, linestyle=":", linewidth=1.2, label="best epoch")
    ends = [curves["epoch"].max(), *([] if retrained is None else [retrained["epoch"].max()]), 2]
    margin = 0.03 * max(ends)
    axes.set_xlim(1 - margin, max(ends) + margin)
    _scale(axes, own, name)


def _joined(curves: pd.DataFrame, by: str, column: str) -> tuple[list[float], list[float]]:
    """Join the curves to one line with gaps, because hundreds of lines are slow to draw."""
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
        depth = min(RANGE_DEPTH * (top - float(np.median(values))), top - float(values.min())) or 0.01
        format_objective_axis(axes, name, limits=(top - 1.05 * depth, top + 0.05 * depth))


def _caption(evidence: Evidence, own: pd.DataFrame, shown: list[str]) -> str:
    text = _best(evidence.winner, own, shown)
    if len(own) > 1:
        text += (
            " Training metrics are means over an epoch, with changing weights and with dropout, so training accuracy "
            "can be below validation accuracy in early epochs."
        )
    if evidence.retraining_curves is not None:
        count = evidence.retraining_curves["seed"].nunique()
        models = f"{count} retrained models were" if count != 1 else "1 retrained model was"
        text += f" The {models} trained on training and validation data together."
    return text


def _best(winner: Winner, own: pd.DataFrame, shown: list[str]) -> str:
    reached = f"{winner.objective} {format_metric(winner.objective, winner.value)}"
    if winner.mean_of:
        shown_one = "fold" if winner.folds > 1 else "repeat"
        return f"Trial {winner.number}: {reached}, {winner.mean_of}; the curve is that of {shown_one} 1."
    text = (
        f"The best epoch of trial {winner.number} is {winner.best_epoch} of {winner.epochs} (dotted line): {reached}."
    )
    at_best = own[own["epoch"] == winner.best_epoch]
    for name in shown:
        if len(at_best) and {name, f"val_{name}"} <= set(own.columns):
            training, validation = float(at_best[name].iloc[0]), float(at_best[f"val_{name}"].iloc[0])
            values = (
                f"{format_metric(name, training)} on training and {format_metric(name, validation)} on validation data"
            )
            text += f" At this epoch, {name} is {values}."
    return text


def _advice(winner: Winner, own: pd.DataFrame, are_images: bool) -> list[str]:
    found = [_overfitting(winner, own, are_images), _unfinished(winner, own)]
    return [sentence for sentence in found if sentence]


def _overfitting(winner: Winner, own: pd.DataFrame, are_images: bool) -> str:
    """Return advice if the last validation loss is clearly above the smallest one while the training loss fell.

    Otherwise, the result is an empty string.
    """
    if not {"loss", "val_loss"} <= set(own.columns):
        return ""
    measured = own.dropna(subset=["loss", "val_loss"])
    if len(measured) < 2:
        return ""
    lowest, last = measured.iloc[int(measured["val_loss"].argmin())], measured.iloc[-1]
    if last["val_loss"] <= (1 + RISE) * lowest["val_loss"] or last["loss"] >= lowest["loss"]:
        return ""
    return (
        f"Reduce overfitting by more dropout{', by augmentation,' * are_images} or by `trainer.patience`: the "
        f"validation loss of trial {winner.number} rose from {lowest['val_loss']:.4g} (epoch {int(lowest['epoch'])}) "
        f"to {last['val_loss']:.4g} (epoch {int(last['epoch'])}) while the training loss fell from "
        f"{lowest['loss']:.4g} to {last['loss']:.4g}."
    )


def _unfinished(winner: Winner, own: pd.DataFrame) -> str:
    """Return advice if the best epoch is the last one, otherwise an empty string.

    With several trainings, the best epoch of the one with this curve is not known.
    """
    if winner.mean_of or len(own) < 2:
        return ""
    if winner.best_epoch != int(own["epoch"].max()) or winner.best_epoch < winner.epochs:
        return ""
    text = f"the best epoch of trial {winner.number} is its last, {winner.best_epoch} of {winner.epochs}"
    if winner.objective in own:
        gain = float(own[winner.objective].iloc[-1] - own[winner.objective].iloc[-2])
        text += f" ({winner.objective} {format_metric_change(winner.objective, gain)} in that epoch)"
    rates = own["learning_rate"].dropna() if "learning_rate" in own else own["epoch"][:0]
    if len(rates) and rates.iloc[-1] < DECAYED * rates.max():
        return f"Try a larger `trainer.epochs`: {text}, although the learning rate had decayed."
    return f"Raise `trainer.epochs`: {text}, so it was still improving."
