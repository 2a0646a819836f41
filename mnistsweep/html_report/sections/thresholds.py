"""Thresholds: ROC and precision-recall curves of two classes, and a threshold that is chosen on validation data."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mnistsweep.analysis.accuracy import sample_std
from mnistsweep.analysis.binary_curves import DEFAULT_THRESHOLD, BinaryCurves, best_threshold, measure_curves
from mnistsweep.analysis.multi_label import LabelScores, score_labels
from mnistsweep.html_report.figures.binary_curves import draw_curves
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Section, Table, Text
from mnistsweep.text import percent, percent_range

# Advice on the threshold needs this gain of F1 on the test set.
MIN_GAIN = 0.01


def section(evidence: ClassEvidence) -> Section | None:
    """Show both curves of the second class, and scores at two thresholds; None where there are not two classes."""
    if len(evidence.class_names) != 2:
        return None
    truth, scores = evidence.labels, evidence.committee[:, 1]
    curves = measure_curves(scores, truth)
    if not np.isfinite(curves.roc_area):
        return Section([Text("The test set has examples of one class only, so there are no curves.")])
    seeds = [measure_curves(one[:, 1], truth) for one in evidence.probabilities]
    threshold = _chosen(evidence)
    blocks: list[Block] = [
        Text(_reading(evidence, threshold)),
        _facts(evidence, curves, seeds),
        _figure(evidence, curves),
        _table(evidence, threshold),
    ]
    return Section(blocks, _advice(evidence, threshold), {"roc.csv": _roc(curves), "precision-recall.csv": _pr(curves)})


def _chosen(evidence: ClassEvidence) -> float | None:
    """Threshold with the largest F1 on the validation data of the winner's checkpoint; None where there is none."""
    checkpoint = evidence.checkpoint
    if checkpoint is None:
        return None
    return best_threshold(checkpoint.validation[:, 1], checkpoint.validation_labels)


def _reading(evidence: ClassEvidence, threshold: float | None) -> str:
    positive = evidence.class_names[1]
    text = (
        f"The curves show every threshold for the probability of class {positive}, which is called positive here. At "
        f"or above the threshold, this class is predicted. A confusion matrix and the accuracy use the threshold 0.5. "
    )
    if threshold is None:
        return (
            text + "No threshold was chosen: there are no predictions of the winner's checkpoint for validation data."
        )
    return text + (
        f"The threshold {threshold:.4g} has the largest F1 on the validation data, by the winner's checkpoint, which "
        "was not trained on them. The test set only shows the result."
    )


def _facts(evidence: ClassEvidence, curves: BinaryCurves, seeds: list[BinaryCurves]) -> Facts:
    areas, averages = np.array([one.roc_area for one in seeds]), np.array([one.average_precision for one in seeds])
    several = f"; mean over {len(seeds)} seeds: " if len(seeds) > 1 else ""

    def over(values: np.ndarray) -> str:
        return f"{several}{values.mean():.4f} ± {sample_std(values):.4f}" if several else ""

    low, high = curves.roc_interval.low, curves.roc_interval.high
    share = curves.positives / curves.examples
    return Facts(
        [
            Fact("area under the ROC curve", f"{curves.roc_area:.4f}", f"95 %: {low:.4f} to {high:.4f}{over(areas)}"),
            Fact(
                "average precision",
                f"{curves.average_precision:.4f}",
                f"area under the precision-recall curve; random: {share:.4f}{over(averages)}",
            ),
            Fact(
                "positive",
                f"{curves.positives:,}",
                f"of {curves.examples:,} test {evidence.words.many}: {percent(share)}",
            ),
        ]
    )


def _figure(evidence: ClassEvidence, curves: BinaryCurves) -> Figure:
    caption = (
        f"ROC curve (left) and precision-recall curve (right) of {evidence.committee_name} for class "
        f"{evidence.class_names[1]}, on {curves.examples:,} test {evidence.words.many}. Areas: {curves.roc_area:.4f} "
        f"and {curves.average_precision:.4f}. Dashed: a score without information."
    )
    alt = "Two curves: true positive rate against false positive rate, and precision against recall."
    return Figure("thresholds-curves", draw_curves({evidence.class_names[1]: curves}), caption, alt)


def _scores(evidence: ClassEvidence, which: str, threshold: float) -> LabelScores:
    checkpoint = evidence.checkpoint
    one = evidence.committee if which == "committee" or checkpoint is None else checkpoint.test
    return score_labels(one[:, 1:], evidence.labels[:, None], threshold)


def _table(evidence: ClassEvidence, threshold: float | None) -> Table:
    models = [(evidence.committee_name.removeprefix("the "), "committee", DEFAULT_THRESHOLD)]
    if threshold is not None:
        models.append((models[0][0], "committee", threshold))
    if evidence.checkpoint is not None and evidence.winner.retrained:
        models.append((f"trial {evidence.winner.number}", "checkpoint", DEFAULT_THRESHOLD))
        models += [(f"trial {evidence.winner.number}", "checkpoint", threshold)] if threshold is not None else []
    rows = []
    for name, which, limit in models:
        found = _scores(evidence, which, limit)
        intervals = (found.precision_interval[:, 0], found.recall_interval[:, 0])
        rows.append(
            [
                name,
                f"{limit:.4g}",
                *(
                    "–" if np.isnan(value) else f"{percent(value)} ({percent_range(*ends)})"
                    for value, ends in zip((found.precision[0], found.recall[0]), intervals, strict=True)
                ),
                "–" if np.isnan(found.f1[0]) else percent(found.f1[0]),
                percent(found.cells),
            ]
        )
    columns = ("model", "threshold", "precision", "recall", "F1", "accuracy")
    caption = (
        f"Scores for class {evidence.class_names[1]} on the test set at the threshold 0.5"
        f"{', and at the one chosen on the validation data' if threshold is not None else ''}, with 95 % Wilson "
        "intervals."
    )
    return Table(columns, rows, caption, columns[1:])


def _advice(evidence: ClassEvidence, threshold: float | None) -> list[str]:
    if threshold is None:
        return []
    before, after = (_scores(evidence, "checkpoint", one).f1[0] for one in (DEFAULT_THRESHOLD, threshold))
    if not after - before > MIN_GAIN:  # also where one of them is not defined
        return []
    return [
        f"Predict class {evidence.class_names[1]} at a probability of {threshold:.4g} or more: chosen on the "
        f"validation data, this threshold raises F1 of the winner's checkpoint on the test set from "
        f"{percent(before)} to {percent(after)}."
    ]


def _roc(curves: BinaryCurves) -> pd.DataFrame:
    return pd.DataFrame(
        {"false_positive_rate": curves.false_positive_rate, "true_positive_rate": curves.true_positive_rate}
    )


def _pr(curves: BinaryCurves) -> pd.DataFrame:
    return pd.DataFrame({"recall": curves.recall, "precision": curves.precision})
