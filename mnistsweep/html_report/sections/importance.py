"""Which hyperparameters made the difference between the best trials and the others?"""

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

# Advice wants so many trials.
MIN_TRIALS = 30

METHOD = Score(
    "importance",
    "D(key) / sum of all D, where D is the Pearson divergence of the key's values among the best trials from its "
    "values among all",
    "PED-ANOVA: Watanabe, Bansal and Hutter, 2023; conditional dimensions as in Optuna 5",
    "0 to 1, the sum is 1",
    "larger made more of a difference",
)


def section(evidence: Evidence) -> Section | None:
    """The importance of each hyperparameter, with its spread."""
    trials = evidence.scored_trials
    if trials is None:
        return None
    found = trials.importances
    if not found.dimensions:
        return Section([Text(f"The importance of the hyperparameters cannot be told. {found.reason}")])
    rows = [
        {"hyperparameter": one.key, "importance": one.mean, "std": one.std, "active_trials": one.active}
        for one in found.dimensions
    ]
    blocks: list[Block] = [_figure(found), Formulas("How importance is measured", [METHOD])]
    return Section(blocks, _advice(found), {"importance.csv": pd.DataFrame(rows)})


def _figure(found: Importances) -> Figure:
    shown = list(reversed(found.dimensions))
    with style.applied():
        drawing, (axes,) = style.new_figure(height=0.7 + 0.32 * len(shown))
        means = [100 * one.mean for one in shown]
        # No bar reaches below 0 or past 100 %.
        down = [min(100 * one.std, mean) for one, mean in zip(shown, means, strict=True)]
        up = [min(100 * one.std, 100 - mean) for one, mean in zip(shown, means, strict=True)]
        axes.barh(range(len(shown)), means, height=0.55, color=style.BLUE)
        axes.errorbar(means, range(len(shown)), xerr=[down, up], fmt="none", ecolor=style.ORANGE, elinewidth=2.0)
        axes.set_yticks(range(len(shown)), labels=[one.key for one in shown])
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, 100)
        axes.set_xlabel("importance in per cent, with its standard deviation")
    caption = (
        f"{_first(found)} What is compared is how a hyperparameter's values are spread among the best {found.best} "
        f"and among all {found.trials} trials (pruned ones count as worse than completed ones); the line is the "
        "standard deviation over 30 resamples of the trials."
    )
    unclear = [one.key for one in found.dimensions if 0 < one.mean < one.std]
    if unclear:
        caption += f" Not told from nothing, for their spread is larger than they are: {', '.join(unclear)}."
    alt = "Bars of importance: " + ", ".join(f"{one.key} {_share(one)}" for one in found.dimensions) + "."
    return Figure("importance", drawing, caption, alt)


def _first(found: Importances) -> str:
    """Which came first, and whether its lead on the second is more than their spreads together."""
    first, *others = found.dimensions
    share = f"{_share(first)} of the importance of all."
    if others and first.mean - others[0].mean <= math.hypot(first.std, others[0].std):
        return f"No hyperparameter stands out; {first.key} comes first with {share}"
    return f"{first.key} made the most difference: {share}"


def _share(one: Importance) -> str:
    return f"{100 * one.mean:.0f} \N{PLUS-MINUS SIGN} {100 * one.std:.0f} %"


def _advice(found: Importances) -> list[str]:
    """What to search on, and what to leave alone, where the spread allows to say so."""
    if found.trials < MIN_TRIALS or len(found.dimensions) < 3:
        return []
    even = 1 / len(found.dimensions)
    strong = [one for one in found.dimensions if one.mean - 2 * one.std > even]
    weak = [one for one in found.dimensions if one.active == found.trials and one.mean + 2 * one.std < even / 2]
    sentences = []
    if strong:
        named = ", ".join(f"{one.key} ({_share(one)})" for one in strong)
        sentences.append(f"Most of the difference was made by {named}: search there more finely.")
    if weak and strong:
        named = ", ".join(f"{one.key} ({_share(one)})" for one in weak)
        sentences.append(f"Little depended on {named}: fix them at the best trial's values in the next sweep.")
    return sentences
