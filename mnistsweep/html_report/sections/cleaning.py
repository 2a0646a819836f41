"""Label cleaning: results of `mnistsweep clean`, which removes or corrects suspected training labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from mnistsweep.analysis.arms import Arm, compare_arms
from mnistsweep.analysis.paired import PairedDifference, format_points
from mnistsweep.analysis.planting import DetectionScores
from mnistsweep.analysis.treatments import AMBIGUOUS, ARMS, CORRECTED, SUSPECTS
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.mosaic import draw_mosaic
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Section, Table, Text
from mnistsweep.html_report.shown_inputs import format_value
from mnistsweep.report_paths import CleanPaths

# Maximum number of suspected labels in the figure.
MAX_SHOWN = 20

# Advice where an arm is better or worse than training on the unchanged training set.
BETTER = {
    SUSPECTS: "Remove the suspected training labels",
    CORRECTED: "Correct the suspected training labels",
    AMBIGUOUS: "Remove the most ambiguous training examples",
}
WORSE = {
    SUSPECTS: "Do not remove the suspected training labels",
    CORRECTED: "Do not correct the suspected training labels as the models suggest",
    AMBIGUOUS: "Keep the most ambiguous training examples",
}


def section(evidence: Evidence) -> Section | None:
    """Show the arms of the experiment and the first suspected labels; None where the experiment was not completed."""
    paths = None if evidence.cleaning is None else CleanPaths(evidence.cleaning)
    if paths is None or not paths.summary.is_file():
        return None
    summary = json.loads(paths.summary.read_text(encoding="utf-8"))
    runs, suspects = pd.read_csv(paths.runs), pd.read_csv(paths.suspects)
    runs = runs[runs.seed < summary["seeds"]].sort_values("seed", kind="stable")
    arms = compare_arms({arm: runs.accuracy[runs.arm == arm].to_numpy() for arm in ARMS})
    blocks: list[Block] = [
        Text(_what_was_done(summary, evidence)),
        Facts(_facts(summary)),
        Text(summary["sentence"]),
        _figure(arms, summary),
        _table(arms, runs),
    ]
    if paths.images.is_file():
        with np.load(paths.images, allow_pickle=False) as file:
            blocks.append(_first_suspects(file["images"] / 255, suspects, _names(evidence, suspects)))
    else:
        blocks.append(_suspects_table(suspects, _names(evidence, suspects)))
    advice = [] if summary["planted"] else _advice(arms)
    return Section(blocks, advice, {"cleaning-runs.csv": runs, "cleaning-suspects.csv": suspects})


def _what_was_done(summary: dict[str, Any], evidence: Evidence) -> str:
    identity, seeds = summary["identity"], summary["seeds"]
    share = f"{100 * identity['plant']:g} %"
    planted = f" Before that, {share} of the training labels were replaced by wrong ones (planted errors)."
    same = f"{seeds} seeds" if seeds > 1 else "seed"
    text = (
        f"Each of the {summary['examples']:,} training labels was checked with a model that was not trained on it "
        f"({identity['folds']} folds).{planted if summary['planted'] else ''} Then the configuration of trial "
        f"{identity['trial']} was trained on five versions of the training set, with the same {same} "
        f"each, and evaluated on the {summary['validation']:,} unchanged validation {evidence.words.many}. The test "
        f"set was not used."
    )
    if identity["trial"] != evidence.winner.number:
        text += f" Trial {evidence.winner.number} is the winner now; `mnistsweep clean` repeats the experiment with it."
    return text


def _facts(summary: dict[str, Any]) -> list[Fact]:
    flagged, examples = summary["flagged"], summary["examples"]
    note = f"which is {100 * flagged / examples:.2f} %" if flagged else "so the arms use the most suspected one"
    facts = [Fact("suspected training labels", f"{flagged:,}", f"of {examples:,}, {note}")]
    if summary["planted"]:
        found = DetectionScores(**summary["planted"])
        among = f"of {found.num_planted:,}, among the same number at the top of the ranking"
        facts.append(Fact("planted errors found", f"{100 * found.recall:.2f} %", among))
        if flagged:
            held = f"which are {100 * found.flagged_recall:.2f} % of the planted errors"
            facts.append(Fact("suspected labels that were planted", f"{100 * found.flagged_precision:.2f} %", held))
    return facts


def _figure(arms: Sequence[Arm], summary: dict[str, Any]) -> Figure:
    shown = [(arm.name, arm.to_nothing) for arm in arms if arm.to_nothing is not None]
    clear = [ARMS[name] for name, difference in shown if difference.is_clear]
    seen = f"Intervals without 0: {', '.join(clear)}." if clear else "All intervals contain 0."
    what = "With one seed, there is no interval."
    if summary["seeds"] > 1:
        what = (
            f"Small dots: one seed each. Large dots: their mean, with its 95 % interval. {seen} The probability that "
            "at least one of the four intervals misses the true value by chance is larger than 5 %."
        )
    return Figure(
        "cleaning-arms",
        _draw(shown),
        "Change of the validation accuracy by each treatment of the training set, relative to the unchanged training "
        f"set, paired by seed. {what}",
        "Four rows, one for each treatment, with dots for the difference of each seed, their mean and its interval: "
        + "; ".join(f"{ARMS[name]} {format_points(difference)}" for name, difference in shown)
        + ".",
    )


def _draw(shown: Sequence[tuple[str, PairedDifference]]) -> Drawing:
    with style.applied():
        drawing, (axes,) = style.new_figure(height=2.4)
        axes.axvline(0, color=style.GREY, linewidth=1.0)
        for row, (_, difference) in enumerate(shown):
            colour = style.VERMILION if difference.is_clear else style.BLUE
            if np.isfinite(difference.low):
                axes.plot([100 * difference.low, 100 * difference.high], [row, row], color=colour, linewidth=2.2)
            axes.plot([100 * difference.mean], [row], "o", color=colour, markersize=7)
            if len(difference.values) == 1:
                continue
            lifted = np.full(len(difference.values), row - 0.24)
            axes.plot(100 * difference.values, lifted, "o", color=style.GREY, markersize=3.5)
        axes.set_yticks(range(len(shown)), [ARMS[name] for name, _ in shown])
        axes.set_ylim(len(shown) - 0.55, -0.6)
        axes.set_xlabel("change of validation accuracy, in percentage points")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return drawing


def _table(arms: Sequence[Arm], runs: pd.DataFrame) -> Table:
    columns = ["removed", "accuracy", "log loss", "difference to nothing removed", "difference to random"]
    mean = runs.groupby("arm")[["removed", "loss"]].mean()
    rows = [
        [
            ARMS[arm.name],
            f"{mean.removed[arm.name]:.0f}",
            f"{100 * arm.mean:.2f} %" + (f" ± {100 * arm.std:.2f}" if len(arm.scores) > 1 else ""),
            "not defined" if np.isnan(mean.loss[arm.name]) else f"{mean.loss[arm.name]:.4f}",
            *("" if one is None else format_points(one) for one in (arm.to_nothing, arm.to_random)),
        ]
        for arm in arms
    ]
    return Table(
        ["training set", *columns],
        rows,
        "Validation accuracy (mean ± standard deviation over seeds), and paired differences with 95 % intervals. A "
        "treatment is useful only if it is also better than removing the same number of examples at random. The most "
        "ambiguous examples are selected among those with unsuspected labels.",
        columns,
    )


def _first_suspects(images: Any, suspects: pd.DataFrame, names: Sequence[str]) -> Figure:
    first = suspects.head(min(MAX_SHOWN, len(images)))
    planted = int(first.planted.sum())
    columns = (first[column].tolist() for column in ("index", "label", "suggested"))
    titles = [f"{place}\n{names[label]} → {names[other]}" for place, label, other in zip(*columns, strict=True)]
    note = f" {planted} of these {len(first)} were planted." if suspects.planted.any() else ""
    return Figure(
        "cleaning-suspects",
        draw_mosaic(images[: len(first)], titles),
        f"The {len(first)} most suspected training labels, with index in the training set and label → suggested class."
        f"{note}",
        f"{len(first)} training images with their labels and the suggested classes.",
    )


def _names(evidence: Evidence, suspects: pd.DataFrame) -> Sequence[str]:
    """Names of the classes; their numbers where the page has no names."""
    if isinstance(evidence, ClassEvidence):
        return evidence.class_names
    return [str(number) for number in range(int(suspects[["label", "suggested"]].to_numpy().max()) + 1)]


def _suspects_table(suspects: pd.DataFrame, names: Sequence[str]) -> Table:
    first = suspects.head(MAX_SHOWN)
    shown = [column for column in first.columns if column.startswith("input: ")]
    rows = [
        [str(row["index"]), names[row["label"]], names[row["suggested"]], *(format_value(row[one]) for one in shown)]
        for row in first.to_dict("records")
    ]
    columns = ["index", "label", "suggested", *(one.removeprefix("input: ") for one in shown)]
    note = f" {int(first.planted.sum())} of these were planted." if suspects.planted.any() else ""
    caption = f"The {len(first)} most suspected training labels, with index in the training set.{note}"
    return Table(columns, rows, caption, numbers=("index",))


def _advice(arms: Sequence[Arm]) -> list[str]:
    """Return advice on arms with a clear difference; a better arm must also be better than random removal."""
    advice = []
    for arm in arms:
        difference, to_random = arm.to_nothing, arm.to_random
        if difference is None or to_random is None or not difference.is_clear:
            continue
        reason = f"with {ARMS[arm.name]}, the validation accuracy changes by {format_points(difference)}."
        if difference.mean > 0 and to_random.is_clear and to_random.mean > 0:
            advice.append(f"{BETTER[arm.name]}: {reason}")
        elif difference.mean < 0:
            advice.append(f"{WORSE[arm.name]}: {reason}")
    return advice
