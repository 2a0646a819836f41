"""The hyperparameters of the kernel by their marginal likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, lapack
from scipy.optimize import minimize

from mnistsweep.search.freeze_thaw.kernel import NUM_VARIANCES, Array, Inputs, Kernel, matern_5_2

# Medians of the priors of the variances (configuration, constant and curve of the trial, trend, noise), in units of the
# variance of the targets, and of the lengths. The logarithms have normal priors around them.
PRIOR_VARIANCES = (1.0, 0.1, 0.1, 1.0, 0.02)
PRIOR_ROW_LENGTH, PRIOR_TIME_LENGTH = 0.8, 0.7

# Standard deviations of these priors.
DEVIATION_VARIANCES, DEVIATION_ROW_LENGTH, DEVIATION_TIME_LENGTH = 0.7, 0.7, 0.3

# The logarithms stay within this many standard deviations of the prior.
MAX_DEVIATIONS = 3.0

# The prior of the lengths is for this number of columns. With more, distances grow like the root of their number, and
# the lengths with them (Hvarfner, Hellsten and Nardi, "Vanilla Bayesian Optimization Performs Great in High
# Dimensions", 2024).
PRIOR_COLUMNS = 4

MAX_ITERATIONS = 12
"""Iterations of the search for the hyperparameters."""

JITTER = 1e-8
"""Variance added to each observation, against rounding."""


@dataclass(frozen=True)
class Prior:
    """Normal priors of the logarithms of the hyperparameters.

    Attributes:
        means: Mean of each logarithm.
        deviations: Standard deviation of each logarithm.
    """

    means: Array
    deviations: Array

    @classmethod
    def of(cls, num_columns: int, num_times: int) -> Prior:
        """Return the priors for a number of columns of configurations and of times."""
        length = PRIOR_ROW_LENGTH * math.sqrt(max(num_columns, PRIOR_COLUMNS) / PRIOR_COLUMNS)
        counts = [NUM_VARIANCES, num_columns, num_times]
        medians = [*PRIOR_VARIANCES, *[length] * num_columns, *[PRIOR_TIME_LENGTH] * num_times]
        return cls(
            np.log(medians), np.repeat([DEVIATION_VARIANCES, DEVIATION_ROW_LENGTH, DEVIATION_TIME_LENGTH], counts)
        )

    def penalty(self, logs: Array) -> tuple[float, Array]:
        """Return the negative logarithm of the density, up to a constant, and its gradient."""
        scaled = (logs - self.means) / self.deviations
        return float(0.5 * scaled @ scaled), scaled / self.deviations


@dataclass(frozen=True)
class Likelihood:
    """The marginal likelihood of observations as a function of the hyperparameters.

    Attributes:
        inputs: Configurations and times of the observations.
        targets: Their targets.
        is_category: For each column of the configurations, whether only the equality of its numbers counts.
    """

    inputs: Inputs
    targets: Array
    is_category: NDArray[np.bool_]

    @cached_property
    def _row_squares(self) -> Array:
        """Squared differences of each column: float64 of shape (columns, observations, observations)."""
        columns = self.inputs.rows.T
        differences = columns[:, :, None] - columns[:, None, :]
        return np.where(self.is_category[:, None, None], differences != 0, differences**2)

    @cached_property
    def _time_squares(self) -> Array:
        columns = self.inputs.times.T
        return np.asarray((columns[:, :, None] - columns[:, None, :]) ** 2)

    @cached_property
    def _same(self) -> Array:
        return np.equal.outer(self.inputs.trials, self.inputs.trials).astype(np.float64)

    def negative_log(self, logs: Array) -> tuple[float, Array]:
        """Return the negative logarithm of the marginal likelihood and its gradient.

        Reference: Rasmussen and Williams, 2006, equations 5.8 and 5.9.

        Args:
            logs: Logarithms of the hyperparameters, in the order of `Kernel.logs`.
        """
        kernel, size = Kernel(logs, self.is_category), len(self.targets)
        a, b, c, d, noise = kernel.variances
        squares = np.tensordot(kernel.row_lengths**-2.0, self._row_squares, axes=1)
        time = np.exp(-0.5 * np.tensordot(kernel.time_lengths**-2.0, self._time_squares, axes=1))
        similar = a * matern_5_2(squares) * time
        own, trend = c * self._same * time, d * time
        covariance = similar + own + trend + b * self._same
        covariance[np.diag_indices(size)] += noise + JITTER
        factor = cho_factor(covariance, lower=True, overwrite_a=True, check_finite=False)
        weights = cho_solve(factor, self.targets, check_finite=False)
        value = 0.5 * self.targets @ weights + np.log(np.diag(factor[0])).sum() + 0.5 * size * math.log(2 * math.pi)
        inner = 0.5 * (_inverse(factor[0]) - np.outer(weights, weights))
        root = np.sqrt(5 * squares)
        falling = inner * a * time * (5 / 3) * (1 + root) * np.exp(-root)
        variances = [(inner * part).sum() for part in (similar, b * self._same, own, trend)]
        rows = np.tensordot(self._row_squares, falling, axes=2) * kernel.row_lengths**-2.0
        times = np.tensordot(self._time_squares, inner * (similar + own + trend), axes=2) * kernel.time_lengths**-2.0
        return float(value), np.concatenate([variances, [noise * np.trace(inner)], rows, times])


def fit_kernel(inputs: Inputs, targets: Array, is_category: NDArray[np.bool_]) -> Kernel:
    """Return the kernel with the most probable hyperparameters.

    The search starts at the mean of the prior and is a function of its arguments alone.

    Args:
        inputs: Configurations and times of the observations.
        targets: Their targets, standardized.
        is_category: For each column of the configurations, whether only the equality of its numbers counts.
    """
    prior = Prior.of(len(is_category), inputs.times.shape[1])
    if len(inputs) < 2:
        return Kernel(prior.means, is_category)
    likelihood = Likelihood(inputs, targets, is_category)

    def loss(logs: Array) -> tuple[float, Array]:
        value, gradient = likelihood.negative_log(logs)
        penalty, slope = prior.penalty(logs)
        return value + penalty, gradient + slope

    low, high = (prior.means + sign * MAX_DEVIATIONS * prior.deviations for sign in (-1, 1))
    found = minimize(
        loss, prior.means, jac=True, method="L-BFGS-B", bounds=list(zip(low, high, strict=True)),
        options={"maxiter": MAX_ITERATIONS},
    )  # fmt: skip
    return Kernel(np.asarray(found.x), is_category)


def _inverse(lower_factor: Array) -> Array:
    """Return the inverse of a matrix from its lower Cholesky factor."""
    lower, _ = lapack.dpotri(lower_factor, lower=1)
    below = np.tril(lower, -1)
    return np.asarray(below + below.T + np.diag(np.diag(lower)))
