"""Expected scores against a direct computation of the posterior distribution, on a grid of true scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from mnistsweep.analysis.arrays import Floats
from mnistsweep.analysis.expected_scores import NOISE_SHARES, VARIANCES, expected_scores

SCORES = [0.90, 0.87, 0.86, 0.82, 0.75, 0.50, 0.88]
REPEATS: list[list[float]] = [[0.85, 0.88], [], [0.89], [], [], [], [0.86, 0.87, 0.90]]
CENTER = 0.86  # the median

TRUE = np.linspace(0.2, 1.4, 2401)
"""True scores over which the densities are summed."""


@pytest.mark.parametrize("scores", [SCORES, [2 * score - 7 for score in SCORES]])
def test_the_posterior_is_that_of_a_sum_over_all_true_scores(scores: list[float]) -> None:
    repeats = [[2 * one - 7 for one in found] for found in REPEATS] if scores is not SCORES else REPEATS
    found = expected_scores(scores, repeats)
    scale, shift = (2.0, -7.0) if scores is not SCORES else (1.0, 0.0)
    chosen = [(variance, noise) for variance in (1, 4, 8) for noise in (10, 25, 40, 49)]
    logs = []
    for variance, noise in chosen:
        case = variance * len(NOISE_SHARES) + noise
        log, means, deviations = direct(float(VARIANCES[variance]), float(NOISE_SHARES[noise]))
        logs.append(log)
        np.testing.assert_allclose(found.conditional_means[case], scale * means + shift, atol=1e-5)
        np.testing.assert_allclose(found.conditional_deviations[case], scale * deviations, rtol=1e-4)
    weights = found.weights[[variance * len(NOISE_SHARES) + noise for variance, noise in chosen]]
    expected = np.exp(np.array(logs) - max(logs))
    np.testing.assert_allclose(weights / weights.sum(), expected / expected.sum(), rtol=1e-3)
    assert found.weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(found.means, found.weights @ found.conditional_means)


def direct(multiple: float, share: float) -> tuple[float, Floats, Floats]:
    """Logarithm of the evidence for a case, and mean and standard deviation of each true score in it."""
    squares = np.array([(score - CENTER) ** 2 for score in SCORES if score >= CENTER])
    variance = multiple * float(squares.mean())
    noise = share * math.sqrt(variance)
    log = float(norm.logpdf(np.sqrt(squares), 0.0, math.sqrt(variance)).sum())
    moments = []
    for score, repeats in zip(SCORES, REPEATS, strict=True):
        density = given_score(score, variance, noise)
        for repeat in repeats:
            density = density * norm.pdf(repeat, TRUE, noise)
        evidence = np.trapezoid(density, TRUE)
        log += math.log(evidence)
        mean = np.trapezoid(density * TRUE, TRUE) / evidence
        moments.append((mean, math.sqrt(np.trapezoid(density * (TRUE - mean) ** 2, TRUE) / evidence)))
    means, deviations = np.array(moments).T
    return log, means, deviations


def given_score(score: float, variance: float, noise: float) -> Floats:
    """Density of a true score after the search; the mean of all scores is the median, up to its standard error."""
    error = math.sqrt(math.pi / 2 * variance / len(SCORES))
    offsets = np.linspace(-6, 6, 61)
    total = np.zeros_like(TRUE)
    for offset, weight in zip(offsets, norm.pdf(offsets) / norm.pdf(offsets).sum(), strict=True):
        prior = norm.pdf(TRUE, CENTER + offset * error, math.sqrt(variance - noise**2))
        density = prior * norm.pdf(score, TRUE, noise)
        total += weight * density / np.trapezoid(density, TRUE)
    return total
