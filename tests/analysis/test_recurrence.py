"""Recurrence over models: overlap by hand, planted agreement, one model, all right and all wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from evidence import make_probabilities

from mnistsweep.analysis.confidence import SINGLE, rank_ambiguous
from mnistsweep.analysis.recurrence import measure_recurrence
from mnistsweep.errors import DataError

LABELS = np.arange(200) % 5


@pytest.fixture
def stack() -> np.ndarray:
    return make_probabilities(4, LABELS, 5, np.random.default_rng(2), scale=0.8)


@pytest.mark.parametrize("by", SINGLE)
def test_agrees_with_sets(by: str, stack: np.ndarray) -> None:
    found = measure_recurrence(stack, LABELS, top=12, by=by)
    tops = [set(rank_ambiguous(one, LABELS, by).order[:12]) for one in stack]
    assert [set(row) for row in found.top_examples] == tops
    assert found.num_rankings.tolist() == [sum(index in one for one in tops) for index in range(200)]
    for i, first in enumerate(tops):
        for j, second in enumerate(tops):
            assert found.jaccard[i, j] == pytest.approx(len(first & second) / len(first | second), abs=1e-12)
    pairs = [found.jaccard[i, j] for i in range(4) for j in range(i)]
    assert found.mean_jaccard == pytest.approx(np.mean(pairs), abs=1e-12)
    assert 0 < found.mean_jaccard < 1
    assert (found.by, found.top, found.models) == (by, 12, 4)


def test_who_is_wrong(stack: np.ndarray) -> None:
    stack[:, 3:5] = np.eye(5)[0]  # wrong, all of them: the labels are 3 and 4
    found = measure_recurrence(stack, LABELS)
    right = stack.argmax(axis=2) == LABELS
    assert np.array_equal(found.num_right, right.sum(axis=0))
    assert np.array_equal(found.never_wrong, right.all(axis=0))
    assert np.array_equal(found.always_wrong, ~right.any(axis=0))
    assert found.always_wrong.sum() + found.sometimes_wrong.sum() + found.never_wrong.sum() == 200
    assert np.flatnonzero(found.always_wrong).tolist() == [3, 4]
    assert found.sometimes_wrong.any()


def test_planted_overlaps() -> None:
    """Two models doubt the same ten examples, a third ten others; all are right."""
    sure = np.tile([0.95, 0.05], (3, 60, 1))
    sure[:2, :10] = sure[2, 30:40] = [0.55, 0.45]
    found = measure_recurrence(sure, np.zeros(60, int), top=10)
    assert found.jaccard.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert found.mean_jaccard == pytest.approx(1 / 3)
    assert np.bincount(found.num_rankings).tolist() == [40, 10, 10]
    assert found.never_wrong.all()


def test_one_model(stack: np.ndarray) -> None:
    found = measure_recurrence(stack[0], LABELS, top=3)
    assert math.isnan(found.mean_jaccard)
    assert found.jaccard.tolist() == [[1.0]]
    assert found.num_rankings.sum() == 3
    assert not found.sometimes_wrong.any()


def test_all_wrong(stack: np.ndarray) -> None:
    found = measure_recurrence(np.eye(5)[(LABELS + 1) % 5], LABELS)
    assert found.always_wrong.all()


def test_a_top_larger_than_the_examples_holds_them_all() -> None:
    found = measure_recurrence([[[0.9, 0.1], [0.2, 0.8]]] * 2, [0, 1], top=50)
    assert (found.top, found.mean_jaccard, found.num_rankings.tolist()) == (2, 1.0, [2, 2])


def test_bad_input(stack: np.ndarray) -> None:
    with pytest.raises(DataError, match="top: must be at least 1, received 0"):
        measure_recurrence(stack, LABELS, top=0)
    with pytest.raises(DataError, match="received 'variation_ratio'"):
        measure_recurrence(stack, LABELS, by="variation_ratio")
