"""What a job costs: its epochs, or the seconds that they, and building the model, are expected to take."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from mnistsweep.search.freeze_thaw.kernel import Array
from mnistsweep.search.scheduler import Curve

MAX_TIMED = 100
"""Number of the latest timed trials that the model learns from."""

LENGTH = 1.0
NOISE = 0.05


def latest_timed(curves: Sequence[Curve]) -> list[Curve]:
    """Return the latest trials of which an epoch was timed, in the order of their numbers."""
    timed = (curve for curve in reversed(curves) if curve.seconds > curve.build_seconds and curve.epochs > 0)
    return list(islice(timed, MAX_TIMED))[::-1]


class EpochSeconds:
    """Expected seconds of an epoch: a smooth function of the configuration, in its logarithm.

    It is the mean of a Gaussian process with fixed hyperparameters, around the median of what was measured. The epochs
    of a trial that was measured itself take as long as before.

    Args:
        timed: Trials that were measured, see `latest_timed`.
        rows: Encoded configuration of each of them.
        is_category: For each column, whether only equality counts.
    """

    def __init__(self, timed: Sequence[Curve], rows: Array, is_category: NDArray[np.bool_]) -> None:
        self._own = {curve.number: (curve.seconds - curve.build_seconds) / curve.epochs for curve in timed}
        self._is_category = is_category
        self._rows = rows
        logs = np.log(np.array(list(self._own.values())))
        self._middle = float(np.median(logs)) if timed else 0.0
        if timed:
            covariance = self._covariance(rows) + NOISE * np.eye(len(timed))
            self._weights = cho_solve(cho_factor(covariance, lower=True), logs - self._middle)

    def of_rows(self, rows: Array) -> Array:
        """Return the expected seconds of an epoch of each configuration; 1 as long as nothing was measured."""
        if not len(self._rows):
            return np.ones(len(rows))
        return np.asarray(np.exp(self._middle + self._covariance(rows) @ self._weights))

    def of_trial(self, curve: Curve, row: Array) -> float:
        """Return the expected seconds of an epoch of a trial."""
        return self._own.get(curve.number) or float(self.of_rows(row[None])[0])

    def _covariance(self, rows: Array) -> Array:
        differences = rows[:, None, :] - self._rows[None, :, :]
        squares = np.where(self._is_category, differences != 0, differences**2).sum(axis=2)
        scale = LENGTH**2 * max(1, len(self._is_category) / 4)
        return np.asarray(np.exp(-0.5 * squares / scale))


class BuildSeconds:
    """Expected seconds until a model that is not in memory can be trained: it is built, compiled and traced.

    Args:
        timed: Trials that were measured, see `latest_timed`.
    """

    def __init__(self, timed: Sequence[Curve]) -> None:
        measured = [curve.build_seconds / curve.builds for curve in timed if curve.builds]
        self.of_new = float(np.median(measured)) if measured else 0.0

    def of_trial(self, curve: Curve) -> float:
        """Return the mean time that the model of a trial took; that of a new one as long as it was not measured."""
        return curve.build_seconds / curve.builds if curve.builds else self.of_new
