"""What answering only when sure brings: the blocks of the calibration section on accuracy against coverage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from mnistsweep.analysis.accuracy import wilson_interval
from mnistsweep.analysis.coverage import Coverage, measure_coverage
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.records import Figure, Table
from mnistsweep.text import percent, percent_range

# Rows of the table of coverages, and accuracies that one may want to reach.
COVERAGES = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8)
TARGETS = (0.995, 0.999)

# An advice to answer only when sure is one only if at least this share is answered.
MIN_COVERAGE = 0.5


def coverage_figure(curves: list[Coverage], curve: Coverage) -> Figure:
    """The error of the answers given, of each seed and of the committee.

    Args:
        curves: One a seed.
        curve: Of the committee; with one seed, the same.
    """
    area = np.array([one.risk_area for one in curves])
    caption = (
        "The share of wrong answers if only the most confident images are answered, from all of them (at the right end "
        f"of the curve: {percent(1 - curve.accuracy[-1])} wrong) to ever fewer. "
    )
    point = curve.largest_point_with(TARGETS[-1])
    if point is not None:
        caption += (
            f"At {percent(curve.coverage[point])} coverage {percent(curve.accuracy[point])} of the answers are right. "
        )
    caption += f"Area under the curve: {curve.risk_area:.5f}"
    caption += f" for the committee, {area.mean():.5f} for one model." if len(curves) > 1 else "."
    alt = "The error rate of the answers given, against the share of images that is answered."
    return Figure("calibration-coverage", _draw(curves, curve), caption, alt)


def coverage_table(curve: Coverage) -> Table:
    """A few points of the curve with their intervals."""
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
    columns = ("answered", "confidence at least", "right of these", "Wilson 95 %")
    caption = (
        "How right the answers are if only the most confident images are answered. The thresholds were read off these "
        "same test images, which the intervals do not know."
    )
    return Table(columns, rows, caption, columns)


def coverage_advice(evidence: Evidence, curve: Coverage) -> list[str]:
    """The threshold of the highest target that enough images reach, if it brings something.

    It is chosen on the validation side of the winner's checkpoint, so that the test set can tell what it gives.

    Args:
        evidence: Whose checkpoint is asked.
        curve: Of the committee: where there is no checkpoint, its threshold is read off the test images.
    """
    checkpoint = evidence.checkpoint
    if checkpoint is None:
        return _read_off(curve)
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
        f"Answering only when the winner's checkpoint is at least {percent(threshold)} sure, a threshold chosen on its "
        f"validation side for {100 * target:g} % accuracy, leaves {percent(answered.mean())} of the test images and "
        f"{percent(right[answered].mean())} accuracy ({percent_range(float(low), float(high))}) instead of "
        f"{percent(right.mean())}; give the others to a human."
    ]


def _choice(curve: Coverage) -> tuple[float, int] | None:
    """The highest target that enough images reach, but not all do, and its point of the curve."""
    for target in reversed(TARGETS):
        point = curve.largest_point_with(target)
        if point is not None and curve.accuracy[-1] < target and curve.coverage[point] >= MIN_COVERAGE:
            return target, point
    return None


def _read_off(curve: Coverage) -> list[str]:
    chosen = _choice(curve)
    if chosen is None:
        return []
    _, point = chosen
    return [
        f"Answering only when confidence is at least {percent(curve.thresholds[point])} leaves "
        f"{percent(curve.coverage[point])} of the images and {percent(curve.accuracy[point])} accuracy instead of "
        f"{percent(curve.accuracy[-1])}; give the others to a human. "
        "The threshold was read off these same test images, which flatters it."
    ]


def coverage_rows(curve: Coverage) -> pd.DataFrame:
    """The curve at 200 coverages, for ``coverage.csv``."""
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
            label = "one model (a line a seed)" if number == 0 else None
            axes.step(
                100 * curve.coverage, 100 * (1 - curve.accuracy), color=style.SKY, linewidth=1, alpha=0.8, label=label
            )
        label = "committee" if several else "the model"
        axes.step(100 * together.coverage, 100 * (1 - together.accuracy), color=style.VERMILION, label=label)
        axes.set(xlim=(100 * _least_shown(together), 100.5), xlabel="images answered, %", ylabel="wrong answers, %")
        top = max(float(1 - one.accuracy[-1]) for one in (*curves, together))
        axes.set_ylim(-5 * top, 125 * top if top > 0 else 1)
        axes.grid(True)
        axes.legend(loc="upper left")
    return figure


def _least_shown(curve: Coverage) -> float:
    """A round coverage a little below the one where nine of ten errors are gone."""
    point = curve.largest_point_with(1 - 0.1 * float(1 - curve.accuracy[-1]))
    gone = 0.0 if point is None else float(curve.coverage[point])
    return float(np.floor(20 * (1 - min(1.0, 1.6 * (1 - gone) + 0.05))) / 20)
