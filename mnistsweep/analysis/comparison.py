"""Two models on the same test images: is one better, or does it only look so?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mnistsweep.analysis.accuracy import Interval
from mnistsweep.analysis.arrays import check
from mnistsweep.errors import DataError

SIGNIFICANCE_LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """Two models, A and B, on the same images.

    The images that both get right, and those that both get wrong, say nothing about which one is better; the others do.

    Attributes:
        examples: How many images.
        only_first: How many A alone gets right.
        only_second: How many B alone gets right.
        both_wrong: How many neither gets right.
        difference: Accuracy of A less that of B, from -1 to 1.
        interval: Of the difference, 95 % (Agresti and Min 2005): covers the sampling of the test images.
        p_value: Of McNemar's exact test (1947), two-sided: how often a difference as large comes about if each of the
            discordant images had gone to either model by the toss of a coin. It covers the test images, not the seeds.
    """

    examples: int
    only_first: int
    only_second: int
    both_wrong: int
    difference: float
    interval: Interval
    p_value: float

    def verdict(self, first: str = "A", second: str = "B", level: float = SIGNIFICANCE_LEVEL) -> str:
        """Say in a plain sentence what the numbers allow one to say.

        Args:
            first: Name of A.
            second: Name of B.
            level: The difference counts as real where the p-value is smaller; divide 0.05 by the number of comparisons
                that are made side by side (Bonferroni; Dunn 1961).

        Example:
            >>> Comparison(100, 9, 0, 3, 0.09, Interval(0.03, 0.15), 0.004).verdict("one", "the other")
            'one is better: it alone is right on 9 images, the other on 0 (p = 0.004).'
        """
        discordant = self.only_first + self.only_second
        if discordant == 0:
            return f"{first} and {second} are right on the same images."
        better, worse = (first, second) if self.difference > 0 else (second, first)
        more, fewer = max(self.only_first, self.only_second), min(self.only_first, self.only_second)
        chance = f"p = {self.p_value:.3f}" if self.p_value >= 0.001 else "p < 0.001"
        if self.p_value < level:
            return f"{better} is better: it alone is right on {more} images, {worse} on {fewer} ({chance})."
        return (
            f"No difference can be told between {first} and {second}: they disagree on {discordant} images, right on "
            f"{self.only_first} and on {self.only_second} of them ({chance})."
        )


def compare_models(first: Any, second: Any, labels: Any) -> Comparison:
    """Compare two models by McNemar's exact test.

    Args:
        first: Probabilities of A, ``(n, classes)``.
        second: Probabilities of B, ``(n, classes)``.
        labels: ``(n,)``, whole numbers from 0 to classes - 1.

    Returns:
        Both discordant counts, the difference in accuracy with its interval, and the p-value.

    Raises:
        DataError: The arrays do not fit together, or hold what is no probability or no label.

    Example:
        >>> a, b = [[0.75, 0.25]] * 6, [[0.25, 0.75]] * 6
        >>> found = compare_models(a, b, [0] * 6)
        >>> found.only_first, found.only_second, found.p_value
        (6, 0, 0.03125)
    """
    from scipy.stats import binomtest

    one, truth = check(first, labels)
    other, _ = check(second, labels)
    if one.shape != other.shape:
        raise DataError(f"probabilities: both models must have the same classes, received {one.shape}, {other.shape}.")
    right, right_too = one.argmax(axis=1) == truth, other.argmax(axis=1) == truth
    gained, lost = int((right & ~right_too).sum()), int((~right & right_too).sum())
    discordant = gained + lost
    return Comparison(
        examples=len(truth),
        only_first=gained,
        only_second=lost,
        both_wrong=int((~right & ~right_too).sum()),
        difference=(gained - lost) / len(truth),
        interval=_interval(gained, lost, len(truth)),
        p_value=float(binomtest(gained, discordant).pvalue) if discordant else 1.0,
    )


def _interval(gained: int, lost: int, examples: int) -> Interval:
    """Wald's interval of a paired difference after half an image is added to each of the four counts."""
    from scipy.special import ndtri

    total, difference = examples + 2, gained - lost
    half = float(ndtri(0.975)) * (gained + lost + 1 - difference**2 / total) ** 0.5
    return Interval(max((difference - half) / total, -1.0), min((difference + half) / total, 1.0))
