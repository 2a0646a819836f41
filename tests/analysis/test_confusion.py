from __future__ import annotations

import numpy as np
import pytest
from evidence import make_probabilities
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from mnistsweep.analysis.accuracy import wilson_interval
from mnistsweep.analysis.confusion import measure_confusion, order_classes, score_classes
from mnistsweep.errors import DataError


@pytest.mark.parametrize("classes", [2, 3, 10, 150])
def test_agrees_with_scikit_learn(classes: int) -> None:
    labels = np.arange(900) % classes
    p = make_probabilities(1, labels, classes, np.random.default_rng(classes), scale=3)[0]
    found, guesses = measure_confusion(p, labels), p.argmax(axis=1)
    np.testing.assert_array_equal(found.counts, confusion_matrix(labels, guesses, labels=range(classes)))
    expected = precision_recall_fscore_support(labels, guesses, labels=range(classes), zero_division=np.nan)
    scores = found.scores
    for ours, theirs in zip((scores.precision, scores.recall, scores.f1, scores.support), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    assert found.errors.sum() == (guesses != labels).sum()
    assert sorted(found.order) == list(range(classes))


def test_mix_ups_by_hand() -> None:
    """Label 0 is taken for 2 three times, label 1 for 0 once."""
    p = np.array([[0.1, 0.1, 0.8], [0.0, 0.1, 0.9], [0.8, 0.1, 0.1], [0.3, 0.0, 0.7], [0.6, 0.4, 0.0], [0.0, 0.0, 1.0]])
    first, second = measure_confusion(p, [0, 0, 0, 0, 1, 2], examples=2).confused_pairs
    assert (first.true, first.predicted, first.count, first.share, first.examples) == (0, 2, 3, 0.75, (1, 0))
    assert (second.true, second.predicted, second.count, second.share, second.examples) == (1, 0, 1, 1.0, (4,))


def test_mix_ups_hold_every_mistake() -> None:
    labels = np.arange(500) % 5
    p = make_probabilities(1, labels, 5, np.random.default_rng(1), scale=4)[0]
    found = measure_confusion(p, labels, examples=1000)
    named = np.sort(np.concatenate([one.examples for one in found.confused_pairs]))
    np.testing.assert_array_equal(named, np.flatnonzero(p.argmax(axis=1) != labels))
    counts = [one.count for one in found.confused_pairs]
    assert counts == sorted(counts, reverse=True)
    for one in found.confused_pairs:
        assert (labels[list(one.examples)] == one.true).all()
        assert (p[list(one.examples)].argmax(axis=1) == one.predicted).all()


def test_confused_classes_stand_together() -> None:
    """Planted: 0, 5 and 7 are confused, and 2 and 9."""
    counts = np.eye(10, dtype=int) * 100
    for one, other, count in ((0, 5, 9), (7, 5, 8), (2, 9, 6)):
        counts[one, other] = count
    order = order_classes(counts).tolist()
    groups = {frozenset(order[:3]), frozenset(order[:2]), frozenset(order[2:5]), frozenset(order[3:5])}
    assert frozenset({0, 5, 7}) in groups
    assert frozenset({2, 9}) in groups
    assert order[order.index(5) - 1] in (0, 7)
    assert order[order.index(5) + 1] in (0, 7)
    assert order[5:] == [1, 3, 4, 6, 8]


def test_no_mistake_keeps_the_order() -> None:
    found = measure_confusion(np.eye(3), [0, 1, 2])
    assert found.order.tolist() == [0, 1, 2]
    assert found.confused_pairs == ()
    assert found.scores.f1.tolist() == [1, 1, 1]


def test_all_wrong() -> None:
    found = measure_confusion(np.eye(2), [1, 0])
    assert found.counts.tolist() == [[0, 1], [1, 0]]
    assert found.scores.recall.tolist() == found.scores.precision.tolist() == found.scores.f1.tolist() == [0, 0]


def test_a_class_without_images() -> None:
    scores = score_classes([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    assert np.isnan([scores.precision[2], scores.recall[2], scores.f1[2]]).all()
    for interval in (scores.precision_interval, scores.recall_interval, scores.f1_interval):
        assert interval[:, 2].tolist() == [0, 1]


def test_intervals() -> None:
    scores = score_classes([[80, 20], [5, 95]])
    np.testing.assert_allclose(scores.recall_interval[:, 0], wilson_interval(80, 100), atol=1e-12)
    np.testing.assert_allclose(scores.precision_interval[:, 0], wilson_interval(80, 85), atol=1e-12)
    ends = np.array(wilson_interval(80, 105))
    np.testing.assert_allclose(scores.f1_interval[:, 0], 2 * ends / (1 + ends), atol=1e-12)
    assert scores.f1_interval[0, 0] < scores.f1[0] < scores.f1_interval[1, 0]


def test_bad_probabilities() -> None:
    with pytest.raises(DataError, match=r"each row must sum to 1, row 1 sums to 0\.8"):
        measure_confusion([[0.5, 0.5], [0.4, 0.4]], [0, 1])
