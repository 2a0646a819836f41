"""Expected scores of configurations that were compared with noise: which one is the best, and how sure that is.

The best of many noisy scores is too good on average, because it was selected by its score (Smith and Winkler 2006, "The
optimizer's curse"). A hierarchical normal model corrects this (Gelman et al., "Bayesian Data Analysis", 3rd edition,
chapter 5.4): the true score of a configuration is its mean over seeds. True scores have the distribution
``N(mean, (1 - f) V)``, and a training with one seed adds noise ``N(0, f V)``. Bayesian posteriors need no further
correction for the selection, because all scores that it was based on are part of the data (the same book, chapter 8).

``mean`` and ``V`` are the median of all scores and the mean squared distance of the better half from it: the better
half matters, and a search has a long tail of bad configurations. The share ``f`` of the noise is unknown. Its prior is
uniform in the standard deviation (the same book, chapter 5.7), and its likelihood is that of the repeated trainings,
given the scores by which they were selected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mnistsweep.analysis.arrays import Floats

# Probability that an interval contains the true score.
LEVEL = 0.9

# Standard deviations of the noise that are considered, as shares of the standard deviation of all scores.
NOISE_SHARES = (np.arange(100) + 0.5) / 100

# Number of simulations for intervals and probabilities: the standard error of a probability is at most 0.008.
SIMULATIONS = 4000

SEED = 0


@dataclass(frozen=True, eq=False)
class ExpectedScores:
    """Posterior distribution of the true scores of all configurations; larger scores are better.

    Attributes:
        weights: Posterior probability of each share of the noise in `NOISE_SHARES`.
        conditional_means: Mean of each true score given the share of the noise, ``(shares, n)``.
        conditional_deviations: Standard deviation of each true score given the share, ``(shares, n)``.
        noise: Standard deviation of the scores of one configuration over seeds.

    Example:
        >>> found = expected_scores(
        ...     [0.93, 0.92, 0.90, 0.88, 0.86, 0.85], [[0.901, 0.897], [0.921, 0.919], [], [], [], []]
        ... )
        >>> found.means.argmax(), found.means[0] < 0.93
        (np.int64(1), np.True_)
    """

    weights: Floats
    conditional_means: Floats
    conditional_deviations: Floats
    noise: float

    @property
    def means(self) -> Floats:
        """Expected true score of each configuration, ``(n,)``."""
        return np.asarray(self.weights @ self.conditional_means, dtype=np.float64)

    @cached_property
    def _draws(self) -> Floats:
        """True scores drawn from the posterior distribution, ``(SIMULATIONS, n)``."""
        rng = np.random.default_rng(SEED)
        shares = rng.choice(len(self.weights), SIMULATIONS, p=self.weights)
        noise = rng.standard_normal((SIMULATIONS, self.conditional_means.shape[1]))
        return np.asarray(
            self.conditional_means[shares] + self.conditional_deviations[shares] * noise, dtype=np.float64
        )

    def interval(self, index: int) -> tuple[float, float]:
        """Interval that contains the true score of a configuration with the probability `LEVEL`.

        Args:
            index: Position of the configuration.
        """
        low, high = np.quantile(self._draws[:, index], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(low), float(high)

    def probability_of_best(self, index: int) -> float:
        """Probability that a configuration has the largest true score of all that were tried.

        Args:
            index: Position of the configuration.
        """
        return float((self._draws.argmax(axis=1) == index).mean())


def expected_scores(scores: Sequence[float], repeats: Sequence[Sequence[float]]) -> ExpectedScores:
    """Return the posterior distribution of the true scores.

    Args:
        scores: Score of each configuration in the search, ``(n,)``, larger is better; at least one.
        repeats: Scores of further trainings of each configuration with other seeds. Which configurations were repeated
            may depend on `scores`, but not on the repeats.
    """
    first = np.asarray(scores, dtype=np.float64)
    mean, variance = _prior(first)
    noise = (NOISE_SHARES**2)[:, None] * variance  # of one training, (shares, 1)
    between = variance - noise
    before = mean + (between / variance) * (first - mean)  # given the score of the search, (shares, n)
    spread = np.broadcast_to(between * noise / variance, before.shape)
    counts = np.array([len(one) for one in repeats])
    centers = np.array([np.mean(one) if len(one) else 0.0 for one in repeats])
    within = np.array([np.sum((np.asarray(one) - np.mean(one)) ** 2) if len(one) else 0.0 for one in repeats])
    weights = _weights(before, spread, noise, counts, centers, within)
    precision = 1 / spread + counts / noise
    means = (before / spread + counts * centers / noise) / precision
    return ExpectedScores(weights, means, precision**-0.5, float(np.sqrt(weights @ noise[:, 0])))


def _prior(scores: Floats) -> tuple[float, float]:
    """Return the mean and the variance of the scores, without the tail of bad ones."""
    center = float(np.median(scores))
    better = scores[scores >= center]
    variance = float(np.mean((better - center) ** 2))
    smallest = (1e-6 * max(1.0, abs(center))) ** 2  # all scores are equal
    return center, max(variance, smallest)


def _weights(before: Floats, spread: Floats, noise: Floats, counts: Floats, centers: Floats, within: Floats) -> Floats:
    """Return the posterior probability of each share of the noise, from the likelihood of the repeats."""
    repeated = counts > 0
    if not repeated.any():
        return np.full(len(noise), 1 / len(noise))
    count = counts[repeated]
    total = spread[:, repeated] + noise / count  # variance of the mean of the repeats
    log = -0.5 * (np.log(total) + (centers[repeated] - before[:, repeated]) ** 2 / total)
    log -= 0.5 * ((count - 1) * np.log(noise) + within[repeated] / noise)
    logs = log.sum(axis=1)
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)
