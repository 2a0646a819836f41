"""Expected improvement and probabilities against the integrals that define them, and the costs of jobs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from mnistsweep.search.freeze_thaw.acquisition import chance_of_more, expected_improvement
from mnistsweep.search.freeze_thaw.cost import LENGTH, NOISE, BuildSeconds, EpochSeconds, latest_timed
from mnistsweep.search.scheduler import Curve, Phase

MEANS = np.array([-3.0, -0.5, 0.0, 0.2, 1.0, 4.0])
DEVIATIONS = np.array([0.5, 0.01, 1e-6, 0.3, 2.0, 0.1])


def timed(number: int, seconds: float, epochs: int = 2, build: float = 0.0, builds: int = 0) -> Curve:
    values = dict.fromkeys(range(1, epochs + 1), 0.5)
    return Curve(number, {}, Phase.PAUSED, 16, values, epochs, seconds, build_seconds=build, builds=builds)


@pytest.mark.parametrize("best", [-1.0, 0.0, 0.9])
def test_the_expected_improvement_is_the_integral_of_the_improvement(best: float) -> None:
    def integral(mean: float, deviation: float) -> float:
        low, high = max(best, mean - 12 * deviation), mean + 12 * deviation
        if low >= high:
            return 0.0
        return float(quad(lambda x: (x - best) * norm.pdf(x, mean, deviation), low, high, epsabs=0, limit=200)[0])

    expected = [integral(*one) for one in zip(MEANS, DEVIATIONS, strict=True)]
    np.testing.assert_allclose(expected_improvement(MEANS, DEVIATIONS, best), expected, rtol=1e-6, atol=1e-30)


def test_the_expected_improvement_falls_where_it_is_tiny_and_is_never_negative() -> None:
    """Far below the best value its two terms nearly cancel each other."""
    means = -np.linspace(0.0, 100.0, 2001)
    found = expected_improvement(means, np.ones_like(means), 0.0)
    assert (found >= 0).all()
    assert (np.diff(found[means >= -30]) < 0).all()
    assert found[200] == pytest.approx(norm.pdf(10) - 10 * norm.sf(10), rel=1e-10)


def test_the_chance_of_more_is_the_tail_of_the_normal_distribution() -> None:
    expected = [norm.sf(0.1, *one) for one in zip(MEANS, DEVIATIONS, strict=True)]
    np.testing.assert_allclose(chance_of_more(MEANS, DEVIATIONS, 0.1), expected, rtol=1e-10)


def test_the_seconds_of_an_epoch_are_the_posterior_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    rows, wanted = rng.random((12, 3)), rng.random((5, 3))
    curves = [timed(number, seconds) for number, seconds in enumerate(rng.lognormal(1.0, 0.7, 12).tolist())]
    logs = np.log([curve.seconds / 2 for curve in curves])
    peer = GaussianProcessRegressor(RBF(LENGTH), alpha=NOISE, optimizer=None).fit(rows, logs - np.median(logs))
    found = EpochSeconds(curves, rows, np.zeros(3, dtype=bool))
    np.testing.assert_allclose(found.of_rows(wanted), np.exp(np.median(logs) + peer.predict(wanted)), rtol=1e-8)
    assert found.of_trial(curves[3], rows[3]) == pytest.approx(curves[3].seconds / 2)
    other = timed(99, 0.0, epochs=1)
    assert found.of_trial(other, wanted[0]) == pytest.approx(found.of_rows(wanted)[0])


def test_the_time_to_build_a_model_is_no_part_of_its_epochs() -> None:
    curves = [timed(0, 12.0, build=8.0, builds=2), timed(1, 5.0, build=3.0, builds=1), timed(2, 2.0, build=2.0)]
    assert [curve.number for curve in latest_timed(curves)] == [0, 1]
    seconds = EpochSeconds(latest_timed(curves), np.zeros((2, 0)), np.zeros(0, dtype=bool))
    assert [seconds.of_trial(curve, np.zeros(0)) for curve in curves[:2]] == [2.0, 1.0]
    build = BuildSeconds(curves)
    assert (build.of_new, build.of_trial(curves[0]), build.of_trial(curves[2])) == (3.5, 4.0, 3.5)
    nothing = EpochSeconds([], np.zeros((0, 1)), np.zeros(1, dtype=bool))
    assert nothing.of_rows(np.zeros((2, 1))).tolist() == [1.0, 1.0]
