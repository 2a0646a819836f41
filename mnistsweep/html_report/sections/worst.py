"""Worst predictions: the test examples with the largest errors of predicted numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mnistsweep.analysis.regression import worst_first
from mnistsweep.html_report.figures.single_example import draw_numbers
from mnistsweep.html_report.outputs import NumbersEvidence
from mnistsweep.html_report.ranked_examples import MAX_ROWS, gallery
from mnistsweep.html_report.records import Block, Figure, Section, Table, Text

# Maximum number of targets in the table.
MAX_TARGETS = 3


def section(evidence: NumbersEvidence) -> Section:
    """Rank the test examples by the error of the committee, largest first."""
    order = worst_first(evidence.committee, evidence.targets)
    first, words = order[: evidence.top], evidence.words
    blocks: list[Block] = [Text(_share(evidence, order)), _table(evidence, order)]
    blocks += gallery(
        evidence.inputs,
        first,
        lambda index: _title(evidence, index),
        (
            f"The {len(first)} test {words.many} with the largest errors, largest first.",
            "rank and index, target and prediction",
            "predictions.csv lists all of them.",
        ),
        "worst",
        f"The {len(first)} test {words.many} with the largest errors.",
    )
    blocks.append(_figure(evidence, int(order[0])))
    return Section(blocks, files={"predictions.csv": _file(evidence, order)})


def _share(evidence: NumbersEvidence, order: np.ndarray) -> str:
    squares = ((evidence.committee - evidence.targets) ** 2)[:, 0]
    worst = order[: max(1, len(order) // 100)]
    total = float(squares.sum())
    share = f"{100 * float(squares[worst].sum()) / total:.1f} %" if total > 0 else "0 %"
    of = f" of {evidence.target_names[0]}" if len(evidence.target_names) > 1 else ""
    many, one = evidence.words.many, evidence.words.one
    have = f"The worst {many}, {len(worst):,} of {len(order):,}, have" if len(worst) > 1 else f"The worst {one} has"
    divided = ", divided by the standard deviation of each target" if len(evidence.target_names) > 1 else ""
    return (
        f"The {many} are ranked by the absolute error of {evidence.committee_name}{divided}. {have} {share} of the sum "
        f"of squared errors{of}. A large error can be a wrong target, a rare kind of {one}, or a weakness of the model."
    )


def _title(evidence: NumbersEvidence, index: int) -> str:
    shown = range(min(len(evidence.target_names), 2))
    committee = evidence.committee
    return "\n".join(
        f"{evidence.target_names[one]} {evidence.targets[index, one]:.4g} → {committee[index, one]:.4g}"
        if len(evidence.target_names) > 1
        else f"{evidence.targets[index, one]:.4g} → {committee[index, one]:.4g}"
        for one in shown
    )


def _table(evidence: NumbersEvidence, order: np.ndarray) -> Table:
    names, committee = evidence.target_names[:MAX_TARGETS], evidence.committee
    columns = ["rank", "index"]
    for name in names:
        prefix = f"{name}: " if len(evidence.target_names) > 1 else ""
        columns += [f"{prefix}target", f"{prefix}prediction", f"{prefix}error"]
    if evidence.several_seeds:
        columns.append("standard deviation over seeds")
    rows = []
    for rank, index in enumerate(order[:MAX_ROWS].tolist(), 1):
        cells = [str(rank), str(index)]
        for target in range(len(names)):
            true, guess = evidence.targets[index, target], committee[index, target]
            cells += [f"{true:.4g}", f"{guess:.4g}", f"{guess - true:+.4g}"]
        if evidence.several_seeds:
            cells.append(f"{evidence.predictions[:, index, 0].std(ddof=1):.3g}")
        rows.append(cells)
    caption = f"The {len(rows)} worst predictions. predictions.csv lists all {len(order):,} test {evidence.words.many}."
    return Table(columns, rows, caption, columns)


def _figure(evidence: NumbersEvidence, index: int) -> Figure:
    drawing = draw_numbers(
        evidence.inputs, evidence.predictions[:, index], evidence.targets[index], evidence.target_names, index
    )
    one = evidence.words.one
    caption = f"The worst prediction, {one} {index}. `mnistsweep show` draws any {one} in this way."
    return Figure("worst-prediction", drawing, caption, f"{one.capitalize()} {index} beside target and predictions.")


def _file(evidence: NumbersEvidence, order: np.ndarray) -> pd.DataFrame:
    committee, frame = evidence.committee, pd.DataFrame({"index": np.arange(len(order))})
    for target, name in enumerate(evidence.target_names):
        prefix = f"{name}: " if len(evidence.target_names) > 1 else ""
        frame[f"{prefix}target"] = evidence.targets[:, target]
        frame[f"{prefix}prediction"] = committee[:, target]
        frame[f"{prefix}residual"] = committee[:, target] - evidence.targets[:, target]
        if evidence.several_seeds:
            frame[f"{prefix}std_over_seeds"] = evidence.predictions[:, :, target].std(axis=0, ddof=1)
    return frame.iloc[order].reset_index(drop=True)
