"""The table of a sweep's trials, made ready to draw: points restored, rows that hold a number, how a score is written.

A cell of ``results.csv`` is text: an empty one means not active, or the value null; a list stands as it is printed. The
space tells which value was meant.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.errors import DataError
from mnistsweep.html_report.evidence import Search
from mnistsweep.space import Choice, Dimension, Point, SearchSpace, is_active
from mnistsweep.text import format_metric

if TYPE_CHECKING:
    import pandas as pd

    from mnistsweep.search.importance import Importances


@dataclass(frozen=True, eq=False)
class Trials:
    """The trials that reached an objective, in the order of their numbers.

    Attributes:
        space: What was searched.
        objective: Its name.
        direction: ``max`` or ``min``.
        numbers: Of the trials, ``(n,)``.
        values: The objective of each, finite.
        seconds: How long each trained.
        completed: Whether it did; else it was pruned.
        points: The values of each one's active dimensions.
    """

    space: SearchSpace
    objective: str
    direction: str
    numbers: NDArray[np.int64]
    values: NDArray[np.float64]
    seconds: NDArray[np.float64]
    completed: NDArray[np.bool_]
    points: Sequence[Point]

    @property
    def gains(self) -> NDArray[np.float64]:
        """The objective, turned so that larger is better."""
        return self.values if self.direction == "max" else -self.values

    @property
    def order(self) -> NDArray[np.int64]:
        """Positions of the completed trials, the best first; the lowest number first where several are equal."""
        order = np.argsort(-self.gains, kind="stable")
        return np.asarray(order[self.completed[order]], dtype=np.int64)

    @property
    def best(self) -> int:
        """The position of the best completed trial."""
        return int(self.order[0])

    def write(self, value: float) -> str:
        """An objective as the page writes it: a share as a percentage."""
        return format_metric(self.objective, value)


@functools.lru_cache(maxsize=4)
def trials_of(search: Search) -> Trials | None:
    """The trials of a sweep that reached an objective; None where none has completed.

    Args:
        search: What the sweep left.

    Raises:
        DataError: A cell holds a value that the space does not know.
    """
    table = search.trials.sort_values("trial", kind="stable")
    values = table["objective"].astype(float)
    kept = table[np.isfinite(values) & table["state"].isin(["completed", "pruned"])]
    completed = np.asarray(kept["state"] == "completed", dtype=bool)
    if not completed.any():
        return None
    return Trials(
        space=search.space,
        objective=search.objective,
        direction=search.direction,
        numbers=kept["trial"].to_numpy(dtype=np.int64),
        values=kept["objective"].to_numpy(dtype=np.float64),
        seconds=kept["seconds"].to_numpy(dtype=np.float64),
        completed=completed,
        points=points_of(search.space, kept),
    )


@functools.lru_cache(maxsize=4)
def importances_of(search: Search) -> Importances:
    """The importance of each hyperparameter, worked out once for all sections.

    Args:
        search: What the sweep left; with a completed trial.
    """
    from mnistsweep.search.importance import importances

    trials = trials_of(search)
    assert trials is not None, "sections ask for trials first"
    return importances(trials.space, trials.points, trials.values, ~trials.completed, trials.direction)


def most_important(search: Search) -> list[str]:
    """The keys that have more than one value, the most important first; in the order of the space where none is known.

    Args:
        search: What the sweep left; with a completed trial.
    """
    found = [one.key for one in importances_of(search).dimensions]
    return found or [dimension.key for dimension in search.space.dimensions if dimension.size != 1]


def points_of(space: SearchSpace, table: pd.DataFrame) -> list[Point]:
    """The point of each row of ``results.csv``.

    Args:
        space: What was searched.
        table: With a column `trial` and one for each dimension.

    Raises:
        DataError: A cell holds a value that the space does not know.
    """
    points: list[Point] = []
    columns = {key: table[key].tolist() for key in space.keys}
    for row, number in enumerate(table["trial"].tolist()):
        point: Point = {}
        for dimension in space.dimensions:
            if is_active(dimension, point):
                point[dimension.key] = _value(dimension, columns[dimension.key][row], number)
        points.append(point)
    return points


def _value(dimension: Dimension, cell: Any, number: int) -> Any:
    missing = cell is None or (isinstance(cell, float) and math.isnan(cell))
    if isinstance(dimension, Choice):
        for value in dimension.values:
            if (missing and value is None) or (not missing and str(value) == str(cell)):
                return value
        if not missing and dimension.contains(cell):  # 64.0, where a column of integers has gaps
            return dimension.cast(cell)
    elif not missing:
        return dimension.cast(float(cell))
    raise DataError(
        f"trial {number}: {dimension.key} must be one of {dimension.describe()}, received "
        f"{'nothing' if missing else repr(cell)}; results.csv and sweep.yaml are from two sweeps, or were edited."
    )
