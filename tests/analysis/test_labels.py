"""Curves, thresholds and scores of labels against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from mnistsweep.analysis.binary_curves import best_threshold, measure_curves
from mnistsweep.analysis.multi_label import choose_thresholds, label_curves, score_labels
from mnistsweep.errors import DataError

RNG = np.random.default_rng(1)
TRUTH = (RNG.random((400, 4)) < [0.1, 0.5, 0.9, 0.3]).astype(np.int64)
SCORES = np.round((0.6 * TRUTH + RNG.random((400, 4))) / 1.6, 2)  # rounded, so that some are equal


@pytest.mark.parametrize("label", range(4))
def test_areas_are_those_of_scikit_learn(label: int) -> None:
    found = measure_curves(SCORES[:, label], TRUTH[:, label])
    area = metrics.roc_auc_score(TRUTH[:, label], SCORES[:, label])
    assert found.roc_area == pytest.approx(area)
    assert found.average_precision == pytest.approx(metrics.average_precision_score(TRUTH[:, label], SCORES[:, label]))
    positive, negative = SCORES[TRUTH[:, label] == 1, label], SCORES[TRUTH[:, label] == 0, label]
    difference = positive[:, None] - negative
    assert found.roc_area == pytest.approx(((difference > 0) + 0.5 * (difference == 0)).mean())
    assert found.roc_interval.low < area < found.roc_interval.high


def test_one_kind_of_example_has_no_curve() -> None:
    for truth in ([0, 0, 0], [1, 1, 1]):
        found = measure_curves([0.1, 0.2, 0.3], truth)
        assert np.isnan([found.roc_area, found.average_precision]).all()
        assert best_threshold([0.1, 0.2, 0.3], truth) is None


@pytest.mark.parametrize("label", range(4))
def test_the_threshold_has_the_largest_f1_of_all(label: int) -> None:
    scores, truth = SCORES[:, label], TRUTH[:, label]
    threshold = best_threshold(scores, truth)
    assert threshold is not None
    candidates = np.unique(scores)
    best = max(metrics.f1_score(truth, scores >= one) for one in candidates)
    assert metrics.f1_score(truth, scores >= threshold) == pytest.approx(best)
    assert threshold not in scores or threshold == scores.min()


def test_scores_are_those_of_scikit_learn() -> None:
    thresholds = choose_thresholds(SCORES, TRUTH)
    for limits in (0.5, thresholds):
        found, predicted = score_labels(SCORES, TRUTH, limits), limits <= SCORES
        precision, recall, f1, support = metrics.precision_recall_fscore_support(TRUTH, predicted, average=None)
        np.testing.assert_allclose(found.precision, precision)
        np.testing.assert_allclose(found.recall, recall)
        np.testing.assert_allclose(found.f1, f1)
        assert found.support.tolist() == support.tolist()
        assert found.macro_f1 == pytest.approx(metrics.f1_score(TRUTH, predicted, average="macro"))
        assert found.micro_f1 == pytest.approx(metrics.f1_score(TRUTH, predicted, average="micro"))
        assert found.exact == pytest.approx(metrics.accuracy_score(TRUTH, predicted))
        assert found.cells == pytest.approx(1 - metrics.hamming_loss(TRUTH, predicted))
    assert len(label_curves(SCORES, TRUTH)) == 4


def test_what_is_not_defined_is_nan() -> None:
    found = score_labels([[0.1, 0.9], [0.2, 0.8]], [[0, 1], [0, 1]], 0.5)
    assert np.isnan([found.precision[0], found.recall[0], found.f1[0]]).all()
    assert found.macro_f1 == found.micro_f1 == 1.0
    assert choose_thresholds([[0.1], [0.9]], [[1], [1]]).tolist() == [0.5]


def test_invalid_probabilities_are_refused() -> None:
    for values in ([[1.5]], [[np.nan]]):
        with pytest.raises(DataError, match="apply a sigmoid"):
            score_labels(values, [[1]], 0.5)
    with pytest.raises(DataError, match="must have the shape of the labels"):
        score_labels([[0.5]], [[1, 0]], 0.5)
    with pytest.raises(DataError, match="must be one for each label"):
        measure_curves([0.5], [0, 1])
