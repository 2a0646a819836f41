"""Pareto fronts: of trials in training time and objective, and of points in any number of objectives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.arrays import Integers
from mnistsweep.errors import DataError


def pareto_front(seconds: Any, objective: Any, direction: str = "max") -> Integers:
    """Find the trials on the Pareto front of time and objective.

    A trial is on the front unless another trial is at least as good in both and better in one (Pareto 1906). Trials
    that are equal in both are on the front together.

    Args:
        seconds: Training times, ``(trials,)``, finite; smaller is better.
        objective: Objectives, ``(trials,)``, finite.
        direction: ``max`` if a larger objective is better, otherwise ``min``.

    Returns:
        Positions of the trials on the front, the fastest first.

    Raises:
        DataError: The arrays differ in length or hold values that are not finite, or the direction is unknown.

    Example:
        >>> pareto_front([10, 20, 30], [0.97, 0.96, 0.99]).tolist()
        [0, 2]
    """
    times, values = np.asarray(seconds, dtype=np.float64), np.asarray(objective, dtype=np.float64)
    if times.ndim != 1 or times.shape != values.shape:
        raise DataError(f"seconds and objective: must be (trials,) each, received {times.shape} and {values.shape}.")
    if direction not in ("max", "min"):
        raise DataError(f"direction: must be 'max' or 'min', received {direction!r}.")
    for name, given in (("seconds", times), ("objective", values)):
        if not np.isfinite(given).all():
            position = int(np.argmin(np.isfinite(given)))
            raise DataError(f"{name}: must be finite, trial {position} has {given[position]}.")
    losses = -values if direction == "max" else values
    on_front = is_nondominated(np.column_stack([times, losses]))
    order = np.argsort(times, kind="stable")
    return np.asarray(order[on_front[order]], dtype=np.int64)


def is_nondominated(losses: Any) -> NDArray[np.bool_]:
    """Return which points are on the Pareto front of any number of objectives.

    A point is on the front unless another one is at least as small in all objectives and smaller in one (Pareto 1906).
    Points that are equal in all of them are on the front together.

    Args:
        losses: Objectives of the points, ``(points, objectives)``, finite; smaller is better.

    Returns:
        Mask of the points on the front, ``(points,)``.

    Raises:
        DataError: The array has another shape, or holds values that are not finite.

    Example:
        >>> is_nondominated([[1, 3], [2, 2], [2, 3], [1, 3]]).tolist()
        [True, True, False, True]
    """
    values = np.asarray(losses, dtype=np.float64) + 0.0  # no negative zeros
    if values.ndim != 2:
        raise DataError(f"losses: must be (points, objectives), received {values.shape}.")
    if not np.isfinite(values).all():
        raise DataError(f"losses: must be finite, point {int(np.argmin(np.isfinite(values).all(axis=1)))} is not.")
    unique, group = np.unique(values, axis=0, return_inverse=True)  # none is dominated by a later one
    on_front = np.zeros(len(unique), dtype=bool)
    left = np.arange(len(unique))
    while len(left):
        first, left = left[0], left[1:]
        on_front[first] = True
        left = left[(unique[left] < unique[first]).any(axis=1)]
    return np.asarray(on_front[group.reshape(-1)], dtype=bool)
