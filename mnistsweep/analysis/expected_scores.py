"""Expected scores of configurations that were compared with noise: which one is the best, and how sure that is.

The best of many noisy scores is too good on average, because it was selected by its score (Smith and Winkler 2006, "The
optimizer's curse"). A hierarchical normal model corrects this (Gelman et al., "Bayesian Data Analysis", 3rd edition,
chapter 5.4): the true score of a configuration is its mean over seeds. True scores have the distribution
``N(mean, (1 - f) V)``, and a training with one seed adds noise ``N(0, f V)``. Bayesian posteriors need no further
correction for the selection, because all scores that it was based on are part of the data (the same book, chapter 8).

``mean`` is the median of all scores, with its standard error. ``V`` is estimated from the distances of the better half
from it: the better half matters, and a search has a long tail of bad configurations. ``V`` and the share ``f`` of the
noise are unknown. The prior of ``V`` is uniform in its logarithm, that of the noise in the standard deviation (the same
book, chapter 5.7). The likelihood of ``f`` is that of the repeated trainings, given the scores by which they were
selected.
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
NOISE_SHARES = (np.arange(50) + 0.5) / 50

# Variances of the scores that are considered, as multiples of the estimate.
VARIANCES = 2.0 ** np.arange(-2.0, 3.5, 0.5)

# Number of simulations for intervals and probabilities: the standard error of a probability is at most 0.008.
SIMULATIONS = 4000

SEED = 0


@dataclass(frozen=True, eq=False)
class ExpectedScores:
    """Posterior distribution of the true scores of all configurations; larger scores are better.

    Attributes:
        weights: Posterior probability of each case: a variance of the scores with a share of the noise.
        conditional_means: Mean of each true score in each case, ``(cases, n)``.
        conditional_deviations: Standard deviation of each true score in each case, ``(cases, n)``.
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
        cases = rng.choice(len(self.weights), SIMULATIONS, p=self.weights)
        noise = rng.standard_normal((SIMULATIONS, self.conditional_means.shape[1]))
        return np.asarray(self.conditional_means[cases] + self.conditional_deviations[cases] * noise, dtype=np.float64)

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
    mean, estimate, count = _prior(first, repeats)
    multiples = np.repeat(VARIANCES, len(NOISE_SHARES))[:, None]
    variance = multiples * estimate  # (cases, 1)
    noise = np.tile(NOISE_SHARES**2, len(VARIANCES))[:, None] * variance  # of one training
    between = variance - noise
    before = mean + (between / variance) * (first - mean)  # given the score of the search, (cases, n)
    of_median = (noise / variance) ** 2 * np.pi / 2 * variance / len(first)
    spread = np.broadcast_to(between * noise / variance + of_median, before.shape)
    counts = np.array([len(one) for one in repeats])
    centers = np.array([np.mean(one) if len(one) else 0.0 for one in repeats])
    within = np.array([np.sum((np.asarray(one) - np.mean(one)) ** 2) if len(one) else 0.0 for one in repeats])
    log_prior = -0.5 * count * (np.log(multiples) + 1 / multiples)[:, 0]
    weights = _weights(log_prior, before, spread, noise, counts, centers, within)
    precision = 1 / spread + counts / noise
    means = (before / spread + counts * centers / noise) / precision
    return ExpectedScores(weights, means, precision**-0.5, float(np.sqrt(weights @ noise[:, 0])))


def _prior(scores: Floats, repeats: Sequence[Sequence[float]]) -> tuple[float, float, int]:
    """Return mean and variance of the scores without the tail of bad ones, and of how many scores the variance is.

    Where the better scores are all equal, as a single one is, they say nothing about their variance. Then it is that of
    the repeated trainings: half of the mean squared difference between two trainings of one configuration.
    """
    center = float(np.median(scores))
    better = scores[scores >= center]
    variance = float(np.mean((better - center) ** 2))
    smallest = (1e-6 * max(1.0, abs(center))) ** 2
    if variance <= smallest:
        changes = [one - score for score, further in zip(scores, repeats, strict=True) for one in further]
        variance = float(np.mean(np.square(changes))) / 2 if changes else 0.0
    return center, max(variance, smallest), len(better)


def _weights(
    log_prior: Floats, before: Floats, spread: Floats, noise: Floats, counts: Floats, centers: Floats, within: Floats
) -> Floats:
    """Return the posterior probability of each case, from the likelihood of the repeats."""
    repeated = counts > 0
    count = counts[repeated]
    total = spread[:, repeated] + noise / count  # variance of the mean of the repeats
    log = -0.5 * (np.log(total) + (centers[repeated] - before[:, repeated]) ** 2 / total)
    log -= 0.5 * ((count - 1) * np.log(noise) + within[repeated] / noise)
    logs = log_prior + log.sum(axis=1)
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)
