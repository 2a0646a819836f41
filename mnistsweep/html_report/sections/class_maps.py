"""Class maps: pixel accuracy and intersection over union of segmentations, with the worst examples."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mnistsweep.analysis.accuracy import sample_std
from mnistsweep.analysis.class_maps import MapScores, measure_maps
from mnistsweep.html_report.figures.array_rows import MAX_EXAMPLES, draw_image_rows
from mnistsweep.html_report.outputs import MapsEvidence
from mnistsweep.html_report.records import Block, Fact, Figure, Section, Table, Text
from mnistsweep.text import percent, percent_range

MAX_CLASSES = 30


def headline(evidence: MapsEvidence) -> list[Fact]:
    """Return the accuracy of the positions and the mean IoU, for the section on the best model."""
    seeds = [measure_maps(one, evidence.truth) for one in evidence.predictions]
    first, what = seeds[0], _position(evidence)
    return [
        Fact(f"test {what} accuracy", *_over(seeds, "accuracy", first.accuracy_interval)),
        Fact("test mean IoU", *_over(seeds, "mean_iou", first.mean_iou_interval)),
    ]


def _over(seeds: list[MapScores], name: str, interval: np.ndarray) -> tuple[str, str]:
    values = np.array([getattr(one, name) for one in seeds])
    several = len(seeds) > 1
    over = f"± {percent(sample_std(values))} (standard deviation over {len(seeds)} seeds); seed 0: " if several else ""
    return percent(float(values.mean())), f"{over}bootstrap 95 %: {percent_range(*interval)}"


def section(evidence: MapsEvidence) -> Section:
    """Show IoU and accuracy of each class, and the examples with the lowest accuracy."""
    found = measure_maps(evidence.predictions[0], evidence.truth)
    order = np.argsort(found.accuracy_of_examples, kind="stable")
    blocks: list[Block] = [Text(_reading(evidence)), _table(evidence, found)]
    if evidence.truth.ndim == 3:
        blocks.append(_worst(evidence, found, order))
    files = {
        "classes.csv": _classes(evidence, found),
        "examples.csv": pd.DataFrame({"index": order, "accuracy": found.accuracy_of_examples[order]}),
    }
    return Section(blocks, files=files)


def _position(evidence: MapsEvidence) -> str:
    return "pixel" if evidence.truth.ndim == 3 else "position"


def _reading(evidence: MapsEvidence) -> str:
    one = _position(evidence)
    which = " Scores of classes and examples are those of seed 0." if evidence.several_seeds else ""
    return (
        f"The model predicts a class for each {one}. Intersection over union (IoU) of a class is the number of {one}s "
        f"that have the class and are predicted so, divided by the number of those that have it or are predicted so. "
        f"The intervals are 95 % percentile intervals of the bootstrap over {len(evidence.truth):,} test "
        f"{evidence.words.many}.{which}"
    )


def _table(evidence: MapsEvidence, found: MapScores) -> Table:
    order = np.argsort(np.nan_to_num(found.iou, nan=2.0), kind="stable")[:MAX_CLASSES]
    rows = [
        [
            _name(evidence, one),
            percent(found.support[one] / max(found.support.sum(), 1)),
            "–"
            if np.isnan(found.iou[one])
            else f"{percent(found.iou[one])} ({percent_range(*found.iou_interval[:, one])})",
        ]
        for one in order.tolist()
    ]
    columns = ("class", f"share of {_position(evidence)}s", "IoU")
    caption = "Each class, the lowest IoU first. –: the class occurs neither in the targets nor in the predictions."
    return Table(columns, rows, caption, columns[1:])


def _name(evidence: MapsEvidence, one: int) -> str:
    return evidence.class_names[one] if one < len(evidence.class_names) else str(one)


def _worst(evidence: MapsEvidence, found: MapScores, order: np.ndarray) -> Figure:
    first = order[:MAX_EXAMPLES]
    images = evidence.images
    rows = [("input", images[first], False)] if images is not None else []
    rows += [("target", evidence.truth[first], True), ("prediction", evidence.predictions[0][first], True)]
    titles = [f"{index}\n{percent(found.accuracy_of_examples[index], 1)}" for index in first.tolist()]
    caption = (
        f"The {len(first)} test {evidence.words.many} with the lowest accuracy, lowest first. Above each: its index "
        f"and its accuracy. examples.csv lists all of them."
    )
    alt = "Inputs, targets and predictions of the worst examples below each other."
    return Figure("class-maps-worst", draw_image_rows(rows, titles), caption, alt)


def _classes(evidence: MapsEvidence, found: MapScores) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "class": [_name(evidence, one) for one in range(len(found.iou))],
            "positions": found.support,
            "iou": found.iou,
            "iou_low": found.iou_interval[0],
            "iou_high": found.iou_interval[1],
        }
    )
