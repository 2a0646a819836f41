"""Which factors of an experiment have an effect on the order of its results, and which have next to none.

A factor divides the results into groups. Its effect is tested on ranks, by the test of Kruskal and Wallis (1952), so
one diverged training counts no more than any other bad one. The factor with the clearest effect comes first; its effect
is then subtracted from the ranks and the others are tested on what is left (aligned ranks: Hodges and Lehmann, 1962).
So a strong factor does not hide a weaker one, and a factor that only varied together with a strong one has no effect
of its own. Significance levels are divided by the number of tests (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_PROBABILITY = 0.01
"""Probability that some factor is said to have an effect where none has one."""

MIN_RESULTS = 10
"""Minimum number of results; with fewer, nothing is tested."""

NEGLIGIBLE, NEGLIGIBLE_ERROR = 0.1, 0.05
"""A factor is negligible where its share of the order is below the first number; the second one is the probability that
this is said of a factor with a larger share."""

DOUBTFUL = 0.1
"""Probability of an effect by chance, among the better half of the results, below which a factor is not negligible."""

CLEARLY_WORSE = 3.0
"""A group is worse than the best one where the difference of their mean ranks is this many standard errors: with five
groups, the distance at which Tukey's test (1949) is significant at about 0.02."""


@dataclass(frozen=True, eq=False)
class Effect:
    """Effect of one factor on the order of the results.

    Attributes:
        factor: Position of the factor.
        share: Share of the order of the results that the factor explains, from 0 to 1: the estimate epsilon squared of
            Kelley (1935) on ranks.
        worse: Whether each group is clearly worse than the best one, ``(groups,)``; an empty group is not.
        best: Best group: the one with the largest mean rank.
    """

    factor: int
    share: float
    worse: NDArray[np.bool_]
    best: int


@dataclass(frozen=True, eq=False)
class Effects:
    """Factors by their effects; factors that are in neither list may or may not have one.

    Attributes:
        found: Effects, the largest first.
        negligible: Positions of the factors that explain less than `NEGLIGIBLE` of the order. Empty where no effect was
            found: if nothing explains the order, chance does.
    """

    found: Sequence[Effect] = ()
    negligible: Sequence[int] = ()


def find_effects(
    groups: NDArray[np.int64], results: NDArray[np.float64], num_groups: Sequence[int] | None = None
) -> Effects:
    """Find the factors that have an effect on the order of the results.

    Args:
        groups: Group of each result by each factor, from 0, ``(results, factors)``; -1 where the factor does not apply.
        results: Results, ``(results,)``: larger is better; finite.
        num_groups: Number of groups of each factor, empty ones included; None: those with results.

    Example:
        >>> groups = np.array([[index % 2, index // 15] for index in range(30)])
        >>> found = find_effects(groups, 10.0 * groups[:, 0] + np.arange(30) % 7)
        >>> [effect.factor for effect in found.found], found.found[0].best
        ([0], 1)
    """
    if len(results) < MIN_RESULTS or not groups.size:
        return Effects()
    sizes = num_groups or [int(column.max()) + 1 for column in groups.T]
    factors = [_Factor(column, max(size, 1)) for column, size in zip(groups.T, sizes, strict=True)]
    order = _ranks(results)
    tested = [index for index, factor in enumerate(factors) if factor.degrees > 0]
    level = MAX_PROBABILITY / max(len(tested), 1)
    chosen = _select(factors, tested, order, level)
    if not chosen:
        return Effects()
    effects = [_effect(factors, index, chosen, order) for index in chosen]
    left = _without(order, [factors[index] for index in chosen])
    unexplained = float(left.var() / order.var())
    negligible = [
        index
        for index in tested
        if index not in chosen
        and factors[index].is_even
        and factors[index].bound(left) * unexplained < NEGLIGIBLE
        and not _matters_among_the_best(groups, index, chosen, order)
    ]
    return Effects(sorted(effects, key=lambda effect: -effect.share), negligible)


def _matters_among_the_best(
    groups: NDArray[np.int64], index: int, chosen: Sequence[int], order: NDArray[np.float64]
) -> bool:
    """Whether a factor may have an effect among the better half of the results, which a strong factor can hide."""
    better = order >= np.median(order)
    inner = {one: _Factor(groups[better, one], int(groups[:, one].max()) + 1) for one in (index, *chosen)}
    return inner[index].probability(_without(order[better], [inner[one] for one in chosen])) < DOUBTFUL


class _Factor:
    """One factor.

    Args:
        groups: Group of each result; -1 where the factor does not apply.
        size: Number of groups, empty ones included.
    """

    def __init__(self, groups: NDArray[np.int64], size: int) -> None:
        self.applies = groups >= 0
        self.groups = groups[self.applies]
        self.counts = np.bincount(self.groups, minlength=size)
        self.degrees = int((self.counts > 0).sum()) - 1

    @property
    def is_even(self) -> bool:
        """Whether the factor always applies, and each group has at least half of its fair share of the results.

        A search that learns tries a good value nearly always. Then the order of its trials hardly depends on that
        dimension, however large the effect is.
        """
        return bool(self.applies.all() and 2 * len(self.counts) * self.counts.min() >= len(self.groups))

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of the values of each group; NaN for an empty group."""
        sums = np.bincount(self.groups, values[self.applies], minlength=len(self.counts))
        filled = np.where(self.counts > 0, self.counts, np.nan)
        means: NDArray[np.float64] = sums / filled
        return means

    def statistic(self, values: NDArray[np.float64]) -> float:
        """H of Kruskal and Wallis, corrected for ties, of the ranks of the values among those to which it applies."""
        ranks = np.zeros(len(values))
        ranks[self.applies] = _ranks(values[self.applies])
        spread = float(ranks[self.applies].var())
        if spread == 0:
            return 0.0
        count = len(self.groups)
        between = np.nansum(self.counts * (self.means(ranks) - ranks[self.applies].mean()) ** 2)
        return float((count - 1) * between / (count * spread))

    def probability(self, values: NDArray[np.float64]) -> float:
        """Probability of a statistic at least as large by chance: of F on ranks (Conover and Iman, 1981)."""
        from scipy.special import fdtrc

        statistic, left = self.statistic(values), len(self.groups) - 1 - self.degrees
        unexplained = len(self.groups) - 1 - statistic
        if left < 1 or statistic == 0:
            return 1.0
        if unexplained <= 0:
            return 0.0
        return float(fdtrc(self.degrees, left, (statistic / self.degrees) / (unexplained / left)))

    def share(self, values: NDArray[np.float64]) -> float:
        """Share of the order of the values that the factor explains, without what chance explains."""
        left = len(self.groups) - 1 - self.degrees
        return max(0.0, (self.statistic(values) - self.degrees) / left) if left > 0 else 0.0

    def bound(self, values: NDArray[np.float64]) -> float:
        """Largest share that is compatible with the values: H has a noncentral chi-squared distribution."""
        from scipy.special import chndtr, chndtrinc

        statistic = self.statistic(values)
        if chndtr(statistic, self.degrees, 0.0) <= NEGLIGIBLE_ERROR:
            return 0.0
        return float(chndtrinc(statistic, self.degrees, NEGLIGIBLE_ERROR) / (len(self.groups) - 1))

    def columns(self) -> NDArray[np.float64]:
        """Indicator of each group, ``(results, groups)``."""
        indicators = np.zeros((len(self.applies), len(self.counts)))
        indicators[np.flatnonzero(self.applies), self.groups] = 1.0
        return indicators


def _select(factors: Sequence[_Factor], tested: Sequence[int], order: NDArray[np.float64], level: float) -> list[int]:
    """Return the factors with an effect: one is added at a time, then those without an own effect are removed."""
    chosen: list[int] = []
    while len(chosen) < len(tested):
        left = _without(order, [factors[index] for index in chosen])
        chances = {index: factors[index].probability(left) for index in tested if index not in chosen}
        best = min(chances, key=lambda index: chances[index])
        if chances[best] > level:
            break
        chosen.append(best)
    while len(chosen) > 1:
        chances = {
            index: factors[index].probability(_without_others(factors, index, chosen, order)) for index in chosen
        }
        weakest = max(chances, key=lambda index: chances[index])
        if chances[weakest] <= level:
            break
        chosen.remove(weakest)
    return chosen


def _effect(factors: Sequence[_Factor], index: int, chosen: Sequence[int], order: NDArray[np.float64]) -> Effect:
    """Return the effect of a factor, without the effects of the others."""
    factor = factors[index]
    values = _without_others(factors, index, chosen, order)
    means, inner = factor.means(values), values[factor.applies]
    best = int(np.nanargmax(means))
    within = float(((inner - means[factor.groups]) ** 2).sum()) / max(len(inner) - 1 - factor.degrees, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.sqrt(within * (1 / factor.counts + 1 / factor.counts[best]))
        worse = means[best] - means > CLEARLY_WORSE * errors
    share = factor.share(values) * float(values.var() / order.var())
    return Effect(index, min(share, 1.0), worse, best)


def _without_others(
    factors: Sequence[_Factor], index: int, chosen: Sequence[int], order: NDArray[np.float64]
) -> NDArray[np.float64]:
    return _without(order, [factors[other] for other in chosen if other != index])


def _without(order: NDArray[np.float64], factors: Sequence[_Factor]) -> NDArray[np.float64]:
    """Return the ranks without the effects of some factors, which are fitted together by least squares."""
    centred: NDArray[np.float64] = order - order.mean()
    if not factors:
        return centred
    columns = np.hstack([factor.columns() for factor in factors])
    # The normal equations are few, and they are singular: the indicators of each factor add up to the same column.
    fitted = np.linalg.pinv(columns.T @ columns, hermitian=True) @ (columns.T @ centred)
    left: NDArray[np.float64] = (centred - columns @ fitted).round(6)  # equal results stay equal
    return left


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks, from 0 for the smallest value; equal values have their mean rank."""
    _, positions, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts + 1) / 2)[positions.reshape(-1)], dtype=np.float64)
