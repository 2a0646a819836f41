"""The plain Python loops of notebooks beside the analyses, on the same arrays, for `report.py`.

A loop goes over the rows that `model.predict` returns (notebook), or over lists made of them, which is the fastest loop
(lists). The third side is numpy alone: the same result without checks and without the other fields of the analysis's
record.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers import common
from mnistsweep.analysis.confidence import Ambiguity, rank_ambiguous, rank_one_model
from mnistsweep.analysis.confusion import measure_confusion
from mnistsweep.analysis.mistakes import find_mistakes

CLASSES = 10
EXPECTED = 50


@dataclass(frozen=True)
class Comparison:
    """One question that several implementations answer.

    Attributes:
        what: Description of the question.
        sides: Implementations by name; the first is the notebook's loop, `analysis` is ours.
        expected: Expected ratio of the notebook's time to ours; None for no expectation.
    """

    what: str
    sides: dict[str, Callable[[], Any]]
    expected: float | None = None


def compare(probabilities: NDArray[np.float64], labels: NDArray[np.int64], repeats: int) -> bool:
    """Time all sides in turn; returns whether all gave the same results."""
    print(f"\nloops over {len(labels):,} rows, milliseconds; {len(probabilities)} seeds; {repeats} times each, in turn")
    same = True
    for comparison in comparisons(probabilities, labels):
        results = [side() for side in comparison.sides.values()]
        same &= (equal := all(agree(result, results[0]) for result in results[1:]))
        taken: dict[str, list[float]] = {name: [] for name in comparison.sides}
        for _ in range(repeats):
            for name, side in comparison.sides.items():
                taken[name].append(milliseconds(side))
        print(f"  {comparison.what}; the results are {'equal' if equal else 'NOT EQUAL'}")
        describe(taken, comparison.expected)
    return same


def agree(one: Any, other: Any) -> bool:
    """Whether two results agree within 1e-12."""
    first, second = (as_rows(side) if isinstance(side, Ambiguity) else np.asarray(side) for side in (one, other))
    return first.shape == second.shape and np.allclose(first, second, rtol=0, atol=1e-12)


def describe(taken: dict[str, list[float]], expected: float | None) -> None:
    for name, values in taken.items():
        print(f"    {name:20} {common.spread(values)}")
    for name in (name for name in ("analysis", "numpy") if name in taken):
        ratios = [a / b for a, b in zip(taken["notebook"], taken[name], strict=True)]
        judged = f"; expected {expected:g}: {common.verdict(float(np.median(ratios)) >= expected)}" if expected else ""
        print(
            f"    notebook / {name:9} {common.spread(ratios, '.1f')}{judged if name == 'analysis' else ''}", flush=True
        )


def milliseconds(side: Callable[[], Any]) -> float:
    began = time.perf_counter()
    side()
    return 1000 * (time.perf_counter() - began)


def make_probabilities(seeds: int, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Softmax of random logits with a bonus for the label: about 99 % are right; the seeds are similar."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (len(labels), CLASSES)) + rng.normal(0, 0.5, (seeds, len(labels), CLASSES))
    logits[:, np.arange(len(labels)), labels] += 9
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def comparisons(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> Sequence[Comparison]:
    one = probabilities[0]
    return (
        Comparison(
            "ranking by top-two margin, one model",
            {
                "notebook": lambda: rank_by_margin(one),
                "lists": lambda: rank_by_margin(one.tolist()),
                "analysis": lambda: rank_one_model(one, "margin"),
                "numpy": lambda: np.argsort(margins(one), kind="stable"),
            },
            EXPECTED,
        ),
        Comparison(
            "ranking with five scores, both guesses and who was right, all seeds",
            {
                "notebook": lambda: rank_by_all(probabilities, labels),
                "lists": lambda: rank_by_all(probabilities.tolist(), labels.tolist()),
                "analysis": lambda: rank_ambiguous(probabilities, labels),
            },
            EXPECTED,
        ),
        Comparison(
            "finding the wrong images, one model",
            {
                "notebook": lambda: [i for i in range(len(one)) if np.argmax(one[i]) != labels[i]],
                "lists": lambda: find_wrong(one.tolist(), labels.tolist()),
                "analysis": lambda: find_mistakes(one, labels).wrong,
                "numpy": lambda: np.flatnonzero(one.argmax(axis=1) != labels),
            },
            EXPECTED,
        ),
        Comparison(
            "confusion matrix, one model (the analysis: mix-ups and intervals too)",
            {
                "notebook": lambda: count_by_loop(one, labels),
                "analysis": lambda: measure_confusion(one, labels).counts,
                "numpy": lambda: count_at_once(one, labels),
            },
        ),
    )


def rank_by_margin(rows: Any) -> list[int]:
    found = []
    for index, row in enumerate(rows):
        ordered = sorted(row, reverse=True)
        found.append((ordered[0] - ordered[1], index))
    found.sort()
    return [index for _, index in found]


def margins(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.partition(probabilities, CLASSES - 2, axis=1)
    return np.asarray(largest[:, -1] - largest[:, -2])


def rank_by_all(seeds: Any, labels: Any) -> list[tuple[float, ...]]:
    """All results of `rank_ambiguous`, computed row by row, least confident first."""
    found = []
    for index, label in enumerate(labels):
        rows = [probabilities[index] for probabilities in seeds]
        mean = [sum(values) / len(rows) for values in zip(*rows, strict=True)]
        first, second, *_ = sorted(range(len(mean)), key=lambda k: -mean[k])
        votes = [max(range(len(row)), key=row.__getitem__) for row in rows]
        whole = entropy(mean)
        found.append(
            (
                1 - mean[first],
                mean[first] - mean[second],
                whole,
                1 - max(map(votes.count, votes)) / len(votes),
                max(whole - sum(map(entropy, rows)) / len(rows), 0.0),
                first,
                second,
                sum(vote == label for vote in votes),
                index,
            )
        )
    found.sort(key=lambda row: -row[0])
    return found


def entropy(row: Any) -> float:
    return -sum(value * math.log(value) for value in row if value > 0)


def as_rows(ranking: Ambiguity) -> NDArray[np.float64]:
    """A ranking in the form of the results of `rank_by_all`."""
    columns = [*ranking.scores.values(), ranking.prediction, ranking.second_guess, ranking.num_right]
    return np.stack([column[ranking.order] for column in columns] + [ranking.order], axis=1)


def find_wrong(rows: list[list[float]], labels: list[int]) -> list[int]:
    return [i for i, (row, label) in enumerate(zip(rows, labels, strict=True)) if row.index(max(row)) != label]


def count_by_loop(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    counts = np.zeros((CLASSES, CLASSES), np.int64)
    for i in range(len(labels)):
        counts[labels[i], np.argmax(probabilities[i])] += 1
    return counts


def count_at_once(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    cells = labels * CLASSES + probabilities.argmax(axis=1)
    return np.bincount(cells, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
