"""The order of trainings of which some were stopped early, for questions about all of them.

The objective of a stopped training is a lower bound of what it would have reached, and a training that got more epochs
had more chances of a good one. So a stopped training is compared with any other one after the same number of epochs,
the smaller of both. The score of a training is the share of the others that it beats (Copeland, 1951).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def win_shares(
    gains: NDArray[np.float64], stopped: NDArray[np.bool_], curves: Sequence[Mapping[int, float]]
) -> NDArray[np.float64]:
    """Return the share of the other trainings that each one beats; equal ones count half.

    Args:
        gains: Final results, ``(trainings,)``; larger is better.
        stopped: Whether each training was stopped early, ``(trainings,)``.
        curves: Results by epoch, counted from 1, of each training; larger is better. A pair of trainings of which one
            has no curve is compared by the final results.

    Example:
        >>> curves = [{1: 0.5, 2: 0.9}, {1: 0.6}, {1: 0.4, 2: 0.8}]
        >>> win_shares(np.array([0.9, 0.6, 0.8]), np.array([False, True, False]), curves).tolist()
        [0.5, 1.0, 0.0]
    """
    final = gains[:, np.newaxis]
    mine, theirs = np.broadcast_arrays(final, final.T)
    best, lengths = _best_so_far(curves)
    if stopped.any() and best.size:
        common = np.minimum(lengths[:, np.newaxis], lengths)
        at_common = np.take_along_axis(best, np.maximum(common - 1, 0), axis=1)
        partial = (stopped[:, np.newaxis] | stopped) & (common > 0)
        mine, theirs = np.where(partial, at_common, mine), np.where(partial, at_common.T, theirs)
    wins = (mine > theirs).sum(axis=1) + 0.5 * ((mine == theirs).sum(axis=1) - 1)
    return np.asarray(wins / max(len(gains) - 1, 1), dtype=np.float64)


def _best_so_far(curves: Sequence[Mapping[int, float]]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the best result until each epoch, ``(trainings, epochs)``, and the number of epochs of each training."""
    lengths = np.array([max(curve, default=0) for curve in curves], dtype=np.int64)
    best = np.full((len(curves), int(lengths.max(initial=0))), -np.inf)
    for row, curve in zip(best, curves, strict=True):
        for epoch, value in curve.items():
            row[epoch - 1] = value if np.isfinite(value) else -np.inf
    return np.maximum.accumulate(best, axis=1) if best.size else best, lengths
