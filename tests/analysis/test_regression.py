"""Errors of predicted numbers against scikit-learn, and their bootstrap intervals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from mnistsweep.analysis.bootstrap import percentile_interval, resampled_means
from mnistsweep.analysis.regression import measure_regression, worst_first
from mnistsweep.analysis.residuals import residual_trend
from mnistsweep.errors import DataError

RNG = np.random.default_rng(0)
TARGETS = RNG.normal(5, [1.0, 20.0], (300, 2))
PREDICTIONS = TARGETS + RNG.normal(0, [0.3, 8.0], (3, 300, 2))


def test_errors_are_those_of_scikit_learn() -> None:
    found = measure_regression(PREDICTIONS, TARGETS)
    for one, predicted in zip((*found.seeds, found.committee), (*PREDICTIONS, PREDICTIONS.mean(axis=0)), strict=True):
        raw = {"multioutput": "raw_values"}
        np.testing.assert_allclose(one.mae, metrics.mean_absolute_error(TARGETS, predicted, **raw))
        np.testing.assert_allclose(one.rmse, metrics.root_mean_squared_error(TARGETS, predicted, **raw))
        np.testing.assert_allclose(one.r2, metrics.r2_score(TARGETS, predicted, **raw))
        np.testing.assert_allclose(one.bias, (predicted - TARGETS).mean(axis=0))
        for error in ("mae", "rmse", "r2", "bias"):
            low, high = getattr(one, f"{error}_interval")
            assert ((low < getattr(one, error)) & (getattr(one, error) < high)).all(), error
    mean, spread = found.over_seeds("mae", 1)
    values = [one.mae[1] for one in found.seeds]
    assert (mean, spread) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert "target 0: test MAE: " in str(found)


def test_the_interval_of_the_mean_is_that_of_the_normal_approximation() -> None:
    errors = np.abs(RNG.normal(size=(2000, 1)))
    low, high = percentile_interval(resampled_means(errors))[:, 0]
    half = 1.96 * errors.std() / 2000**0.5
    assert (low, high) == pytest.approx((errors.mean() - half, errors.mean() + half), abs=0.1 * half)
    np.testing.assert_array_equal(resampled_means(errors), resampled_means(errors))


def test_equal_targets_have_no_r2_and_one_example_is_enough() -> None:
    found = measure_regression([[[1.0], [3.0]]], [[2.0], [2.0]])
    assert np.isnan(found.committee.r2).all()
    assert found.committee.mae.tolist() == [1.0]
    assert measure_regression([[[1.0]]], [[2.0]]).committee.rmse.tolist() == [1.0]


def test_targets_in_other_units_count_equally() -> None:
    targets = np.array([[0.0, 0.0], [1.0, 1000.0], [2.0, 2000.0]])
    predictions = targets + np.array([[0.5, 0.0], [0.0, 450.0], [0.0, 0.0]])
    assert worst_first(predictions, targets).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (np.zeros((2, 3)), r"must have the shape \(seeds, 3, 1\).*received \(2, 3\)"),
        (np.zeros((1, 4, 1)), r"received \(1, 4, 1\)"),
        (np.full((1, 3, 1), np.nan), r"predictions: must be finite numbers, position \[0, 0, 0\] is nan"),
    ],
)
def test_invalid_arrays_are_refused(predictions: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        measure_regression(predictions, np.zeros((3, 1)))


def test_a_planted_dependence_of_the_residuals_is_found() -> None:
    variable = RNG.uniform(0, 1, 1000)
    noise = RNG.normal(0, 0.1, 1000)
    depends, independent = residual_trend(variable, 2 * variable - 1 + noise), residual_trend(variable, noise)
    np.testing.assert_allclose(depends.mean, 2 * depends.centre - 1, atol=0.05)
    assert depends.correlation > 0.9
    assert depends.p_value < 1e-10
    assert abs(independent.correlation) < 0.1
    assert independent.p_value > 0.01
    assert np.isnan(residual_trend(np.ones(20), noise[:20]).correlation)


def test_equal_values_are_in_one_bin() -> None:
    found = residual_trend(np.repeat([0.0, 1.0], [15, 85]), np.repeat([1.0, -1.0], [15, 85]))
    assert found.centre.tolist() == [0.0, 1.0]
    assert found.mean.tolist() == [1.0, -1.0]


@pytest.mark.parametrize("value", [0.1, 0.7, 1e6 + 0.1])
def test_r2_of_equal_targets_is_not_defined(value: float) -> None:
    targets = np.full((7, 1), value)
    found = measure_regression([targets + 0.5], targets).committee
    assert found.r2.tolist() == pytest.approx([np.nan], nan_ok=True)
    assert np.isnan(found.r2_interval).all()


def test_the_interval_of_r2_ignores_samples_of_equal_targets() -> None:
    targets = np.array([[0.1], [0.3], [0.7]])
    found = measure_regression([targets + 0.01], targets).committee
    assert found.r2_interval[0] > 0.9
