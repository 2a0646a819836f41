"""Labels: scores, curves and thresholds of a model that predicts several labels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mnistsweep.analysis.accuracy import sample_std
from mnistsweep.analysis.binary_curves import DEFAULT_THRESHOLD, BinaryCurves
from mnistsweep.analysis.multi_label import LabelScores, choose_thresholds, label_curves, score_labels
from mnistsweep.html_report.figures.binary_curves import MAX_CURVES, draw_curves
from mnistsweep.html_report.figures.single_example import draw_labels
from mnistsweep.html_report.outputs import LabelsEvidence
from mnistsweep.html_report.ranked_examples import gallery
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Section, Table, Text
from mnistsweep.text import listed, percent

MAX_LABELS = 30


def headline(evidence: LabelsEvidence) -> list[Fact]:
    """Return F1 and the share of examples with all labels right, for the section on the best model."""
    found = score_labels(evidence.committee, evidence.truth, DEFAULT_THRESHOLD)
    seeds = [score_labels(one, evidence.truth, DEFAULT_THRESHOLD) for one in evidence.probabilities]
    values = np.array([one.macro_f1 for one in seeds])
    several = len(seeds) > 1
    over = f"; mean over {len(seeds)} seeds: {percent(float(values.mean()))} ± {percent(sample_std(values))}"
    areas = np.array([one.roc_area for one in label_curves(evidence.committee, evidence.truth)])
    area = f"{np.nanmean(areas):.4f}" if np.isfinite(areas).any() else "–"
    who = evidence.committee_name
    return [
        Fact("test F1, mean over labels", percent(found.macro_f1), f"{who}, threshold 0.5{over if several else ''}"),
        Fact("area under the ROC curve", area, f"{who}, mean over labels"),
        Fact("all labels right", percent(found.exact), f"of the test {evidence.words.many}, by {who}"),
    ]


def section(evidence: LabelsEvidence) -> Section:
    """Show the scores of each label at a threshold that is chosen on validation data, and both curves."""
    curves = label_curves(evidence.committee, evidence.truth)
    thresholds = _chosen(evidence)
    found = score_labels(evidence.committee, evidence.truth, thresholds)
    default = score_labels(evidence.committee, evidence.truth, DEFAULT_THRESHOLD)
    wrong = ((evidence.committee >= thresholds) != (evidence.truth == 1)).sum(axis=1)
    order = np.lexsort((-np.abs(evidence.committee - evidence.truth).sum(axis=1), -wrong))
    blocks: list[Block] = [Text(_reading(evidence)), _facts(evidence, found, default)]
    blocks += _figures(evidence, curves)
    blocks += [_table(evidence, found, curves), *_mistakes(evidence, order, wrong, thresholds)]
    files = {"labels.csv": _file(evidence, found, curves), "mistakes.csv": _examples(evidence, order, wrong)}
    return Section(blocks, _advice(evidence, found), files)


def _chosen(evidence: LabelsEvidence) -> np.ndarray:
    checkpoint = evidence.checkpoint
    if checkpoint is None:
        return np.full(len(evidence.label_names), DEFAULT_THRESHOLD)
    return choose_thresholds(checkpoint.validation, checkpoint.validation_labels)


def _reading(evidence: LabelsEvidence) -> str:
    if evidence.checkpoint is None:
        return (
            "A label is predicted at a probability of 0.5 or more: there are no predictions of the winner's checkpoint "
            "for validation data, on which thresholds could be chosen."
        )
    return (
        "A label is predicted at or above its threshold, which has the largest F1 of this label on the validation "
        "data, by the winner's checkpoint, which was not trained on them. The test set only shows the result. A label "
        "without examples of both kinds in the validation data has the threshold 0.5."
    )


def _facts(evidence: LabelsEvidence, found: LabelScores, default: LabelScores) -> Facts:
    many = evidence.words.many

    def at_half(value: float) -> str:
        return f"with the threshold 0.5: {percent(value)}"

    return Facts(
        [
            Fact("F1, mean over labels", percent(found.macro_f1), at_half(default.macro_f1)),
            Fact("F1, all labels together", percent(found.micro_f1), at_half(default.micro_f1)),
            Fact("all labels right", percent(found.exact), f"of the test {many}; {at_half(default.exact)}"),
            Fact("right labels", percent(found.cells), f"of all labels of all {many}; {at_half(default.cells)}"),
        ]
    )


def _figures(evidence: LabelsEvidence, curves: list[BinaryCurves]) -> list[Figure]:
    known = [one for one, curve in enumerate(curves) if np.isfinite(curve.roc_area)]
    if not known:
        return []
    shown = sorted(known, key=lambda one: curves[one].average_precision)[:MAX_CURVES]
    names = evidence.label_names
    which = (
        f" The {len(shown)} labels with the lowest average precision of {len(curves)}."
        if len(shown) < len(curves)
        else ""
    )
    areas = ", ".join(
        f"{names[one]}: {curves[one].roc_area:.4f} and {curves[one].average_precision:.4f}" for one in sorted(shown)
    )
    caption = f"ROC curve (left) and precision-recall curve (right) of each label.{which} Areas: {areas}."
    drawing = draw_curves({names[one]: curves[one] for one in sorted(shown)})
    return [Figure("labels-curves", drawing, caption, f"ROC and precision-recall curves of {len(shown)} labels.")]


def _table(evidence: LabelsEvidence, found: LabelScores, curves: list[BinaryCurves]) -> Table:
    order = np.argsort(np.nan_to_num(found.f1, nan=2.0), kind="stable")[:MAX_LABELS].tolist()
    rows = [
        [
            evidence.label_names[one],
            f"{found.support[one]:,}",
            f"{found.thresholds[one]:.3g}",
            _score(found.precision[one], found.precision_interval[:, one]),
            _score(found.recall[one], found.recall_interval[:, one]),
            _number(100 * found.f1[one], 1),
            _number(curves[one].roc_area, 4),
            _number(curves[one].average_precision, 4),
        ]
        for one in order
    ]
    columns = ("label", "support", "threshold", "precision, %", "recall, %", "F1, %", "ROC area", "average precision")
    hidden = len(evidence.label_names) - len(rows)
    more = f" labels.csv lists {hidden} more." if hidden > 0 else ""
    caption = (
        f"Each label, the lowest F1 first, with 95 % Wilson intervals. Support: number of test {evidence.words.many} "
        f"with the label. –: not defined.{more}"
    )
    return Table(columns, rows, caption, columns[1:])


def _number(value: float, decimals: int) -> str:
    return "–" if np.isnan(value) else f"{value:.{decimals}f}"


def _score(value: float, ends: np.ndarray) -> str:
    return "–" if np.isnan(value) else f"{100 * value:.1f} ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})"


def _mistakes(evidence: LabelsEvidence, order: np.ndarray, wrong: np.ndarray, thresholds: np.ndarray) -> list[Block]:
    count, words = int((wrong > 0).sum()), evidence.words
    if not count:
        return [Text(f"All labels of all test {words.many} are predicted correctly.")]
    first = order[: min(evidence.top, count)]
    committee = evidence.committee

    def title(index: int) -> str:
        true = evidence.truth[index] == 1
        guess = committee[index] >= thresholds
        missed = [f"missing {evidence.label_names[one]}" for one in np.flatnonzero(true & ~guess).tolist()]
        added = [f"added {evidence.label_names[one]}" for one in np.flatnonzero(~true & guess).tolist()]
        return ", ".join([*missed, *added])

    shown = gallery(
        evidence.inputs,
        first,
        title,
        (
            f"The {len(first)} of {count:,} test {words.many} with the most wrong labels.",
            "rank and index, and its labels that are missing in the prediction, or added",
            "mistakes.csv lists all of them.",
        ),
        "labels-mistakes",
        f"Test {words.many} with wrong labels.",
    )
    index = int(first[0])
    drawing = draw_labels(
        evidence.inputs, evidence.probabilities[:, index], evidence.truth[index], evidence.label_names, index
    )
    caption = (
        f"The {words.one} with the most wrong labels, {index}. `mnistsweep show` draws any {words.one} in this way."
    )
    alt = f"{words.one.capitalize()} {index} beside one bar for each label."
    return [*shown, Figure("labels-mistake", drawing, caption, alt)]


def _advice(evidence: LabelsEvidence, found: LabelScores) -> list[str]:
    never = [evidence.label_names[one] for one in np.flatnonzero((found.predicted == 0) & (found.support > 0)).tolist()]
    if not never:
        return []
    return [
        f"Collect more examples of labels that are never predicted although the test set has them: {listed(never, 5)}."
    ]


def _file(evidence: LabelsEvidence, found: LabelScores, curves: list[BinaryCurves]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "label": list(evidence.label_names),
            "support": found.support,
            "predicted": found.predicted,
            "right": found.right,
            "threshold": found.thresholds,
            "precision": found.precision,
            "recall": found.recall,
            "f1": found.f1,
            "roc_area": [one.roc_area for one in curves],
            "average_precision": [one.average_precision for one in curves],
        }
    )


def _examples(evidence: LabelsEvidence, order: np.ndarray, wrong: np.ndarray) -> pd.DataFrame:
    order = order[wrong[order] > 0]
    frame = pd.DataFrame({"index": order, "wrong_labels": wrong[order]})
    probabilities = pd.DataFrame(
        evidence.committee[order], columns=pd.Index([f"probability of {name}" for name in evidence.label_names])
    )
    return pd.concat([frame, probabilities], axis=1)
