"""The ranking of ambiguous examples: formulas by hand, ties, one seed, planted blends."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from evidence import make_probabilities
from scipy.stats import entropy

from mnistsweep.analysis.confidence import SCORES, SINGLE, SMALLER, rank_ambiguous, rank_one_model
from mnistsweep.errors import DataError

LABELS = np.arange(300) % 7


@pytest.fixture
def stack() -> np.ndarray:
    return make_probabilities(5, LABELS, 7, np.random.default_rng(0), scale=1.0)


def test_scores_by_hand() -> None:
    seeds = np.array([[[0.6, 0.3, 0.1]], [[0.2, 0.7, 0.1]], [[0.1, 0.8, 0.1]], [[0.5, 0.2, 0.3]]])
    found = rank_ambiguous(seeds, [1])  # the mean is 0.35, 0.5, 0.15; two seeds say 0, two say 1
    assert (found.prediction[0], found.second_guess[0], found.num_right[0], found.seeds) == (1, 0, 2, 4)
    assert found.confidence[0] == pytest.approx(0.5, abs=1e-12)
    of_mean = -(0.35 * np.log(0.35) + 0.5 * np.log(0.5) + 0.15 * np.log(0.15))
    expected = {
        "least_confidence": 0.5,
        "margin": 0.15,
        "entropy": of_mean,
        "variation_ratio": 0.5,
        "bald": of_mean - np.mean([entropy(one[0]) for one in seeds]),
    }
    assert {key: values[0] for key, values in found.scores.items()} == pytest.approx(expected, abs=1e-12)
    assert found.scores.keys() == SCORES.keys()


def test_plain_loops_agree(stack: np.ndarray) -> None:
    found = rank_ambiguous(stack, LABELS)
    for index in range(len(LABELS)):
        mean = [sum(one[index][k] for one in stack) / 5 for k in range(7)]
        ordered = sorted(mean, reverse=True)
        votes = [int(np.argmax(one[index])) for one in stack]
        assert found.confidence[index] == pytest.approx(ordered[0], abs=1e-12)
        assert mean[found.second_guess[index]] == ordered[1]
        assert found.scores["least_confidence"][index] == pytest.approx(1 - ordered[0], abs=1e-12)
        assert found.scores["margin"][index] == pytest.approx(ordered[0] - ordered[1], abs=1e-12)
        assert found.scores["entropy"][index] == pytest.approx(entropy(mean), abs=1e-12)
        assert found.scores["variation_ratio"][index] == pytest.approx(1 - max(map(votes.count, votes)) / 5)
        bald = entropy(mean) - sum(entropy(one[index]) for one in stack) / 5
        assert found.scores["bald"][index] == pytest.approx(bald, abs=1e-12)
        assert found.num_right[index] == votes.count(int(LABELS[index]))


@pytest.mark.parametrize(("classes", "seeds"), [(2, 3), (3, 4), (3, 6), (4, 3), (2, 1)])
def test_the_range_of_the_variation_ratio_is_reached(classes: int, seeds: int) -> None:
    votes = np.array(list(itertools.product(range(classes), repeat=seeds))).T
    found = rank_ambiguous(np.eye(classes)[votes], np.zeros(classes**seeds, int)).scores["variation_ratio"]
    assert SCORES["variation_ratio"].range == "0 to 1 - ceil(S/K)/S"
    assert (found.min(), found.max()) == (0, pytest.approx(1 - math.ceil(seeds / classes) / seeds))


@pytest.mark.parametrize("by", SCORES)
def test_the_order_follows_the_direction_of_the_score(by: str, stack: np.ndarray) -> None:
    found = rank_ambiguous(stack, LABELS, by)
    ordered = found.scores[by][found.order] * (1 if SCORES[by].direction == SMALLER else -1)
    assert (np.diff(ordered) >= 0).all()
    assert sorted(found.order) == list(range(300))
    assert found.by == by


def test_equal_scores_stay_in_the_order_of_their_indices() -> None:
    rows = [[0.9, 0.1], [0.5, 0.5], [0.1, 0.9], [0.5, 0.5], [0.9, 0.1]]
    for by in SCORES:
        order = rank_ambiguous(rows, [0] * 5, by).order.tolist()
        assert order == ([1, 3, 0, 2, 4] if by in SINGLE else [0, 1, 2, 3, 4])
    found = rank_ambiguous(rows, [0] * 5)
    assert (found.prediction[1], found.second_guess[1]) == (0, 1)


def test_with_one_seed_the_disagreement_of_seeds_is_exactly_zero(stack: np.ndarray) -> None:
    found = rank_ambiguous(stack[0], LABELS)
    assert not found.scores["variation_ratio"].any()
    assert not found.scores["bald"].any()
    assert (found.seeds, set(found.num_right)) == (1, {0, 1})


def test_bald_tells_disagreement_from_shared_doubt() -> None:
    shared, split = [[0.5, 0.5]] * 2, [[1.0, 0.0], [0.0, 1.0]]
    found = rank_ambiguous(np.stack([shared, split], axis=1), [0, 0], "bald")
    assert found.scores["entropy"] == pytest.approx([np.log(2)] * 2)
    assert found.scores["bald"] == pytest.approx([0, np.log(2)])
    assert found.scores["variation_ratio"].tolist() == [0, 0.5]
    assert found.order.tolist() == [1, 0]


def test_labels_take_no_part_in_the_ranking(stack: np.ndarray) -> None:
    flipped = (LABELS + 1) % 7
    assert np.array_equal(rank_ambiguous(stack, LABELS).order, rank_ambiguous(stack, flipped).order)


def test_planted_blends_come_first() -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(1000) % 10
    seeds = np.full((3, 1000, 10), 0.002)
    seeds[:, np.arange(1000), labels] = 0.982
    blends = rng.choice(1000, 30, replace=False)
    seeds[:, blends] = 0.005
    seeds[:, blends, labels[blends]] = 0.5
    seeds[:, blends, (labels[blends] + 3) % 10] = 0.46
    wrong = np.setdiff1d(np.arange(1000), blends)[:30]  # surely another class: no ambiguity
    seeds[:, wrong] = np.roll(seeds[:, wrong], 1, axis=2)
    for by in SINGLE:
        assert set(rank_ambiguous(seeds, labels, by).order[:30]) == set(blends)


def test_one_model_alone(stack: np.ndarray) -> None:
    for by in SINGLE:
        assert np.array_equal(rank_one_model(stack[0], by), rank_ambiguous(stack[0], LABELS, by).order)
    with pytest.raises(DataError, match=r"received 'bald'; Known: 'entropy', 'least_confidence', 'margin'"):
        rank_one_model(stack[0], "bald")


def test_bad_input() -> None:
    with pytest.raises(DataError, match="received 'entropie'; did you mean 'entropy'"):
        rank_ambiguous([[0.5, 0.5]], [0], "entropie")
    with pytest.raises(DataError, match=r"row 0 sums to 1\.1"):
        rank_ambiguous([[0.5, 0.6]], [0])


def test_probabilities_in_half_precision() -> None:
    rows = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]], np.float16)
    found = rank_ambiguous(rows, [0, 0])
    assert found.confidence == pytest.approx([0.7, 1], abs=1e-3)
    assert found.scores["entropy"][1] == 0


MILLION = """
import resource, sys
import numpy as np
from mnistsweep.analysis.confidence import rank_ambiguous
probabilities = np.zeros((1_000_000, 10))
probabilities[:, 0] = np.linspace(0.5, 1, 1_000_000)
probabilities[:, 1] = 1 - probabilities[:, 0]
assert rank_ambiguous(probabilities, np.zeros(1_000_000, int)).order[0] == 0
assert not {"tensorflow", "keras", "matplotlib", "pandas", "sklearn"} & sys.modules.keys()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_a_million_rows_stay_under_two_gigabytes() -> None:
    run = subprocess.run([sys.executable, "-c", MILLION], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(run.stdout) * unit < 2e9
