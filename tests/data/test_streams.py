"""Data that stream: what is recognised, read, divided, refused, and what identifies it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import streaming_data

from mnistsweep import data
from mnistsweep.data.streams.stream import Stream
from mnistsweep.data.structure import leaves
from mnistsweep.errors import MnistSweepError


def load(source: str, **settings: Any) -> data.Dataset:
    return data.load({"_target_": f"streaming_data.{source}", **settings})


def read(stream: Any) -> tuple[Any, Any]:
    assert isinstance(stream, Stream)
    examples = stream.read("validation")
    return examples.inputs, examples.targets


@pytest.mark.parametrize("source", ["three", "reshuffled", "py_three", "py_shuffled", "py_threads", "torch_three"])
def test_each_kind_of_dataset_is_a_stream_of_all_examples(source: str) -> None:
    pytest.importorskip("torch") if source == "torch_three" else None
    dataset = load(source)
    (_, y), (x_validation, _), _ = streaming_data.arrays()
    assert (len(dataset.train), len(dataset.validation), dataset.num_classes, dataset.input_shape) == (200, 50, 3, (4,))
    assert np.bincount(dataset.train.targets).tolist() == np.bincount(y).tolist()
    assert dataset.train.num_batches(1000) == 7
    found, _ = read(dataset.validation)
    assert sorted(found.tolist()) == sorted(x_validation.tolist())


def test_inputs_and_targets_of_a_shuffled_dataset_stay_together_and_in_one_order() -> None:
    source = load("reshuffled").validation
    (x, y), (x_again, y_again) = read(source), read(load("reshuffled").validation)
    expected = {tuple(row): label for row, label in zip(*streaming_data.arrays()[1], strict=True)}
    assert all(expected[tuple(row)] == label for row, label in zip(x, y, strict=True))
    assert x.tolist() == x_again.tolist()
    assert y.tolist() == y_again.tolist()
    tests = [data.load_test({"_target_": "streaming_data.reshuffled"}) for _ in range(2)]
    assert tests[0].checksum == tests[1].checksum


@pytest.mark.parametrize(
    ("source", "settings", "count"),
    [
        ("two", {"validation": 0.25}, 64),  # 2 of 7 batches
        ("two", {"validation": 0.25, "validation_from": "first"}, 64),
        ("two", {"validation": 40}, 40),  # whole batches: the last two, of 32 and 8 examples
        ("two", {"validation": 0.25, "batch": 0}, 50),
        ("py_two", {"validation": 0.25}, 64),
    ],
)
def test_validation_data_are_taken_from_a_stream_in_order(source: str, settings: dict[str, Any], count: int) -> None:
    dataset = load(source, **settings)
    x = streaming_data.arrays()[0][0]
    train, validation = read(dataset.train)[0], read(dataset.validation)[0]
    if settings.get("validation_from") == "first":
        assert np.concatenate([validation, train]).tolist() == x.tolist()
        assert len(validation) == count
    else:
        assert np.concatenate([train, validation]).tolist() == x.tolist()
        assert len(validation) == (40 if source != "two" or settings.get("batch", 1) else count)


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        ("reshuffled_two", {"validation": 0.2}, r"another order or other values at each pass.*return \(train, valid"),
        ("reshuffled_at_the_end", {"validation": 0.2}, "another order or other values at each pass"),
        ("two", {"validation": 10000}, r"leaves one side empty: 313 of the 7 batches of 32 examples"),
        ("endless_validation", {}, "the validation data must end"),
        ("three", {"scaling": "standardize"}, r"data.scaling needs arrays.*Dataset; received standardize; do it in"),
        ("three", {"train_limit": 10}, r"data.train_limit needs arrays.*use dataset.take\(n\)"),
        ("three", {"stratify": True}, "data.stratify needs arrays"),
        ("three", {"folds": 3}, "data.folds needs arrays"),
        ("three", {"augmentation": {"shift": 0.1}}, "data.augmentation needs arrays"),
        ("three", {"target": "input"}, r"let the dataset deliver \(inputs, inputs\)"),
        ("missing_values", {}, r"batch 2\) inputs must be finite float32 numbers; input of a batch, 6 holds nan"),
        ("inputs_only", {}, r"a batch must be \(inputs, targets\) or .*; received tensorflow.EagerTensor of"),
        ("generator", {}, "received .*generator"),
    ],
)
def test_what_would_be_wrong_is_refused(source: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(MnistSweepError, match=message) as raised:
        load(source, **settings)
    assert "\n" not in str(raised.value)


def test_the_checksum_identifies_the_examples_in_any_order_as_far_as_they_can_be_read_again() -> None:
    ordered, again = load("three").checksum, load("three").checksum
    assert ordered == again == load("reshuffled").checksum
    assert load("two", validation=0.2).checksum != ordered
    assert load("distorted").checksum == load("distorted").checksum != ordered
    assert data.checksum({"_target_": "streaming_data.three"}) == ordered


@pytest.mark.slow
def test_the_checksum_differs_for_a_split_at_random_in_each_process() -> None:
    process = "import sys; sys.path.insert(0, sys.argv[1]); from mnistsweep import data; "
    process += "print(data.checksum({'_target_': 'streaming_data.split_at_random'}))"
    folder = str(Path(streaming_data.__file__).parent)
    found = {
        subprocess.run([sys.executable, "-c", process, folder], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(found) == 2


def test_class_names_and_texts_become_classes() -> None:
    task = load("named").tasks.first
    assert (task.values, task.class_names) == ((0, 1, 2, 3), ["cat", "dog", "owl", "yak"])
    assert load("texts").tasks.first.values == ("cat", "dog", "owl")
    tasks = load("two_outputs").tasks
    assert (tasks["kind"].first.kind, tasks["sum"].first.kind) == ("classes", "regression")


def test_streams_and_arrays_mix() -> None:
    dataset = load("arrays_with_streams")
    assert not dataset.is_stream
    assert dataset.validation_arrays.inputs.tolist() == streaming_data.arrays()[1][0].tolist()
    assert isinstance(load("stream_with_arrays").validation, data.Examples)


def test_data_without_a_test_set_are_for_training_only() -> None:
    assert len(load("no_test").train) == 200
    with pytest.raises(MnistSweepError, match="a test set is needed here, and the loader returns none"):
        data.load_test({"_target_": "streaming_data.no_test"})


@pytest.mark.parametrize("source", ["two", "py_two"])
def test_both_splits_together_for_the_last_training(source: str) -> None:
    whole = load(source, validation=0.25).whole
    for stream in (whole.train, whole.fresh().train):
        assert read(stream)[0].tolist() == streaming_data.arrays()[0][0].tolist()
    assert len(whole.train) == 200


def test_a_folder_of_images_is_read_by_keras(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(10):
            keras.utils.save_img(tmp_path / name / f"{index}.png", rng.integers(0, 255, (9, 9, 3)))
    config = {
        "_target_": "keras.utils.image_dataset_from_directory",
        "directory": str(tmp_path),
        "image_size": [8, 8],
        "verbose": False,
    }
    with pytest.raises(MnistSweepError, match=r"other values at each pass.*\+data.subset=both"):
        data.load({**config, "validation": 0.5, "batch_size": 5})
    dataset = data.load({**config, "subset": "both", "validation_split": 0.25, "seed": 0, "batch_size": 4})
    assert (len(dataset.train), len(dataset.validation), dataset.input_shape) == (15, 5, (8, 8, 3))
    assert dataset.tasks.first.class_names == ["cat", "dog"]
    assert all(leaf.max() > 1 for leaf in leaves(dataset.validation_arrays.inputs))  # not scaled
    assert data.load({**config, "subset": "both", "validation_split": 0.25, "seed": 1}).checksum != dataset.checksum
