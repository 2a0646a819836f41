"""The Gaussian process: against direct formulas and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

from mnistsweep.search.freeze_thaw.kernel import Array, Inputs, Kernel
from mnistsweep.search.freeze_thaw.likelihood import MAX_DEVIATIONS, Likelihood, Prior, fit_kernel
from mnistsweep.search.freeze_thaw.process import GaussianProcess

IS_CATEGORY = np.array([False, False, True])


def make_inputs(size: int, seed: int = 0, trials: int | None = None) -> Inputs:
    rng = np.random.default_rng(seed)
    numbers = np.arange(size) if trials is None else np.sort(rng.integers(trials, size=size))
    rows = np.column_stack([rng.random((size, 2)), rng.integers(3, size=size)])[numbers % size]
    return Inputs(rows, rng.random((size, 2)), numbers.astype(np.int64))


def some_logs() -> Array:
    return np.log([0.8, 0.3, 0.2, 0.6, 0.05, 0.5, 0.9, 1.3, 0.7, 0.4])


def slow_covariance(first: Inputs, second: Inputs) -> Array:
    """The formula of the module `kernel`, term by term."""
    a, b, c, d = 0.8, 0.3, 0.2, 0.6
    result = np.empty((len(first), len(second)))
    for i in range(len(first)):
        for j in range(len(second)):
            x, y = first.rows[i], second.rows[j]
            squares = ((x[0] - y[0]) / 0.5) ** 2 + ((x[1] - y[1]) / 0.9) ** 2 + (x[2] != y[2]) / 1.3**2
            root = np.sqrt(5 * squares)
            similar = (1 + root + root**2 / 3) * np.exp(-root)
            steps = (first.times[i] - second.times[j]) / np.array([0.7, 0.4])
            time = np.exp(-0.5 * (steps**2).sum())
            same = first.trials[i] == second.trials[j]
            result[i, j] = a * similar * time + same * (b + c * time) + d * time
    return result


def test_the_covariance_is_the_documented_formula() -> None:
    first, second = make_inputs(12, trials=5), make_inputs(7, seed=1, trials=5)
    kernel = Kernel(some_logs(), IS_CATEGORY)
    np.testing.assert_allclose(kernel.covariance(first, second), slow_covariance(first, second), rtol=1e-10)
    assert kernel.variance == pytest.approx(slow_covariance(first, first)[0, 0])


def test_mean_and_deviation_are_those_of_the_conditional_normal_distribution() -> None:
    known, wanted = make_inputs(15, trials=6), make_inputs(9, seed=1, trials=6)
    targets = np.random.default_rng(2).normal(size=15)
    process = GaussianProcess(Kernel(some_logs(), IS_CATEGORY), known, targets)
    noisy = slow_covariance(known, known) + 0.05 * np.eye(15)
    cross = slow_covariance(known, wanted)
    mean, deviation = process.mean_and_deviation(wanted)
    np.testing.assert_allclose(mean, cross.T @ np.linalg.inv(noisy) @ targets, rtol=1e-5)
    variance = np.diag(slow_covariance(wanted, wanted) - cross.T @ np.linalg.inv(noisy) @ cross)
    np.testing.assert_allclose(deviation, np.sqrt(variance), rtol=1e-5)
    np.testing.assert_allclose(process.mean(wanted), mean)


def test_posterior_and_likelihood_are_those_of_scikit_learn_where_it_has_the_kernel() -> None:
    """One value for each trial, so that the terms of a trial are noise; both lengths of a Matern kernel; no trend."""
    rng = np.random.default_rng(0)
    rows, targets = rng.random((20, 2)), rng.normal(size=20)
    inputs = Inputs(rows, np.zeros((20, 1)), np.arange(20))
    logs = np.log([0.9, 1e-30, 1e-30, 1e-30, 0.1, 0.4, 0.8, 1.0])
    numbers = np.zeros(2, dtype=bool)
    peer = GaussianProcessRegressor(
        ConstantKernel(0.9) * Matern((0.4, 0.8), nu=2.5) + WhiteKernel(0.1), optimizer=None
    ).fit(rows, targets)
    wanted = rng.random((6, 2))
    mean, deviation = GaussianProcess(Kernel(logs, numbers), inputs, targets).mean_and_deviation(
        Inputs(wanted, np.zeros((6, 1)), np.arange(-6, 0))
    )
    expected_mean, expected_deviation = peer.predict(wanted, return_std=True)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-5)
    np.testing.assert_allclose(deviation**2, expected_deviation**2 - 0.1, atol=1e-5)
    value, _ = Likelihood(inputs, targets, numbers).negative_log(logs)
    assert value == pytest.approx(-peer.log_marginal_likelihood(), abs=1e-4)


def test_the_trend_is_the_kernel_of_scikit_learn_over_times() -> None:
    times = np.linspace(0, 1, 7)[:, None]
    inputs = Inputs(np.zeros((7, 0)), times, np.arange(7))
    kernel = Kernel(np.log([1e-30, 1e-30, 1e-30, 0.6, 0.1, 0.3]), np.zeros(0, dtype=bool))
    np.testing.assert_allclose(kernel.covariance(inputs, inputs), 0.6 * RBF(0.3)(times), rtol=1e-10)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_gradient_of_the_likelihood_is_that_of_finite_differences(seed: int) -> None:
    inputs = make_inputs(18, seed, trials=7)
    likelihood = Likelihood(inputs, np.random.default_rng(seed).normal(size=18), IS_CATEGORY)
    logs = some_logs()
    _, gradient = likelihood.negative_log(logs)
    for index in range(len(logs)):
        step = np.zeros(len(logs))
        step[index] = 1e-5
        difference = likelihood.negative_log(logs + step)[0] - likelihood.negative_log(logs - step)[0]
        assert gradient[index] == pytest.approx(difference / 2e-5, rel=1e-4, abs=1e-6)


def test_the_fit_finds_which_column_matters() -> None:
    rng = np.random.default_rng(0)
    rows = rng.random((50, 3))
    inputs = Inputs(rows, rng.random((50, 1)), np.arange(50))
    targets = np.sin(6 * rows[:, 1]) + 0.05 * rng.normal(size=50)
    kernel = fit_kernel(inputs, (targets - targets.mean()) / targets.std(), np.zeros(3, dtype=bool))
    assert kernel.row_lengths[1] < 0.5 * min(kernel.row_lengths[0], kernel.row_lengths[2])
    again = fit_kernel(inputs, (targets - targets.mean()) / targets.std(), np.zeros(3, dtype=bool))
    assert again.logs.tolist() == kernel.logs.tolist()


def test_the_fit_stays_within_the_prior_whatever_the_targets() -> None:
    prior = Prior.of(3, 2)
    for targets in (np.zeros(10), np.full(10, 3.0), np.array([1e3, *[0.0] * 9])):
        fitted = fit_kernel(make_inputs(10, trials=4), targets, IS_CATEGORY)
        assert (np.abs(fitted.logs - prior.means) <= MAX_DEVIATIONS * prior.deviations + 1e-9).all()
    lonely = fit_kernel(make_inputs(1), np.zeros(1), IS_CATEGORY)
    assert lonely.logs.tolist() == prior.means.tolist()


def test_believing_in_a_running_job_removes_uncertainty_and_keeps_the_mean() -> None:
    known, running = make_inputs(10), make_inputs(2, seed=5)
    running = Inputs(running.rows, running.times, np.array([100, 101]))
    process = GaussianProcess(Kernel(some_logs(), IS_CATEGORY), known, np.random.default_rng(0).normal(size=10))
    believing = process.believing(running)
    before, after = process.mean_and_deviation(running), believing.mean_and_deviation(running)
    np.testing.assert_allclose(after[0], before[0], atol=1e-6)
    assert (after[1] < 0.6 * before[1]).all()
    others = make_inputs(5, seed=9)
    np.testing.assert_allclose(believing.mean(others), process.mean(others), atol=1e-6)
