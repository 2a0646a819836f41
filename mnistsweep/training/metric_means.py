"""Metrics at the best epochs of trainings, read from their learning curves on disk."""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path


def metric_means(names: Iterable[str], epochs: Sequence[tuple[Path, int]]) -> dict[str, float]:
    """Return the mean of metrics over trainings, each at its own epoch; without those that have no finite value.

    Args:
        names: Names of the metrics.
        epochs: Learning curve (``history.csv``) and epoch, counted from 1, of each training.
    """
    rows = [_row(history, epoch) for history, epoch in epochs]
    found = {name: [float(row.get(name) or math.nan) for row in rows] for name in names}
    return {name: statistics.fmean(values) for name, values in found.items() if all(map(math.isfinite, values))}


def _row(history: Path, epoch: int) -> dict[str, str]:
    """Return the row of an epoch; empty if there is none."""
    with history.open(encoding="utf-8", newline="") as file:
        return next((row for row in csv.DictReader(file) if row["epoch"] == str(epoch)), {})
