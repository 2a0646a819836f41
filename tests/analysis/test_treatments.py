"""What each arm is trained on, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mnistsweep.analysis.planting import plant_label_errors
from mnistsweep.analysis.treatments import ARMS, apply_treatment
from mnistsweep.errors import DataError

LABELS = np.arange(1000) % 10


def test_each_arm_does_what_it_says() -> None:
    labels, suggested = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 2, 2, 2])
    arms = {arm: apply_treatment(arm, labels, [1, 3], suggested, [3, 5, 1, 0, 2, 4], seed=0) for arm in ARMS}
    assert arms["nothing"].kept.tolist() == [0, 1, 2, 3, 4, 5]
    assert arms["nothing"].labels.tolist() == labels.tolist()
    assert arms["suspects"].kept.tolist() == [0, 2, 4, 5]
    assert arms["suspects"].labels.tolist() == [0, 1, 2, 2]
    assert arms["corrected"].kept.tolist() == [0, 1, 2, 3, 4, 5]
    assert arms["corrected"].labels.tolist() == [0, 1, 1, 2, 2, 2]
    assert arms["ambiguous"].kept.tolist() == [1, 2, 3, 4]  # 5 and 0: the suspects 3 and 1 are passed over
    assert len(arms["random"].kept) == 4
    assert_array_equal(arms["random"].labels, labels[arms["random"].kept])


def test_the_random_arm_depends_on_the_seed_alone() -> None:
    kept = [apply_treatment("random", LABELS, np.arange(100), LABELS, [], seed).kept for seed in (1, 1, 2)]
    assert_array_equal(kept[0], kept[1])
    assert not np.array_equal(kept[0], kept[2])


def test_labels_are_not_changed_in_place() -> None:
    labels = LABELS.copy()
    plant_label_errors(labels, 0.5, 10, seed=0)
    apply_treatment("corrected", labels, [0, 1], np.zeros(1000, int), [], seed=0)
    assert_array_equal(labels, LABELS)


def test_an_unknown_arm_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="received 'randm'; did you mean 'random'"):
        apply_treatment("randm", [0, 1], [0], [0, 1], [1], seed=0)
