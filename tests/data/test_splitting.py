"""Splits: which positions end up on which side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistsweep.data.settings import Settings
from mnistsweep.data.splitting import split, validation_count
from mnistsweep.errors import ConfigError

LABELS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 2])  # 6, 3 and 1


def settings(**keys: Any) -> Settings:
    return Settings(loader="a.b", arguments={}, **keys)


@pytest.mark.parametrize(
    ("keys", "train", "validation"),
    [
        ({"validation": 3}, [0, 1, 2, 3, 4, 5, 6], [7, 8, 9]),
        ({"validation": 3, "validation_from": "first"}, [3, 4, 5, 6, 7, 8, 9], [0, 1, 2]),
        ({"validation": 0.3}, [0, 1, 2, 3, 4, 5, 6], [7, 8, 9]),
        ({"validation": 3, "train_limit": 2}, [0, 1], [7, 8, 9]),
        ({"validation": 3, "validation_from": "first", "train_limit": 2}, [3, 4], [0, 1, 2]),
        ({"validation": 3, "train_limit": 100}, [0, 1, 2, 3, 4, 5, 6], [7, 8, 9]),
        # 3 of 10: 1.8, 0.9 and 0.3 of the classes; the largest remainders take the two that are left
        ({"validation": 3, "stratify": True}, [0, 1, 2, 3, 6, 7, 9], [4, 5, 8]),
        ({"validation": 3, "stratify": True, "validation_from": "first"}, [2, 3, 4, 5, 7, 8, 9], [0, 1, 6]),
        # then 4 of 7, classes of 4, 2 and 1: 2.29, 1.14 and 0.57; the last takes the one that is left
        ({"validation": 3, "stratify": True, "train_limit": 4}, [0, 1, 6, 9], [4, 5, 8]),
    ],
)
def test_sides(keys: dict[str, Any], train: list[int], validation: list[int]) -> None:
    sides = split(LABELS, settings(**keys))
    assert sides.train.tolist() == train
    assert sides.validation.tolist() == validation


def test_a_tie_between_remainders_goes_to_the_lower_class() -> None:
    sides = split(np.array([1, 0, 1, 0]), settings(validation=1, stratify=True))
    assert sides.validation.tolist() == [3]


@given(
    labels=st.lists(st.integers(0, 5), min_size=2, max_size=60),
    share=st.floats(0.01, 0.99),
    end=st.sampled_from(["first", "last"]),
)
def test_a_stratified_split_keeps_the_proportions(labels: list[int], share: float, end: str) -> None:
    classes = np.array(labels)
    count = min(max(round(share * len(labels)), 1), len(labels) - 1)
    sides = split(classes, settings(validation=count, stratify=True, validation_from=end))
    assert sorted([*sides.train, *sides.validation]) == list(range(len(labels)))
    assert len(sides.validation) == count
    for label in set(labels):
        members = np.flatnonzero(classes == label)
        chosen = sides.validation[classes[sides.validation] == label]
        assert abs(len(chosen) - len(members) * count / len(labels)) < 1
        expected = members[: len(chosen)] if end == "first" else members[len(members) - len(chosen) :]
        np.testing.assert_array_equal(chosen, expected)


@pytest.mark.parametrize("size", [0, 1])
def test_a_training_set_that_is_too_small_to_split(size: int) -> None:
    with pytest.raises(ConfigError, match=rf"^data: .* at least 2 examples; received {size} \("):
        validation_count(size, settings(validation=1))
