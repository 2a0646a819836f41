"""An exact Gaussian process over learning curves."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from mnistsweep.search.freeze_thaw.kernel import Array, Inputs, Kernel
from mnistsweep.search.freeze_thaw.likelihood import JITTER

MIN_VARIANCE = 1e-12
"""Smallest variance of a true value; rounding may give less."""


class GaussianProcess:
    """The posterior over curves, given observations.

    Args:
        kernel: Covariance.
        inputs: Configurations and times of the observations.
        targets: Their targets.
    """

    def __init__(self, kernel: Kernel, inputs: Inputs, targets: Array) -> None:
        self.kernel = kernel
        self._inputs = inputs
        self._targets = targets
        covariance = kernel.covariance(inputs, inputs)
        covariance[np.diag_indices(len(inputs))] += kernel.noise + JITTER
        self._factor = cho_factor(covariance, lower=True, overwrite_a=True, check_finite=False)
        self._weights = cho_solve(self._factor, targets, check_finite=False)

    def mean(self, inputs: Inputs) -> Array:
        """Return the posterior means of the true values."""
        return np.asarray(self.kernel.covariance(inputs, self._inputs) @ self._weights)

    def mean_and_deviation(self, inputs: Inputs) -> tuple[Array, Array]:
        """Return the posterior means and standard deviations of the true values, without noise."""
        cross = self.kernel.covariance(self._inputs, inputs)
        half = solve_triangular(self._factor[0], cross, lower=True, check_finite=False)
        variance = self.kernel.variance - np.einsum("ij,ij->j", half, half)
        return cross.T @ self._weights, np.sqrt(np.maximum(variance, MIN_VARIANCE))

    def believing(self, inputs: Inputs) -> GaussianProcess:
        """Return the process as if each of some values had been observed at its posterior mean.

        Running jobs are taken into account in this way: the value that a job will report is no longer uncertain, and
        neither are similar ones (the "kriging believer" of Ginsbourger, Le Riche and Carraro, 2010).
        """
        if not len(inputs):
            return self
        targets = np.concatenate([self._targets, self.mean(inputs)])
        return GaussianProcess(self.kernel, self._inputs.and_then(inputs), targets)
