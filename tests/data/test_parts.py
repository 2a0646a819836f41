"""What a loader may return: parts, weights, tables, several outputs; and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from user_modules import write_module

from mnistsweep import data
from mnistsweep.data.inputs import convert_inputs
from mnistsweep.data.parts import convert_part, unpack
from mnistsweep.errors import DataError

X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])

MODULE = """
import numpy as np
X, Y = np.arange(120, dtype="float32").reshape(60, 2), np.arange(60) % 3
def weighted(): return (X[:40], Y[:40], np.full(40, 2.0)), (X[40:50], Y[40:50]), (X[50:], Y[50:])
def images():
    pixels = np.random.default_rng(0).integers(0, 256, (60, 6, 5), dtype=np.uint8)
    return (pixels[:50], Y[:50]), (pixels[50:], Y[50:])
def ratings(): return (X[:50], Y[:50]), (X[50:], Y[50:] + 7)
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Configuration of a user's loader."""
    module = write_module(tmp_path, monkeypatch, MODULE)
    return lambda name, **keys: {"_target_": f"{module}.{name}", "validation": 10, **keys}


@pytest.mark.parametrize("scaling", ["auto", "divide", "standardize"])
def test_the_target_of_an_autoencoder_is_its_scaled_input(config: Callable[..., Any], scaling: str) -> None:
    dataset = data.load(config("images", target="input", scaling=scaling))
    for examples in (dataset.train, dataset.validation, dataset.whole.train):
        assert examples.targets is examples.inputs
        assert examples.inputs.dtype == np.float32
        assert examples.inputs.max() < 10


def test_weights_are_kept_when_both_splits_become_one(config: Callable[..., Any]) -> None:
    whole = data.load(config("weighted")).whole.train
    assert whole.weights is not None
    assert whole.weights.tolist() == [2.0] * 40 + [1.0] * 10  # the validation set has no weights


def test_a_test_set_with_other_numbers_has_a_checksum(config: Callable[..., Any]) -> None:
    assert len(data.load_test(config("ratings", target="regression")).checksum) == 16
    assert len(data.load_test(config("ratings")).checksum) == 16


def test_a_table_of_numbers_is_one_array_and_a_mixed_one_a_dictionary() -> None:
    numbers = pd.DataFrame({"a": [1.5, 2.0], "b": [True, False], "c": pd.array([1, 2], dtype="Int64")})
    array = convert_inputs(numbers, "training", "here")
    assert (array.dtype, array.tolist()) == (np.float64, [[1.5, 1.0, 1.0], [2.0, 0.0, 2.0]])
    mixed = convert_inputs(numbers.assign(d=["x", "y"]), "training", "here")
    assert list(mixed) == ["a", "b", "c", "d"]
    assert mixed["d"].tolist() == ["x", "y"]
    assert mixed["c"].dtype.kind == "i"


def test_a_list_is_several_inputs_only_if_its_items_have_all_examples() -> None:
    assert isinstance(convert_inputs([X, X], "training", "here", num_targets=6), list)
    assert convert_inputs([[1, 2], [3, 4]], "training", "here", num_targets=2).shape == (2, 2)
    assert convert_inputs(list(X), "training", "here", num_targets=6).shape == (6, 2)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "must return .* received None"),
        ((X, Y), r"received tuple of \(float64 \(6, 2\), int64 \(6,\)\)"),
        (({"x": X},) * 4, "received tuple of 4 dict of 'x': float64"),
    ],
)
def test_another_form_is_described_by_types_and_shapes(returned: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        unpack(returned, "here")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ((X, {"a": Y, "b": Y[1:]}), "every input needs one target: 6 training inputs, 5 targets"),
        (({"a": X, "b": X[1:]}, Y), "5 training inputs 'b', 6 targets"),
        ((X, Y, np.ones(5)), r"one number for each of the 6 examples; received float64 \(5,\)"),
        ((X, Y, -np.ones(6)), "0 or more; the smallest is -1"),
        (({}, Y), "there are no training inputs; received an empty dict"),
        ((np.array([object()] * 6), Y), "numbers or texts; received an array of objects, example 0 holds object"),
    ],
)
def test_parts_that_do_not_fit_are_refused(part: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        convert_part(part, "training", "here")
