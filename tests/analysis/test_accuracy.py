from __future__ import annotations

import math

import numpy as np
import pytest
from evidence import make_probabilities
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t
from sklearn.metrics import accuracy_score, log_loss

from mnistsweep.analysis.accuracy import measure_accuracy, wilson_interval
from mnistsweep.errors import DataError

RNG = np.random.default_rng(0)
LABELS = np.arange(1000) % 7
PROBABILITIES = make_probabilities(4, LABELS, 7, RNG)


def test_agrees_with_scikit_learn() -> None:
    found = measure_accuracy(PROBABILITIES, LABELS)
    models = [*PROBABILITIES, PROBABILITIES.mean(axis=0)]
    for one, p in zip([*found.seeds, found.committee], models, strict=True):
        assert one.accuracy == pytest.approx(accuracy_score(LABELS, p.argmax(axis=1)), abs=1e-12)
        assert one.log_loss == pytest.approx(log_loss(LABELS, p, labels=range(7)), abs=1e-12)
        assert one.correct == one.accuracy * one.examples


def test_mean_and_spread_over_seeds() -> None:
    found = measure_accuracy(PROBABILITIES, LABELS)
    each = np.array([one.accuracy for one in found.seeds])
    losses = np.array([one.log_loss for one in found.seeds])
    assert found.mean == pytest.approx(each.mean(), abs=1e-12)
    assert found.std == pytest.approx(np.std(each, ddof=1), abs=1e-12)
    assert (found.log_loss, found.log_loss_std) == pytest.approx((losses.mean(), losses.std(ddof=1)), abs=1e-12)
    low, high = t.interval(0.95, 3, each.mean(), each.std(ddof=1) / 2)
    assert found.seeds_interval is not None
    assert (found.seeds_interval.low, found.seeds_interval.high) == pytest.approx((low, high), abs=1e-12)


def test_the_interval_covers_the_sampling_of_images() -> None:
    """Coverage of the interval: of 100 samples of a model with 90 % accuracy, about 95 intervals contain it."""
    right = np.random.default_rng(1).uniform(size=(2000, 500)) < 0.9
    low, high = wilson_interval(right.sum(axis=1), 500)
    assert 0.93 < ((low <= 0.9) & (high >= 0.9)).mean() < 0.97


def test_wilson_of_a_good_mnist_model() -> None:
    low, high = wilson_interval(9930, 10_000)
    assert (round(100 * float(low), 2), round(100 * float(high), 2)) == (99.12, 99.45)


@given(st.integers(1, 10_000), st.data())
def test_wilson_agrees_with_scipy(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    expected = binomtest(successes, trials).proportion_ci(0.95, "wilson")
    assert [float(end) for end in wilson_interval(successes, trials)] == pytest.approx([*expected], abs=1e-12)


def test_wilson_at_the_ends() -> None:
    low, high = wilson_interval([0, 5, 0], [5, 5, 0])
    assert low[0] == 0
    assert high[1] == 1
    assert (low[2], high[2]) == (0, 1)


def test_one_seed_has_no_spread() -> None:
    found = measure_accuracy(PROBABILITIES[0], LABELS)
    assert math.isnan(found.std)
    assert math.isnan(found.log_loss_std)
    assert found.seeds_interval is None
    assert found.committee == found.seeds[0]


@pytest.mark.parametrize(("label", "accuracy", "loss"), [(0, 1.0, 0.0), (1, 0.0, -math.log(np.finfo(float).eps))])
def test_all_right_and_all_wrong(label: int, accuracy: float, loss: float) -> None:
    found = measure_accuracy([[[1.0, 0.0]] * 20] * 2, [label] * 20)
    assert (found.mean, found.std, found.log_loss) == pytest.approx((accuracy, 0, loss), abs=1e-12)


def test_says_both_in_words() -> None:
    told = str(measure_accuracy([[[0.75, 0.25], [0.75, 0.25]], [[0.75, 0.25], [0.25, 0.75]]], [0, 1]))
    assert told.startswith("test accuracy: 75.00 ± 35.36 % over 2 seeds (test images: ")
    assert "\ncommittee: 50.00 % (test images: 9.45 to 90.55 %)" in told


def test_labels_out_of_range() -> None:
    with pytest.raises(DataError, match=r"labels: must lie from 0 to 1 \(2 classes\), label 1 is 2"):
        measure_accuracy([[0.5, 0.5], [0.5, 0.5]], [0, 2])
