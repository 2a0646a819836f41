"""Calibration and coverage: hand-computed cases, scikit-learn, and confidences that are true by construction."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from mnistsweep.analysis.calibration import brier_score, measure_calibration
from mnistsweep.analysis.coverage import measure_coverage
from mnistsweep.analysis.log_loss import log_loss
from mnistsweep.errors import DataError


def draw(examples: int, classes: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels drawn from them: calibrated by construction."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(classes, 0.3), examples)
    labels = (probabilities.cumsum(axis=1) < rng.random((examples, 1))).sum(axis=1).clip(0, classes - 1)
    return probabilities, labels


def test_bins_by_hand() -> None:
    found = measure_calibration([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.6, 0.4], [1.0, 0.0]], [0, 0, 1, 0, 0], bins=5)
    # Above an edge, up to the next: 0.6 and 0.8 belong to the bins that they end.
    assert found.counts.tolist() == [0, 0, 1, 2, 2]
    assert found.confidence[2:] == pytest.approx([0.6, 0.75, 0.95])
    assert found.accuracy[2:] == pytest.approx([1, 0.5, 1])
    assert found.expected_error == pytest.approx((0.4 + 2 * 0.25 + 2 * 0.05) / 5)
    assert found.maximum_error == pytest.approx(0.4)
    assert np.isnan(found.accuracy[:2]).all()
    assert found.low[0] == 0
    assert found.high[0] == 1
    assert found.low[3] == pytest.approx(0.0945, abs=1e-4)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_agrees_with_scikit_learn(classes: int) -> None:
    probabilities, labels = draw(3000, classes)
    found = measure_calibration(probabilities, labels, bins=15)
    right = probabilities.argmax(axis=1) == labels
    true, believed = calibration_curve(right, probabilities.max(axis=1), n_bins=15, strategy="uniform")
    filled = found.counts > 0
    np.testing.assert_allclose(found.accuracy[filled], true, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.confidence[filled], believed, rtol=0, atol=1e-12)
    every = list(range(classes))
    brier = brier_score_loss(labels, probabilities if classes > 2 else probabilities[:, 1], labels=every)
    assert brier_score(probabilities, labels) == pytest.approx(brier * (1 if classes > 2 else 2), abs=1e-12)
    assert log_loss(probabilities, labels) == pytest.approx(
        sklearn_log_loss(labels, probabilities, labels=every), abs=1e-12
    )
    assert (found.brier, found.log_loss) == (brier_score(probabilities, labels), log_loss(probabilities, labels))


def test_confidence_that_is_true_passes_and_one_that_is_not_does_not() -> None:
    passed = [not measure_calibration(*draw(2000, 10, seed)).miscalibrated for seed in range(40)]
    assert sum(passed) >= 34  # 95 % are expected
    probabilities, labels = draw(2000, 10)
    sharpened = probabilities**2 / (probabilities**2).sum(axis=1, keepdims=True)
    found = measure_calibration(sharpened, labels)
    assert found.miscalibrated
    assert found.overconfident


def test_all_right_and_all_wrong() -> None:
    right = measure_calibration([[1.0, 0.0], [0.0, 1.0]], [0, 1])
    assert (right.expected_error, right.brier, right.log_loss, right.chance_error) == (0, 0, 0, 0)
    wrong = measure_calibration(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32), [1, 0])
    assert (wrong.expected_error, wrong.maximum_error, wrong.brier) == (1, 1, 2)
    assert wrong.log_loss == pytest.approx(-np.log(np.finfo(float).eps))
    assert wrong.miscalibrated


def test_what_does_not_fit_is_refused() -> None:
    for function in (measure_calibration, measure_coverage, brier_score, log_loss):
        with pytest.raises(DataError, match=r"each row must sum to 1, row 0 sums to 1.2"):
            function([[0.9, 0.3]], [0])
        with pytest.raises(DataError, match=r"labels: must lie from 0 to 1"):
            function([[0.9, 0.1]], [2])


def test_coverage_by_hand() -> None:
    curve = measure_coverage([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.4, 0.6]], [0, 1, 1, 0])
    # The two of 0.9 are answered together, one of them right.
    assert curve.thresholds.tolist() == [0.9, 0.7, 0.6]
    assert curve.answered.tolist() == [2, 3, 4]
    assert curve.right.tolist() == [1, 2, 2]
    assert curve.coverage.tolist() == [0.5, 0.75, 1]
    assert curve.risk_area == pytest.approx((0.5 + 0.5 + 1 / 3 + 0.5) / 4)
    assert curve.largest_point_with(0.6) == 1
    assert curve.largest_point_with(0.5) == 2
    assert curve.largest_point_with(0.9) is None
    assert curve.points_at([0.1, 0.5, 0.51, 1]).tolist() == [0, 1, 2]
    low, high = curve.interval([0, 2])
    assert low == pytest.approx([0.0945, 0.15], abs=1e-3)
    assert high == pytest.approx([0.9055, 0.85], abs=1e-3)


def test_coverage_of_saturated_all_right_and_all_wrong() -> None:
    saturated = np.zeros((50, 3))
    saturated[:, 0] = 1
    right, wrong = measure_coverage(saturated, np.zeros(50, int)), measure_coverage(saturated, np.ones(50, int))
    assert (right.answered.tolist(), right.risk_area, right.largest_point_with(0.999)) == ([50], 0, 0)
    assert (wrong.answered.tolist(), wrong.risk_area, wrong.largest_point_with(0.001)) == ([50], 1, None)


def test_coverage_area_is_the_mean_of_the_risks_where_confidences_differ() -> None:
    probabilities, labels = draw(500, 5)
    order = np.argsort(-probabilities.max(axis=1))
    wrong = (probabilities.argmax(axis=1) != labels)[order]
    risks = [wrong[:count].mean() for count in range(1, 501)]
    assert measure_coverage(probabilities, labels).risk_area == pytest.approx(np.mean(risks), abs=1e-12)
