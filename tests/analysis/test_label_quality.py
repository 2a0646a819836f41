"""The ranking of suspected labels: agreement with cleanlab, planted wrong labels, degenerate classes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from evidence import make_probabilities

from mnistsweep.analysis.confidence import rank_ambiguous
from mnistsweep.analysis.label_quality import LARGER, SCORES, rank_suspects
from mnistsweep.errors import DataError


def planted(classes: int = 10, examples: int = 2000, flips: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities for true labels, the labels with some flipped, and which."""
    rng = np.random.default_rng(3)
    truth = np.arange(examples) % classes
    probabilities = make_probabilities(1, truth, classes, rng)[0]
    flipped = rng.choice(examples, flips, replace=False)
    labels = truth.copy()
    labels[flipped] = (truth[flipped] + rng.integers(1, classes, flips)) % classes
    return probabilities, labels, flipped


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_agrees_with_cleanlab(classes: int) -> None:
    probabilities, labels, _ = planted(classes)
    found = rank_suspects(probabilities, labels)
    for method in ("self_confidence", "normalized_margin"):
        theirs = get_label_quality_scores(labels, probabilities, method=method)
        assert np.abs(found.scores[method] - theirs).max() < 1e-12
    assert np.array_equal(found.flagged, find_label_issues(labels, probabilities, n_jobs=1))
    assert found.flagged.any()
    assert np.array_equal(found.suggested, probabilities.argmax(axis=1))
    assert (found.suggested != labels)[found.flagged].all()


def test_scores_by_hand() -> None:
    found = rank_suspects([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]], [1, 1])
    assert found.scores.keys() == SCORES.keys()
    assert found.scores["self_confidence"].tolist() == [0.3, 0.8]
    assert found.scores["normalized_margin"] == pytest.approx([0.4, 0.85], abs=1e-12)
    entropy = -(0.5 * np.log(0.5) + 0.3 * np.log(0.3) + 0.2 * np.log(0.2)) / np.log(3)
    assert found.scores["confidence_weighted_entropy"][0] == pytest.approx(entropy / 0.3, abs=1e-12)
    assert found.order.tolist() == [0, 1]


@pytest.mark.parametrize("by", SCORES)
def test_planted_wrong_labels_are_found(by: str) -> None:
    probabilities, labels, flipped = planted()
    found = rank_suspects(probabilities, labels, by)
    assert found.by == by
    recall = len(set(found.order[: len(flipped)]) & set(flipped)) / len(flipped)
    assert recall >= 0.8
    assert np.isin(flipped, np.flatnonzero(found.flagged)).mean() >= 0.8
    ordered = found.scores[by][found.order]
    assert (ordered[:-1] >= ordered[1:]).all() if SCORES[by].direction == LARGER else (np.diff(ordered) >= 0).all()


def test_a_saturated_and_right_label_is_the_least_suspect() -> None:
    """cleanlab's own confidence-weighted entropy says the opposite: a score near 0, its worst."""
    probabilities, labels, _ = planted(3, 30, 0)
    probabilities[5] = np.eye(3)[labels[5]]
    assert get_label_quality_scores(labels, probabilities, method="confidence_weighted_entropy").argmin() == 5
    found = rank_suspects(probabilities, labels, "confidence_weighted_entropy")
    assert found.order[-1] == 5
    assert found.scores["confidence_weighted_entropy"][5] == 0


def test_a_label_of_probability_zero_is_infinitely_suspect() -> None:
    found = rank_suspects([[1.0, 0.0], [0.5, 0.5], [0.6, 0.4]], [1, 0, 0], "confidence_weighted_entropy")
    assert found.scores["confidence_weighted_entropy"][:2].tolist() == [np.inf, 2.0]
    assert found.order.tolist() == [0, 1, 2]


def test_equal_scores_stay_in_the_order_of_their_indices() -> None:
    rows = [[0.2, 0.8], [0.9, 0.1], [0.2, 0.8], [0.9, 0.1]]
    for by in SCORES:
        assert rank_suspects(rows, [0, 0, 0, 0], by).order.tolist() == [0, 2, 1, 3]


def test_blends_are_ambiguous_and_no_wrong_labels() -> None:
    """Planted: 20 flipped labels, 20 images torn between two classes. Each ranking has its own first."""
    probabilities, labels, flipped = planted(10, 2000, 20)
    blends = np.setdiff1d(np.arange(2000), flipped)[50:70]
    probabilities[blends] = 0.005
    probabilities[blends, labels[blends]] = 0.49
    probabilities[blends, (labels[blends] + 1) % 10] = 0.47
    suspects = set(rank_suspects(probabilities, labels).order[:20])
    assert len(suspects & set(flipped)) >= 16
    assert not suspects & set(blends)
    assert not rank_suspects(probabilities, labels).flagged[blends].any()
    ambiguous = set(rank_ambiguous(probabilities, labels, "margin").order[:40])
    assert set(blends) <= ambiguous
    assert len(ambiguous & set(flipped)) <= 2


@pytest.mark.parametrize("present", [[0], [3], [0, 4], [1, 2, 3]])
def test_absent_classes(present: list[int]) -> None:
    labels = np.resize(present, 120)
    probabilities = make_probabilities(1, labels, 5, np.random.default_rng(0))[0]
    probabilities[7] = probabilities[labels != labels[7]][0] if len(present) > 1 else np.eye(5)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = rank_suspects(probabilities, labels)
    assert found.order[0] == 7
    assert np.flatnonzero(found.flagged).tolist() == ([7] if len(present) > 1 else [])


def test_all_labels_fit_and_none_does() -> None:
    labels = np.arange(60) % 3
    sure = np.eye(3)[labels] * 0.9 + 0.1 / 3
    assert not rank_suspects(sure, labels).flagged.any()
    wrong = rank_suspects(np.roll(sure, 1, axis=1), labels)
    assert (wrong.suggested == (labels + 1) % 3).all()
    assert (wrong.scores["normalized_margin"] < 0.1).all()


def test_a_row_that_rounding_has_put_above_one() -> None:
    found = rank_suspects(np.array([[1.0004, 0], [0, 1.0], [0.9, 0.1], [0.3, 0.7]]), [0, 1, 0, 1])
    assert not found.flagged.any()


def test_bad_input() -> None:
    with pytest.raises(DataError, match="received 'margin'; did you mean 'normalized_margin'"):
        rank_suspects([[0.5, 0.5]], [0], "margin")
    with pytest.raises(DataError, match="label 0 is 2"):
        rank_suspects([[0.5, 0.5]], [2])
