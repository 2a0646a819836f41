"""Comparison of two models on the same test images by McNemar's exact test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mnistsweep.analysis.accuracy import Interval
from mnistsweep.analysis.arrays import check
from mnistsweep.errors import DataError

# Maximum p-value of a difference that is reported as real.
SIGNIFICANCE_LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """Comparison of two models, A and B, on the same images.

    Only discordant images, which exactly one of the models predicts correctly, carry information about which is better.

    Attributes:
        examples: Number of images.
        only_first: Number of images that only A predicts correctly.
        only_second: Number of images that only B predicts correctly.
        both_wrong: Number of images that both predict wrong.
        difference: Accuracy of A minus accuracy of B, from -1 to 1.
        interval: 95 % interval of the difference (Agresti and Min 2005): covers the sampling of the test images.
        p_value: Two-sided p-value of McNemar's exact test (1947): the probability of a difference at least as large if
            each discordant image is equally likely to favour either model. It covers the test images, not the seeds.
    """

    examples: int
    only_first: int
    only_second: int
    both_wrong: int
    difference: float
    interval: Interval
    p_value: float

    def verdict(
        self, first: str = "A", second: str = "B", level: float = SIGNIFICANCE_LEVEL, many: str = "images"
    ) -> str:
        """Conclusion in a plain sentence.

        Args:
            first: Name of A.
            second: Name of B.
            level: Significance level. For several comparisons side by side, divide 0.05 by their number (Bonferroni;
                Dunn 1961).
            many: Word for several examples.

        Example:
            >>> Comparison(100, 9, 0, 3, 0.09, Interval(0.03, 0.15), 0.004).verdict("one", "the other")
            'one is better: it alone is right on 9 images, the other on 0 (p = 0.004).'
        """
        discordant = self.only_first + self.only_second
        if discordant == 0:
            return f"{first} and {second} are right on the same {many}."
        better, worse = (first, second) if self.difference > 0 else (second, first)
        more, fewer = max(self.only_first, self.only_second), min(self.only_first, self.only_second)
        chance = f"p = {self.p_value:.3f}" if self.p_value >= 0.001 else "p < 0.001"
        if self.p_value < level:
            return f"{better} is better: it alone is right on {more} {many}, {worse} on {fewer} ({chance})."
        return (
            f"No significant difference between {first} and {second}: they disagree on {discordant} {many}, right on "
            f"{self.only_first} and on {self.only_second} of them ({chance})."
        )


def compare_models(first: Any, second: Any, labels: Any) -> Comparison:
    """Compare two models by McNemar's exact test.

    Args:
        first: Probabilities of A, ``(n, classes)``.
        second: Probabilities of B, ``(n, classes)``.
        labels: ``(n,)``, integers from 0 to classes - 1.

    Returns:
        Numbers of discordant images, the difference in accuracy with its interval, and the p-value.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

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
    only_first, only_second = int((right & ~right_too).sum()), int((~right & right_too).sum())
    discordant = only_first + only_second
    return Comparison(
        examples=len(truth),
        only_first=only_first,
        only_second=only_second,
        both_wrong=int((~right & ~right_too).sum()),
        difference=(only_first - only_second) / len(truth),
        interval=_interval(only_first, only_second, len(truth)),
        p_value=float(binomtest(only_first, discordant).pvalue) if discordant else 1.0,
    )


def _interval(only_first: int, only_second: int, examples: int) -> Interval:
    """Wald interval of a paired difference, after adding half an image to each of the four counts."""
    from scipy.special import ndtri

    total, difference = examples + 2, only_first - only_second
    half = float(ndtri(0.975)) * (only_first + only_second + 1 - difference**2 / total) ** 0.5
    return Interval(max((difference - half) / total, -1.0), min((difference + half) / total, 1.0))
