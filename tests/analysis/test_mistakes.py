from __future__ import annotations

import numpy as np
import pytest
from evidence import make_probabilities

from mnistsweep.analysis.mistakes import find_mistakes
from mnistsweep.errors import DataError

# Two seeds, four images: right, wrong by both, wrong by one (the committee is right), wrong by one (and the committee).
PROBABILITIES = [
    [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]],
    [[0.8, 0.2], [0.0, 1.0], [0.9, 0.1], [0.6, 0.4]],
]
LABELS = [0, 0, 0, 0]


def test_right_and_wrong_by_hand() -> None:
    found = find_mistakes(PROBABILITIES, LABELS)
    assert found.right.tolist() == [0, 2]
    assert found.wrong.tolist() == [1, 3]
    assert found.wrong_of_seeds.tolist() == [0, 2, 1, 1]
    assert found.num_seeds == 2
    assert found.predictions.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(found.confidence, [0.85, 0.9, 0.65, 0.65], atol=1e-12)
    assert found.most_confident.tolist() == [1, 3]


def test_agrees_with_numpy() -> None:
    labels = np.arange(600) % 6
    p = make_probabilities(3, labels, 6, np.random.default_rng(2), scale=4)
    found, guesses = find_mistakes(p, labels), p.mean(axis=0).argmax(axis=1)
    assert found.wrong.tolist() == [n for n in range(600) if guesses[n] != labels[n]]
    assert sorted([*found.right, *found.wrong]) == list(range(600))
    sure = found.confidence[found.most_confident]
    assert (np.diff(sure) <= 0).all()


def test_next_wrong_goes_round() -> None:
    found = find_mistakes(PROBABILITIES, LABELS)
    assert [found.next_wrong(index) for index in (-1, 0, 1, 2, 3)] == [1, 1, 3, 3, 1]
    assert found.next_wrong() == 1
    assert isinstance(found.next_wrong(), int)


def test_next_wrong_visits_each_once() -> None:
    labels = np.arange(300) % 3
    p = make_probabilities(1, labels, 3, np.random.default_rng(2), scale=4)
    found, visited, index = find_mistakes(p, labels), [], -1
    for _ in found.wrong:
        index = found.next_wrong(index)
        visited.append(index)
    assert visited == found.wrong.tolist()
    assert found.next_wrong(index) == visited[0]


def test_next_wrong_where_one_or_none_is() -> None:
    assert find_mistakes([[0.2, 0.8], [0.9, 0.1]], [0, 0]).next_wrong(0) == 0
    assert find_mistakes([[0.8, 0.2], [0.9, 0.1]], [0, 0]).next_wrong(0) is None


@pytest.mark.parametrize("index", [-2, 4])
def test_next_wrong_of_an_index_that_is_not_there(index: int) -> None:
    with pytest.raises(DataError, match=rf"index: must lie from 0 to 3, or be -1 .* received {index}\."):
        find_mistakes(PROBABILITIES, LABELS).next_wrong(index)
