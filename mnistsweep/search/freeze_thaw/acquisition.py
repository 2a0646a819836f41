"""What a job is worth: the improvement that it is expected to lead to, for what it costs."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from mnistsweep.search.freeze_thaw.kernel import Array


def expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """Return the expectation of ``max(value - best, 0)`` of normal values (Jones, Schonlau and Welch, 1998).

    Args:
        mean: Means of the values.
        deviation: Standard deviations of the values, above 0.
        best: Value to improve on.
    """
    scaled = (mean - best) / deviation
    density = np.exp(-0.5 * scaled**2) / np.sqrt(2 * np.pi)
    return np.asarray(deviation * np.maximum(scaled * ndtr(scaled) + density, 0.0))


def chance_of_more(mean: Array, deviation: Array, best: float) -> Array:
    """Return the probability that normal values are larger than the best one."""
    return np.asarray(ndtr((mean - best) / deviation))
