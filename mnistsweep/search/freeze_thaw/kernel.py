"""The covariance of learning curves.

The covariance of the value of configuration x after epoch t with that of x' after t' is::

    a k(x, x') g(t, t')  +  [same trial] (b + c g(t, t'))  +  d g(t, t')

The first term says that similar configurations have similar curves; the second that a trial differs from similar
ones, by a constant and by a curve of its own; the third is the trend that all curves share. ``k`` is a Matern kernel of
smoothness 5/2, with one length for each column of the configurations, and ``g`` a squared exponential, with one length
for each column of the times. Measured values have independent noise.

References: Swersky, Snoek and Adams, "Freeze-Thaw Bayesian Optimization", 2014 (a Gaussian process over curves);
Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, equations 4.17 and 5.9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]

NUM_VARIANCES = 5
"""Number of variances among the hyperparameters: of the configuration, of the constant and of the curve of a trial, of
the trend, and of the noise."""


@dataclass(frozen=True)
class Inputs:
    """Configurations and times of observations.

    Attributes:
        rows: Encoded configurations: float64 of shape (observations, columns).
        times: Encoded times: float64 of shape (observations, time columns).
        trials: For each observation, the number of its trial; each untried configuration has a number of its own.
    """

    rows: Array
    times: Array
    trials: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.trials)

    def and_then(self, other: Inputs) -> Inputs:
        """Return these observations and then others."""
        join = np.concatenate
        return Inputs(join([self.rows, other.rows]), join([self.times, other.times]), join([self.trials, other.trials]))


@dataclass(frozen=True)
class Kernel:
    """The covariance with given hyperparameters.

    Attributes:
        logs: Natural logarithms of the hyperparameters: the variances in the order of `NUM_VARIANCES`, then the lengths
            of the columns of the configurations, then those of the times.
        is_category: For each column of the configurations, whether only the equality of its numbers counts.
    """

    logs: Array
    is_category: NDArray[np.bool_]

    @property
    def variances(self) -> Array:
        """The variances in the order of `NUM_VARIANCES`."""
        return np.asarray(np.exp(self.logs[:NUM_VARIANCES]))

    @property
    def row_lengths(self) -> Array:
        """Length of each column of the configurations: a distance over which curves differ."""
        return np.asarray(np.exp(self.logs[NUM_VARIANCES : NUM_VARIANCES + len(self.is_category)]))

    @property
    def time_lengths(self) -> Array:
        """Length of each time column."""
        return np.asarray(np.exp(self.logs[NUM_VARIANCES + len(self.is_category) :]))

    @property
    def noise(self) -> float:
        """Variance of the noise of one measured value."""
        return float(self.variances[-1])

    @property
    def variance(self) -> float:
        """Variance of the value of an untried configuration before any observation, without noise."""
        return float(self.variances[:-1].sum())

    def covariance(self, first: Inputs, second: Inputs) -> Array:
        """Return the covariances of true values, without noise: float64 of shape (first, second)."""
        a, b, c, d, _ = self.variances
        matern = matern_5_2(self._row_squares(first.rows, second.rows))
        time = np.exp(-0.5 * cdist(first.times / self.time_lengths, second.times / self.time_lengths, "sqeuclidean"))
        same = np.equal.outer(first.trials, second.trials)
        return np.asarray(time * (a * matern + c * same + d) + b * same)

    def _row_squares(self, first: Array, second: Array) -> Array:
        """Return the squared distances of configurations, each column in units of its length."""
        squares = np.zeros((len(first), len(second)))
        numbers, lengths = ~self.is_category, self.row_lengths
        if numbers.any():
            scale = lengths[numbers]
            squares += cdist(first[:, numbers] / scale, second[:, numbers] / scale, "sqeuclidean")
        if self.is_category.any():
            weights = lengths[self.is_category] ** -2.0
            differing = cdist(first[:, self.is_category], second[:, self.is_category], "hamming", w=weights)
            squares += weights.sum() * differing
        return squares


def matern_5_2(squares: Array) -> Array:
    """Return the Matern kernel of smoothness 5/2 of squared distances."""
    root = np.sqrt(5 * squares)
    return np.asarray((1 + root + root**2 / 3) * np.exp(-root))
