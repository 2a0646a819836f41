"""Importance of each hyperparameter for the objective, with its standard deviation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from mnistsweep.analysis.score import Score
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.records import Block, Figure, Formulas, Section, Text

if TYPE_CHECKING:
    from mnistsweep.search.importance import Importance, Importances

METHOD = Score(
    "importance",
    "D(key) / sum of all D, where D is the Pearson divergence of the key's values among the best trials from its "
    "values among all",
    "PED-ANOVA: Watanabe, Bansal and Hutter, 2023; conditional dimensions as in Optuna 5",
    "0 to 1, the sum is 1",
    "larger is more important",
)


def section(evidence: Evidence) -> Section | None:
    """Show the importance of each hyperparameter; None where no trial has completed."""
    trials = evidence.scored_trials
    if trials is None:
        return None
    found = trials.importances
    if not found.dimensions:
        return Section([Text(f"The importance of the hyperparameters is not known. {found.reason}")])
    rows = [
        {"hyperparameter": one.key, "importance": one.mean, "std": one.std, "active_trials": one.active}
        for one in found.dimensions
    ]
    blocks: list[Block] = [_figure(found), Formulas("Definition of the importance", [METHOD])]
    return Section(blocks, files={"importance.csv": pd.DataFrame(rows)})


def _figure(found: Importances) -> Figure:
    shown = list(reversed(found.dimensions))
    with style.applied():
        drawing, (axes,) = style.new_figure(height=0.7 + 0.32 * len(shown))
        means = [100 * one.mean for one in shown]
        # Error bars end at 0 and at 100 %.
        down = [min(100 * one.std, mean) for one, mean in zip(shown, means, strict=True)]
        up = [min(100 * one.std, 100 - mean) for one, mean in zip(shown, means, strict=True)]
        axes.barh(range(len(shown)), means, height=0.55, color=style.BLUE)
        axes.errorbar(means, range(len(shown)), xerr=[down, up], fmt="none", ecolor=style.ORANGE, elinewidth=2.0)
        axes.set_yticks(range(len(shown)), labels=[one.key for one in shown])
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, 100)
        axes.set_xlabel("importance in per cent, with its standard deviation")
    caption = (
        f"{_first(found)} The importance compares the distribution of a hyperparameter's values among the best "
        f"{found.best} trials with that among all {found.trials} trials (pruned trials rank below completed ones). The "
        "line is the standard deviation over 30 resamples of the trials."
    )
    unclear = [one.key for one in found.dimensions if 0 < one.mean < one.std]
    if unclear:
        caption += f" Not distinguishable from 0 (below the standard deviation): {', '.join(unclear)}."
    alt = "Bars of importance: " + ", ".join(f"{one.key} {_share(one)}" for one in found.dimensions) + "."
    return Figure("importance", drawing, caption, alt)


def _first(found: Importances) -> str:
    """Return the most important hyperparameter, and whether its lead exceeds the combined standard deviations."""
    first, *others = found.dimensions
    share = f"{_share(first)} of the total importance."
    if others and first.mean - others[0].mean <= math.hypot(first.std, others[0].std):
        return f"No hyperparameter is clearly the most important one; {first.key} is first with {share}"
    return f"{first.key} is the most important hyperparameter: {share}"


def _share(one: Importance) -> str:
    return f"{100 * one.mean:.0f} \N{PLUS-MINUS SIGN} {100 * one.std:.0f} %"
