"""Blocks of the calibration section on selective prediction: accuracy where only confident predictions are used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from mnistsweep.analysis.accuracy import wilson_interval
from mnistsweep.analysis.coverage import Coverage, measure_coverage
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.records import Figure, Table
from mnistsweep.html_report.shown_inputs import Words
from mnistsweep.text import percent, percent_range

# Coverages in the table, and target accuracies of the facts and the advice.
COVERAGES = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8)
TARGETS = (0.995, 0.999)

# Minimum coverage for advice.
MIN_COVERAGE = 0.5


def coverage_figure(curves: list[Coverage], curve: Coverage) -> Figure:
    """Return the error rate against coverage, of each seed and of the committee.

    Args:
        curves: Curve of each seed.
        curve: Curve of the committee; with one seed, that of the model.
    """
    area = np.array([one.risk_area for one in curves])
    caption = (
        "Error rate if only the most confident predictions are used. Coverage is the share of these predictions; at "
        f"100 %, on the right, the error rate is {percent(1 - curve.accuracy[-1])}. "
    )
    point = curve.largest_point_with(TARGETS[-1])
    if point is not None:
        caption += (
            f"At a coverage of {percent(curve.coverage[point])}, the accuracy is {percent(curve.accuracy[point])}. "
        )
    caption += f"Area under the curve: {curve.risk_area:.5f}"
    caption += f" for the committee, {area.mean():.5f} for one model." if len(curves) > 1 else "."
    alt = "Error rate of the predictions that are used, against coverage."
    return Figure("calibration-coverage", _draw(curves, curve), caption, alt)


def coverage_table(curve: Coverage, words: Words) -> Table:
    """Return a table of some points of the curve, with intervals of their accuracy.

    Args:
        curve: Curve of the committee.
        words: Words for the examples.
    """
    points = curve.points_at(sorted(COVERAGES))[::-1]
    low, high = curve.interval(points)
    rows = [
        [
            percent(curve.coverage[point]),
            percent(curve.thresholds[point], 4),
            percent(curve.accuracy[point]),
            percent_range(below, above),
        ]
        for point, below, above in zip(points, low, high, strict=True)
    ]
    columns = ("coverage", "minimum confidence", "accuracy", "Wilson 95 %")
    caption = (
        "Accuracy if only the most confident predictions are used. The thresholds were chosen on the same test "
        f"{words.many}, "
        "which the intervals do not account for."
    )
    return Table(columns, rows, caption, columns)


def coverage_advice(evidence: ClassEvidence, curve: Coverage) -> list[str]:
    """Return advice on a confidence threshold, for the highest target accuracy that leaves enough predictions.

    The threshold is chosen on the validation data of the winner's checkpoint, so that the accuracy on the test set is
    unbiased.

    Args:
        evidence: ClassEvidence with the checkpoint.
        curve: Curve of the committee, the source of the threshold where there is no checkpoint.
    """
    checkpoint = evidence.checkpoint
    if checkpoint is None:
        return _advice_without_checkpoint(curve, evidence.words)
    validation = measure_coverage(checkpoint.validation, checkpoint.validation_labels)
    chosen = _choice(validation)
    if chosen is None:
        return []
    target, point = chosen
    threshold = validation.thresholds[point]
    answered = checkpoint.test.max(axis=1) >= threshold
    right = checkpoint.test.argmax(axis=1) == evidence.labels
    if not answered.any() or right[answered].mean() <= right.mean():
        return []
    low, high = wilson_interval(right[answered].sum(), answered.sum())
    return [
        f"Let a person decide where the confidence of the winner's checkpoint is below {percent(threshold)}: with this "
        f"threshold, chosen on the validation data for {100 * target:g} % accuracy, the model decides "
        f"{percent(answered.mean())} of the test {evidence.words.many} with an accuracy of "
        f"{percent(right[answered].mean())} ({percent_range(float(low), float(high))}) instead of "
        f"{percent(right.mean())}."
    ]


def _choice(curve: Coverage) -> tuple[float, int] | None:
    """Return the highest target that is reached at enough coverage, but not at full coverage, and its point."""
    for target in reversed(TARGETS):
        point = curve.largest_point_with(target)
        if point is not None and curve.accuracy[-1] < target and curve.coverage[point] >= MIN_COVERAGE:
            return target, point
    return None


def _advice_without_checkpoint(curve: Coverage, words: Words) -> list[str]:
    chosen = _choice(curve)
    if chosen is None:
        return []
    _, point = chosen
    return [
        f"Let a person decide where the confidence is below {percent(curve.thresholds[point])}: the model then decides "
        f"{percent(curve.coverage[point])} of the {words.many} with an accuracy of {percent(curve.accuracy[point])} "
        f"instead of {percent(curve.accuracy[-1])}. The threshold was chosen on the same test {words.many}, so this "
        f"accuracy is optimistic."
    ]


def coverage_rows(curve: Coverage) -> pd.DataFrame:
    """Return the curve at 200 coverages, for ``coverage.csv``."""
    points = curve.points_at(np.linspace(0.005, 1.0, 200))
    low, high = curve.interval(points)
    return pd.DataFrame(
        {
            "coverage": curve.coverage[points],
            "confidence_at_least": curve.thresholds[points],
            "answered": curve.answered[points],
            "right": curve.right[points],
            "accuracy": curve.accuracy[points],
            "accuracy_low": low,
            "accuracy_high": high,
        }
    )


def _draw(curves: Sequence[Coverage], together: Coverage) -> Drawing:
    with style.applied():
        figure, (axes,) = style.new_figure(height=3.0)
        several = len(curves) > 1
        for number, curve in enumerate(curves if several else ()):
            label = "one model (one line per seed)" if number == 0 else None
            axes.step(
                100 * curve.coverage, 100 * (1 - curve.accuracy), color=style.SKY, linewidth=1, alpha=0.8, label=label
            )
        label = "committee" if several else "the model"
        axes.step(100 * together.coverage, 100 * (1 - together.accuracy), color=style.VERMILION, label=label)
        axes.set(xlim=(100 * _min_displayed_coverage(together), 100.5), xlabel="coverage, %", ylabel="error rate, %")
        top = max(float(1 - one.accuracy[-1]) for one in (*curves, together))
        axes.set_ylim(-5 * top, 125 * top if top > 0 else 1)
        axes.grid(True)
        axes.legend(loc="upper left")
    return figure


def _min_displayed_coverage(curve: Coverage) -> float:
    """Return a round coverage slightly below the one at which the error rate is a tenth of that at full coverage."""
    point = curve.largest_point_with(1 - 0.1 * float(1 - curve.accuracy[-1]))
    gone = 0.0 if point is None else float(curve.coverage[point])
    return float(np.floor(20 * (1 - min(1.0, 1.6 * (1 - gone) + 0.05))) / 20)
