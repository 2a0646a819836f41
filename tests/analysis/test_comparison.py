from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from mnistsweep.analysis.comparison import compare_models
from mnistsweep.errors import DataError


def models(both: int, first: int, second: int, neither: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two models that are right so often, on images that all have the label 0."""
    right, wrong = [0.75, 0.25], [0.25, 0.75]
    one = [right] * both + [right] * first + [wrong] * second + [wrong] * neither
    other = [right] * both + [wrong] * first + [right] * second + [wrong] * neither
    return np.array(one), np.array(other)


@pytest.mark.parametrize(
    ("first", "second", "p_value"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 0, 2 / 2**5),
        (8, 1, 2 * (1 + 9) / 2**9),
        (10, 2, 2 * (1 + 12 + 66) / 2**12),
        (2, 10, 2 * (1 + 12 + 66) / 2**12),
        (4, 4, 1.0),
    ],
)
def test_exact_values(first: int, second: int, p_value: float) -> None:
    """Twice the lower tail of a binomial with a half."""
    found = compare_models(*models(50, first, second, 3), np.zeros(53 + first + second, int))
    assert (found.only_first, found.only_second, found.both_wrong) == (first, second, 3)
    assert found.p_value == pytest.approx(p_value, abs=1e-12)


def test_difference_and_its_interval() -> None:
    """By hand after Agresti and Min: half an image more in each of the four counts."""
    found = compare_models(*models(80, 12, 5, 3), np.zeros(100, int))
    assert found.difference == pytest.approx(0.07, abs=1e-12)
    b, c, n = 12.5, 5.5, 102
    half = 1.959963984540054 * math.sqrt(b + c - (b - c) ** 2 / n) / n
    assert (found.interval.low, found.interval.high) == pytest.approx(
        ((b - c) / n - half, (b - c) / n + half), abs=1e-12
    )


def test_turned_round() -> None:
    one, other = models(80, 12, 5, 3)
    found, turned = compare_models(one, other, np.zeros(100, int)), compare_models(other, one, np.zeros(100, int))
    assert (turned.difference, turned.p_value) == (-found.difference, found.p_value)
    assert (turned.interval.low, turned.interval.high) == pytest.approx((-found.interval.high, -found.interval.low))


def test_verdicts() -> None:
    labels = np.zeros(100, int)
    better = compare_models(*models(80, 12, 2, 6), labels)
    assert better.verdict("one", "other") == ("one is better: it alone is right on 12 images, other on 2 (p = 0.013).")
    assert better.verdict("one", "other", level=0.01).startswith("No significant difference between one and other:")
    assert (
        compare_models(*models(80, 2, 12, 6), labels)
        .verdict()
        .startswith("B is better: it alone is right on 12 images")
    )
    assert compare_models(*models(80, 0, 0, 20), labels).verdict() == "A and B are right on the same images."
    assert compare_models(*models(70, 0, 30, 0), labels).verdict().endswith("(p < 0.001).")


def test_the_interval_stays_within_its_range() -> None:
    found = compare_models(*models(0, 3, 0, 0), np.zeros(3, int))
    assert found.interval.high <= 1


def test_models_of_other_classes() -> None:
    with pytest.raises(DataError, match=r"both models must have the same classes, received \(1, 2\), \(1, 3\)"):
        compare_models([[0.5, 0.5]], [[0.5, 0.25, 0.25]], [0])
