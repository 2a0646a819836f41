"""Arms, paired differences and planted errors, against values by hand and against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn import metrics

from mnistsweep.analysis.cleaning import (
    ARMS,
    Found,
    assign_folds,
    compare,
    conclude,
    count_found,
    log_loss,
    paired_difference,
    plant,
    points,
    treat,
)
from mnistsweep.errors import DataError

LABELS = np.arange(1000) % 10


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.0204, 20), (0.0206, 21), (0.5, 500)])
def test_exactly_the_share_is_planted_and_all_of_it_is_wrong(share: float, count: int) -> None:
    planted = plant(LABELS, share, classes=10, seed=3)
    assert len(planted.indices) == count
    assert_array_equal(np.flatnonzero(planted.labels != LABELS), planted.indices)
    assert planted.labels.min() >= 0
    assert planted.labels.max() <= 9


def test_planting_is_decided_by_the_seed_and_reaches_every_other_class() -> None:
    assert_array_equal(plant(LABELS, 0.3, 10, seed=1).labels, plant(LABELS, 0.3, 10, seed=1).labels)
    assert (plant(LABELS, 0.3, 10, seed=1).labels != plant(LABELS, 0.3, 10, seed=2).labels).any()
    planted = plant(np.zeros(4000, int), 0.5, 5, seed=0)
    assert_allclose(np.bincount(planted.labels), [2000, 500, 500, 500, 500], atol=70)
    assert_array_equal(plant([0, 1], 0.5, classes=2, seed=0).labels.sum() % 2, 0)  # the other of two classes


def test_labels_are_not_changed_in_place() -> None:
    labels = LABELS.copy()
    plant(labels, 0.5, 10, seed=0)
    treat("corrected", labels, [0, 1], np.zeros(1000, int), [], seed=0)
    assert_array_equal(labels, LABELS)


@pytest.mark.parametrize("share", [-0.01, 0.51, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(DataError, match=r"a share of the labels from 0 to 0\.5, received"):
        plant(LABELS, share, 10, seed=0)


def test_folds_have_the_classes_in_proportion() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    folds = assign_folds(labels, 5, classes=3, seed=0)
    for fold in range(5):
        assert_array_equal(np.bincount(labels[folds == fold]), [10, 6, 4])
    assert_array_equal(folds, assign_folds(labels, 5, classes=3, seed=0))
    assert (folds != assign_folds(labels, 5, classes=3, seed=1)).any()


def test_a_class_with_fewer_examples_than_folds_is_refused() -> None:
    with pytest.raises(DataError, match="class 2 has 4 examples in the training side, and there are to be 5 folds"):
        assign_folds(np.repeat([0, 1, 2], [50, 30, 4]), 5, classes=3, seed=0)
    with pytest.raises(DataError, match="class 3 has 0 examples"):
        assign_folds(np.repeat([0, 1, 2], 50), 5, classes=4, seed=0)


def test_each_arm_does_what_it_says() -> None:
    labels, suggested = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 2, 2, 2])
    arms = {arm: treat(arm, labels, [1, 3], suggested, [3, 5, 1, 0, 2, 4], seed=0) for arm in ARMS}
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
    kept = [treat("random", LABELS, np.arange(100), LABELS, [], seed).kept for seed in (1, 1, 2)]
    assert_array_equal(kept[0], kept[1])
    assert not np.array_equal(kept[0], kept[2])


def test_an_unknown_arm_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="there is no 'randm'; did you mean 'random'"):
        treat("randm", [0, 1], [0], [0, 1], [1], seed=0)


def test_a_paired_difference_by_hand() -> None:
    difference = paired_difference([0.91, 0.93, 0.95], [0.90, 0.91, 0.92])
    assert_allclose(difference.values, [0.01, 0.02, 0.03], atol=1e-15)
    half = 4.302652729911275 * 0.01 / np.sqrt(3)  # t(0.975, 2) from a table; the standard deviation is 0.01
    assert_allclose([difference.mean, difference.low, difference.high], [0.02, 0.02 - half, 0.02 + half], atol=1e-12)
    assert not difference.is_clear
    assert points(difference) == "+2.00 points (-0.48 to +4.48)"


def test_intervals_are_those_of_scipy() -> None:
    rng = np.random.default_rng(5)
    ours, theirs = rng.normal(0.99, 0.01, 8), rng.normal(0.95, 0.01, 8)
    difference = paired_difference(ours, theirs)
    expected = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert_allclose([difference.low, difference.high], [expected.low, expected.high], atol=1e-12)
    assert difference.is_clear
    assert paired_difference(theirs, ours).is_clear


@pytest.mark.parametrize(("ours", "theirs"), [([0.9], [0.8]), ([0.9, 0.8], [0.8, 0.7]), ([0.9, 0.8], [0.9, 0.8])])
def test_without_spread_there_is_no_interval(ours: list[float], theirs: list[float]) -> None:
    difference = paired_difference(ours, theirs)
    assert np.isnan(difference.low)
    assert np.isnan(difference.high)
    assert not difference.is_clear
    assert "to" not in points(difference).replace("points", "")


def test_pairs_must_be_pairs() -> None:
    with pytest.raises(DataError, match=r"received the shapes \(2,\) and \(3,\)"):
        paired_difference([1, 2], [1, 2, 3])
    with pytest.raises(DataError, match=r"there is no 'random', 'ambiguous'"):
        compare({"nothing": [1.0], "suspects": [1.0], "corrected": [1.0]})


def make_scores(**changes: list[float]) -> dict[str, list[float]]:
    base = [0.900, 0.904, 0.902, 0.901]
    noisy = [0.903, 0.901, 0.902, 0.902]
    return {arm: changes.get(arm, base if arm == "nothing" else noisy) for arm in ARMS}


def test_arms_are_held_against_nothing_and_against_random() -> None:
    arms = compare(make_scores(corrected=[0.910, 0.914, 0.913, 0.911]))
    assert [arm.name for arm in arms] == list(ARMS)
    assert arms[0].to_nothing is None
    assert arms[1].to_random is None
    corrected = arms[3]
    assert corrected.to_nothing is not None
    assert corrected.to_random is not None
    assert_allclose(corrected.to_nothing.values, [0.010, 0.010, 0.011, 0.010], atol=1e-12)
    assert_allclose(corrected.to_random.values, [0.007, 0.013, 0.011, 0.009], atol=1e-12)
    assert_allclose([corrected.mean, corrected.std], [0.912, np.std([0.910, 0.914, 0.913, 0.911], ddof=1)], atol=1e-12)


def test_noise_is_called_noise() -> None:
    said = conclude(compare(make_scores()))
    assert "any of the treatments on validation accuracy cannot be told from noise" in said
    # Differences +0.3, -0.3, 0, +0.1: standard deviation 0.25, t(0.975, 3) 3.182, half a width 0.398.
    assert "An effect of less than about 0.40 points would not have been seen." in said
    assert "4 seeds give wide intervals" in said


def test_a_clear_effect_is_stated_with_its_intervals() -> None:
    said = conclude(compare(make_scores(corrected=[0.910, 0.914, 0.913, 0.911])))
    expected = "With suspected labels corrected, validation accuracy changes by +1.03 points (+0.95 to +1.10) against "
    assert said.startswith(expected)
    assert "both are more than noise. The effect of the other treatments" in said


def test_an_effect_that_random_removal_has_too_is_no_merit() -> None:
    raised = [0.910, 0.914, 0.913, 0.911]
    said = conclude(compare(make_scores(random=raised, suspects=[0.911, 0.913, 0.913, 0.912])))
    assert "With as many removed at random, validation accuracy changes by +1.03 points" in said
    assert "against removing as many at random (+0.03 points (-0.13 to +0.18)) it cannot be told from noise" in said


def test_one_seed_says_nothing_and_no_spread_says_no_width() -> None:
    assert conclude(compare({arm: [0.9] for arm in ARMS})).startswith("One seed an arm gives no interval")
    same = conclude(compare({arm: [0.9, 0.91] for arm in ARMS}))
    assert "cannot be told from noise" in same
    assert "would not have been seen" not in same


def test_what_is_found_by_hand() -> None:
    order = [4, 0, 2, 1, 3, 5]
    found = count_found(order, np.array([True, False, False, False, True, True]), planted=[1, 2, 4])
    assert found == Found(3, 3, recall=2 / 3, flagged_recall=1 / 3, flagged_precision=1 / 3)
    assert found.sentence.startswith("3 wrong labels were planted: 66.67 % of them are among the first 3 of the rank")
    assert count_found(order, np.zeros(6, bool), planted=[4]) == Found(1, 0, 1.0, 0.0, 0.0)
    with pytest.raises(DataError, match="nothing was planted"):
        count_found(order, np.zeros(6, bool), planted=[])


def test_log_loss_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    probabilities, labels = rng.dirichlet(np.ones(5), 300), rng.integers(0, 5, 300)
    assert_allclose(log_loss(probabilities, labels), metrics.log_loss(labels, probabilities), atol=1e-12)
    assert np.isfinite(log_loss(np.array([[1.0, 0.0]]), np.array([1])))
