"""The test set as the reporter has it, and both sides of the training set together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mnistsweep import data
from mnistsweep.data.scaling import Scaling
from mnistsweep.data.task import PossibleTasks, Task

NPZ = "mnistsweep.data.sources.load_npz"


def make_file(folder: Path, dtype: str, high: float, shape: tuple[int, ...] = (4, 4, 1)) -> Path:
    rng = np.random.default_rng(0)
    images = rng.uniform(0, high, (30, *shape)).astype(dtype)
    labels = np.arange(30) % 3
    file = folder / f"{dtype}.npz"
    np.savez(file, x_train=images[:20], y_train=labels[:20], x_test=images[20:], y_test=labels[20:])
    return file


@pytest.mark.parametrize(("dtype", "high"), [("uint8", 256), ("float64", 1.0), ("float32", 17.5), ("int64", 9.0)])
@pytest.mark.parametrize("scaling", ["divide", "standardize", "none", "unit_norm"])
def test_what_is_shown_goes_from_black_to_white_and_back(tmp_path: Path, dtype: str, high: float, scaling: str) -> None:
    config = {"_target_": NPZ, "path": str(make_file(tmp_path, dtype, high)), "validation": 8, "scaling": scaling}
    held_out = data.load_test(config)
    shown = held_out.shown
    assert shown.shape == (10, 4, 4, 1)
    assert held_out.are_images
    assert shown.min() >= 0
    assert shown.max() <= 1
    np.testing.assert_allclose(held_out.scaled(shown), held_out.inputs, atol=2e-5)


def test_rounding_does_not_lead_beyond_white() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        stored = rng.normal(size=(20, 8, 8, 1))
        examples = data.Examples(stored, np.zeros(20, np.int32))
        shown = data.HeldOut(examples, PossibleTasks((Task("classes", (0,)),)), Scaling.fit("none", stored)).shown
        assert (shown.min(), shown.max()) == pytest.approx((0, 1), abs=1e-6)
        assert 0.0 <= shown.min() <= shown.max() <= 1.0


def test_tables_are_no_images(tmp_path: Path) -> None:
    config = {"_target_": NPZ, "path": str(make_file(tmp_path, "float64", 1.0, shape=(5,))), "validation": 8}
    assert not data.load_test(config).are_images


def test_both_sides_together_are_the_training_set(tmp_path: Path) -> None:
    config = {
        "_target_": NPZ,
        "path": str(make_file(tmp_path, "uint8", 256)),
        "validation": 8,
        "validation_from": "last",
    }
    dataset = data.load(config)
    whole = dataset.whole
    assert len(whole.train) == 20
    np.testing.assert_array_equal(whole.train.targets, np.arange(20) % 3)
    np.testing.assert_array_equal(whole.train.inputs[12:], dataset.validation.inputs)
    assert whole.validation is dataset.validation
    with pytest.raises(ValueError, match="read-only"):
        whole.train.inputs[0] = 0
