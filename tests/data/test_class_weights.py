"""Weights of classes, compared with scikit-learn; what cannot be used is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from mnistsweep.data.class_weights import check, class_weights
from mnistsweep.data.task import Task
from mnistsweep.errors import ConfigError

PETS = Task("classes", ("cat", "dog", "owl"))
NUMBERS = Task("classes", (3, 5, 9))
NAMED = Task("classes", (0, 1), names=("ham", "spam"))


@pytest.mark.parametrize(
    ("value", "task", "expected"),
    [
        ({"owl": 3, "cat": 1, "dog": 0.5}, PETS, [1, 0.5, 3]),
        ([1, 2, 3], PETS, [1, 2, 3]),
        ({3: 1, 5: 2, 9: 0}, NUMBERS, [1, 2, 0]),
        ({"3": 1, "5": 2, "9": 4}, NUMBERS, [1, 2, 4]),  # JSON has texts as keys
        ({"spam": 5, "ham": 1}, NAMED, [1, 5]),
        ({0: 1, 1: 5}, NAMED, [1, 5]),
        ({False: 1, True: 2}, Task("classes", (False, True)), [1, 2]),
    ],
)
def test_weights_by_name_by_number_or_in_a_list(value: Any, task: Task, expected: list[float]) -> None:
    assert class_weights(value, task, None).tolist() == expected


@pytest.mark.parametrize("counts", [(5, 1, 3), (4, 0, 2)])
def test_balanced_weights_are_those_of_scikit_learn(counts: tuple[int, ...]) -> None:
    labels = np.repeat(np.arange(3), counts).astype(np.int32)
    present = np.unique(labels)
    found = class_weights("balanced", PETS, labels)
    assert found[present] == pytest.approx(compute_class_weight("balanced", classes=present, y=labels))
    assert found[[count == 0 for count in counts]].tolist() == [1.0] * counts.count(0)


@pytest.mark.parametrize(
    ("value", "task", "message"),
    [
        ({"cat": 1, "dgo": 2, "owl": 1}, PETS, "there is no class 'dgo'; did you mean 'dog'"),
        ({"cat": 1, "dog": 2}, PETS, "must have a weight for each class; there is none for owl"),
        ([1, 2], PETS, r"a weight for each of the 3 classes \(cat, dog, owl\); received 2 weights"),
        ({0: 1, 5: 1, 9: 1}, NUMBERS, "there is no class 0"),
        ("balanced", Task("regression"), "needs targets that are classes; received 'balanced' with .* regression"),
        ({0: 1, 1: 2}, Task("multi_label", width=2), "needs targets that are classes"),
        ([1, 2], None, "several outputs; use sample weights"),
    ],
)
def test_what_does_not_fit_the_classes_is_refused(value: Any, task: Task | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        class_weights(value, task, None)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"cat": -1}, "at least 0; received -1 for 'cat'"),
        ([1, float("nan")], "finite number of at least 0; received nan for 1"),
        ([1, True], "received True for 1"),
        ("balancd", "must be balanced, weights by class .* received 'balancd'"),
        (2, "received 2"),
        ({}, "received none"),
    ],
)
def test_what_is_no_weight_is_refused_without_the_data(value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        class_weights(value, PETS, None)
    assert check(value)


@pytest.mark.parametrize("value", [None, "balanced", {"cat": 0, "dog": 2.5}, [1, 2]])
def test_weights_need_no_data_to_be_well_formed(value: Any) -> None:
    assert check(value) == []
