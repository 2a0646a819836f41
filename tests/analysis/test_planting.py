"""Planted label errors, and how many are found, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mnistsweep.analysis.planting import DetectionScores, plant_label_errors, score_detection
from mnistsweep.errors import DataError

LABELS = np.arange(1000) % 10


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.0204, 20), (0.0206, 21), (0.5, 500)])
def test_exactly_the_share_is_planted_and_all_of_it_is_wrong(share: float, count: int) -> None:
    planted = plant_label_errors(LABELS, share, classes=10, seed=3)
    assert len(planted.indices) == count
    assert_array_equal(np.flatnonzero(planted.labels != LABELS), planted.indices)
    assert planted.labels.min() >= 0
    assert planted.labels.max() <= 9


def test_planting_is_decided_by_the_seed_and_reaches_every_other_class() -> None:
    assert_array_equal(
        plant_label_errors(LABELS, 0.3, 10, seed=1).labels, plant_label_errors(LABELS, 0.3, 10, seed=1).labels
    )
    assert (
        plant_label_errors(LABELS, 0.3, 10, seed=1).labels != plant_label_errors(LABELS, 0.3, 10, seed=2).labels
    ).any()
    planted = plant_label_errors(np.zeros(4000, int), 0.5, 5, seed=0)
    assert_allclose(np.bincount(planted.labels), [2000, 500, 500, 500, 500], atol=70)
    assert_array_equal(
        plant_label_errors([0, 1], 0.5, classes=2, seed=0).labels.sum() % 2, 0
    )  # the other of two classes


@pytest.mark.parametrize("share", [-0.01, 0.51, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(DataError, match=r"must be a share of the labels from 0 to 0\.5, received"):
        plant_label_errors(LABELS, share, 10, seed=0)


def test_what_is_found_by_hand() -> None:
    order = [4, 0, 2, 1, 3, 5]
    found = score_detection(order, np.array([True, False, False, False, True, True]), planted=[1, 2, 4])
    assert found == DetectionScores(3, 3, recall=2 / 3, flagged_recall=1 / 3, flagged_precision=1 / 3)
    assert found.sentence.startswith("3 wrong labels were planted: 66.67 % of them are among the first 3 of the rank")
    assert score_detection(order, np.zeros(6, bool), planted=[4]) == DetectionScores(1, 0, 1.0, 0.0, 0.0)
    assert score_detection(order, np.zeros(6, bool), planted=[4]).sentence.endswith("ranking. No label is flagged.")
    with pytest.raises(DataError, match="must have at least one position"):
        score_detection(order, np.zeros(6, bool), planted=[])
