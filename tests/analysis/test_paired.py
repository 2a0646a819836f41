"""Paired differences, compared with values by hand and with the formula of the t interval."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from mnistsweep.analysis.paired import format_points, paired_difference
from mnistsweep.errors import DataError


def test_a_paired_difference_by_hand() -> None:
    difference = paired_difference([0.91, 0.93, 0.95], [0.90, 0.91, 0.92])
    assert_allclose(difference.values, [0.01, 0.02, 0.03], atol=1e-15)
    half = 4.302652729911275 * 0.01 / np.sqrt(3)  # t(0.975, 2) from a table; the standard deviation is 0.01
    assert_allclose([difference.mean, difference.low, difference.high], [0.02, 0.02 - half, 0.02 + half], atol=1e-12)
    assert not difference.is_clear
    assert format_points(difference) == "+2.00 points (-0.48 to +4.48)"


def test_intervals_are_those_of_the_t_distribution() -> None:
    rng = np.random.default_rng(5)
    ours, theirs = rng.normal(0.99, 0.01, 8), rng.normal(0.95, 0.01, 8)
    difference = paired_difference(ours, theirs)
    values = ours - theirs
    half = stats.t.ppf(0.975, 7) * values.std(ddof=1) / np.sqrt(8)
    assert_allclose([difference.low, difference.high], [values.mean() - half, values.mean() + half], atol=1e-12)
    assert difference.is_clear
    assert paired_difference(theirs, ours).is_clear


@pytest.mark.parametrize(("ours", "theirs"), [([0.9], [0.8]), ([0.9, 0.8], [0.8, 0.7]), ([0.9, 0.8], [0.9, 0.8])])
def test_without_spread_there_is_no_interval(ours: list[float], theirs: list[float]) -> None:
    difference = paired_difference(ours, theirs)
    assert np.isnan(difference.low)
    assert np.isnan(difference.high)
    assert not difference.is_clear
    assert "to" not in format_points(difference).replace("points", "")


def test_scores_of_different_numbers_of_seeds_are_an_error() -> None:
    with pytest.raises(DataError, match=r"received the shapes \(2,\) and \(3,\)"):
        paired_difference([1, 2], [1, 2, 3])
