"""Class maps against scikit-learn, reconstructions against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from mnistsweep.analysis.class_maps import measure_maps
from mnistsweep.analysis.reconstruction import measure_reconstruction
from mnistsweep.errors import DataError

RNG = np.random.default_rng(2)
TRUTH = RNG.integers(0, 3, (30, 8, 8))
PREDICTED = np.where(RNG.random(TRUTH.shape) < 0.8, TRUTH, RNG.integers(0, 4, TRUTH.shape))


def test_class_maps_are_scored_as_by_scikit_learn() -> None:
    found, flat, guess = measure_maps(PREDICTED, TRUTH), TRUTH.ravel(), PREDICTED.ravel()
    assert found.accuracy == pytest.approx(metrics.accuracy_score(flat, guess))
    np.testing.assert_allclose(found.iou, metrics.jaccard_score(flat, guess, average=None, zero_division=0))
    assert found.mean_iou == pytest.approx(found.iou.mean())
    assert found.support.tolist() == np.bincount(flat, minlength=4).tolist()
    np.testing.assert_allclose(found.accuracy_of_examples, (TRUTH == PREDICTED).mean(axis=(1, 2)))
    assert found.accuracy_interval[0] < found.accuracy < found.accuracy_interval[1]
    assert found.mean_iou_interval[0] < found.mean_iou < found.mean_iou_interval[1]


def test_a_class_that_does_not_occur_has_no_iou() -> None:
    found = measure_maps([[0, 2]], [[0, 2]])
    assert np.isnan(found.iou[1])
    assert (found.mean_iou, found.accuracy) == (1.0, 1.0)


def test_reconstructions_are_means_over_all_elements() -> None:
    truth = RNG.normal(size=(50, 4, 4, 1))
    predicted = truth + RNG.normal(0, 0.5, truth.shape)
    found = measure_reconstruction(predicted, truth)
    assert found.mae == pytest.approx(np.abs(predicted - truth).mean())
    assert found.mse == pytest.approx(((predicted - truth) ** 2).mean())
    assert found.rmse == pytest.approx(found.mse**0.5)
    assert found.explained == pytest.approx(1 - found.mse / truth.var(axis=0).mean())
    np.testing.assert_allclose(found.mse_of_examples, ((predicted - truth) ** 2).mean(axis=(1, 2, 3)))
    assert found.mse_interval[0] < found.mse < found.mse_interval[1]
    mean = np.broadcast_to(truth.mean(axis=0), truth.shape)
    assert measure_reconstruction(mean, truth).explained == pytest.approx(0)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(DataError, match=r"class maps: must have the shape of the targets, \(1, 2\)"):
        measure_maps([[0, 1, 1]], [[0, 1]])
    with pytest.raises(DataError, match="predicted arrays: must have the shape of the targets"):
        measure_reconstruction(np.zeros((2, 3)), np.zeros((2, 4)))
