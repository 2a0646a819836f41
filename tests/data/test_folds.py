"""Folds of a cross-validation: the positions are those of scikit-learn, and what cannot be divided is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import KFold, StratifiedKFold

from mnistsweep import data
from mnistsweep.data import settings
from mnistsweep.data.folds import Folds
from mnistsweep.data.task import possible_tasks
from mnistsweep.errors import ConfigError, DataError

MODULE = "folded_data"

INPUTS = np.random.default_rng(0).normal(3, 2, (30, 2)).astype("float32")
KINDS: dict[str, Any] = {
    "classes": np.arange(30) % 3,
    "texts": np.array(["a", "b", "c"], object)[np.arange(30) % 3],
    "one-hot": np.eye(3)[np.arange(30) % 3],
    "numbers": np.linspace(0, 1, 30),
    "several labels": (INPUTS > 3).astype(int),
    "several outputs": {"a": np.arange(30) % 3, "b": np.linspace(0, 1, 30)},
}


def load_kind(kind: str = "classes", own_validation: bool = False, count: int = 30) -> Any:
    """The function that the configuration names."""
    targets = KINDS[kind]
    targets = {key: one[:count] for key, one in targets.items()} if isinstance(targets, dict) else targets[:count]
    part = (INPUTS[:count], targets)
    return (part, part, part) if own_validation else (part, part)


def config(**keys: Any) -> dict[str, Any]:
    return {"_target_": f"{MODULE}.load_kind", "folds": 5, **keys}


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULE, sys.modules[__name__])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fold_seed", [0, 7, None])
def test_each_fold_is_that_of_scikit_learn(kind: str, fold_seed: int | None) -> None:
    dataset = data.load(config(kind=kind, fold_seed=fold_seed))
    shuffled = {"shuffle": fold_seed is not None, "random_state": fold_seed}
    by_class = kind in ("classes", "texts", "one-hot")
    parts = (StratifiedKFold if by_class else KFold)(5, **shuffled).split(INPUTS, np.arange(30) % 3)
    assert dataset.num_folds == 5
    for index, (train, validation) in enumerate(parts):
        fold = dataset.fold(index)
        assert_array_equal(fold.train.inputs, INPUTS[train])
        assert_array_equal(fold.validation.inputs, INPUTS[validation])
        assert fold.checksum == dataset.checksum
        if by_class:
            assert_array_equal(np.bincount(fold.labels(fold.validation)), [2, 2, 2])


def test_each_fold_is_scaled_by_its_own_training_side() -> None:
    dataset = data.load(config(scaling="standardize"))
    for index in range(5):
        fold = dataset.fold(index)
        assert fold.train.inputs.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
        assert abs(fold.validation.inputs.mean(axis=0)).min() > 1e-3
        assert not fold.train.inputs.flags.writeable


def test_the_training_side_of_each_fold_is_limited() -> None:
    dataset = data.load(config(train_limit=6))
    for index in range(5):
        fold = dataset.fold(index)
        assert_array_equal(np.bincount(fold.labels(fold.train)), [2, 2, 2])
        assert len(fold.validation) == 6


def test_all_examples_are_used_to_retrain() -> None:
    whole = data.load(config()).whole
    assert sorted(map(tuple, whole.train.inputs.tolist())) == sorted(map(tuple, INPUTS.tolist()))
    assert whole.num_folds == 1


def test_integers_that_are_said_to_be_numbers_are_not_divided_by_class() -> None:
    targets = np.arange(30)
    read = settings.read(config(target="regression"))
    folds = Folds.assign(targets, possible_tasks(targets, "regression", "targets", "here"), read)
    expected = [validation for _, validation in KFold(5, shuffle=True, random_state=0).split(targets)]
    assert [np.flatnonzero(folds.assigned == fold).tolist() for fold in range(5)] == [one.tolist() for one in expected]


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({"own_validation": True}, ConfigError, r"^data\.folds: .*returns a validation set of its own .*load_kind"),
        ({"count": 14}, DataError, r"^data\.folds: each class .*; class 2 has 4, received 5 folds .*data\.target"),
        ({"kind": "numbers", "count": 4}, ConfigError, r"^data\.folds: .*received 5 folds for the 4 examples"),
        ({"folds": 1}, ConfigError, r"^data\.folds must be a count of at least 2, or null .*; received 1$"),
        ({"folds": 2.5}, ConfigError, r"^data\.folds must be a count .*; received 2\.5$"),
        ({"fold_seed": -1}, ConfigError, r"^data\.fold_seed must be a whole number .*; received -1$"),
    ],
)
def test_what_cannot_be_divided_is_refused(keys: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        data.load(config(**keys))


def test_files_are_checked_before_the_start(tmp_path: Path) -> None:
    images = np.zeros((10, 4, 4), np.uint8)
    np.savez(tmp_path / "few.npz", x_train=images, y_train=np.arange(10) % 4, x_test=images, y_test=np.arange(10) % 4)
    found = {"_target_": "mnistsweep.data.sources.load_npz", "path": str(tmp_path / "few.npz"), "validation": 10000}
    with pytest.raises(DataError, match=r"data\.folds: .* class 2 has 2, received 3 folds"):
        data.check(found | {"folds": 3}, are_classes=True)
    assert data.check(found | {"folds": 2}, are_classes=True) == []
    expected = "data.validation has no effect with data.folds=2: each fold validates once, the others train."
    assert data.check(found | {"folds": 2, "validation": 0.2}, are_classes=True) == [expected]
    with pytest.raises(ConfigError, match=r"data\.folds: .*received 70000 folds for the 60000 examples"):
        data.check({"_target_": "mnistsweep.data.sources.load_fashion_mnist", "folds": 70000})
