from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from mnistsweep.analysis.log_loss import log_loss, loss_change_interval


def test_the_interval_of_a_change_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.dirichlet([1, 1, 1], 500), rng.dirichlet([2, 2, 2], 500)
    labels = rng.integers(0, 3, 500)
    picked = np.arange(500), labels
    losses = np.log(before[picked]) - np.log(after[picked])
    expected = bootstrap((losses,), np.mean, n_resamples=5000, method="percentile", rng=1).confidence_interval
    low, high = loss_change_interval(before, after, labels)
    assert low < log_loss(after, labels) - log_loss(before, labels) < high
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.1 * (expected.high - expected.low))
