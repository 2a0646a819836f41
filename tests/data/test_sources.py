"""One contract for every source: what is loaded, split and scaled is what was stored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistsweep import data
from mnistsweep.data.sources import load_idx, load_mnist, load_npz
from mnistsweep.errors import ConfigError

LOADERS = "mnistsweep.data.sources."

# A user's loader: lists and (n, 1) labels, as keras.datasets.cifar10 returns them, and an argument of its own.
USER_MODULE = """
import numpy as np

def load(file, flip=False):
    with np.load(file) as a:
        x_train, x_test = (x[..., ::-1] if flip else x for x in (a["x_train"], a["x_test"]))
        return [[x_train, a["y_train"][:, None].astype("int64")], [x_test, a["y_test"][:, None].tolist()]]
"""


@dataclass
class Source:
    """A data set as stored, and the configuration that loads it."""

    config: dict[str, Any]
    arrays: dict[str, Any]
    held_back: int


@pytest.fixture(params=["mnist", "idx", "idx_gzipped", "idx_dotted", "npz", "custom"])
def source(
    request: pytest.FixtureRequest,
    awkward: Path,
    arrays: dict[str, Any],
    write_idx: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Source:
    """Every source but fashion_mnist, which needs a process of its own."""
    kind = request.param
    if kind == "mnist":
        (x_train, y_train), (x_test, y_test) = load_mnist()
        stored = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
        return Source({"_target_": LOADERS + "load_mnist", "validation": 10000}, stored, 10000)
    if kind.startswith("idx"):
        write_idx(awkward, arrays, zipped=kind == "idx_gzipped", dotted=kind == "idx_dotted")
        return Source({"_target_": LOADERS + "load_idx", "path": str(awkward), "validation": 8}, arrays, 8)
    file = awkward / "à moi.npz"
    np.savez_compressed(file, **arrays, unrelated=np.arange(3))
    if kind == "npz":
        return Source({"_target_": LOADERS + "load_npz", "path": str(file), "validation": 8}, arrays, 8)
    (awkward / "my_own_data.py").write_text(USER_MODULE)
    monkeypatch.chdir(awkward)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_own_data", raising=False)
    return Source({"_target_": "my_own_data.load", "file": str(file), "validation": 8}, arrays, 8)


def test_the_last_examples_of_the_training_set_validate(source: Source) -> None:
    dataset = data.load(source.config)
    images, labels = source.arrays["x_train"], source.arrays["y_train"]
    cut = len(labels) - source.held_back
    np.testing.assert_array_equal(dataset.train.inputs, images[:cut, ..., None].astype("float32") / 255)
    np.testing.assert_array_equal(dataset.labels(dataset.train), labels[:cut])
    np.testing.assert_array_equal(dataset.validation.inputs, images[cut:, ..., None].astype("float32") / 255)
    np.testing.assert_array_equal(dataset.labels(dataset.validation), labels[cut:])


def test_a_data_set_tells_its_shape_and_classes(source: Source) -> None:
    dataset = data.load(source.config)
    assert dataset.input_shape == (*source.arrays["x_train"].shape[1:], 1)
    assert dataset.classes == len(np.unique(source.arrays["y_train"]))
    assert dataset.augmentation is None
    for side in (dataset.train, dataset.validation):
        assert side.inputs.dtype == np.float32
        assert dataset.labels(side).dtype == np.int32
        assert len(side) == len(side.inputs)


def test_the_test_set_is_loaded_apart_with_the_same_scaling(source: Source) -> None:
    for scaling in ("divide", "standardize"):
        config = source.config | {"scaling": scaling}
        test = data.load_test(config)
        train = source.arrays["x_train"][: -source.held_back].astype("float64")
        mean, deviation = (train.mean(), train.std()) if scaling == "standardize" else (0, 255)
        np.testing.assert_array_equal(test.labels, source.arrays["y_test"])
        expected = (source.arrays["x_test"][..., None] - mean) / deviation
        np.testing.assert_allclose(test.inputs, expected, rtol=1e-6, atol=1e-6)


def test_a_sound_source_passes_the_check_and_has_a_checksum(source: Source) -> None:
    data.check(source.config)
    checksum = data.checksum(source.config)
    assert len(checksum) == 16
    assert checksum == data.checksum(source.config | {"scaling": "none", "train_limit": 30})


def test_a_validation_count_that_takes_everything_is_named(source: Source) -> None:
    size = len(source.arrays["y_train"])
    with pytest.raises(ConfigError, match=rf"data\.validation={size} leaves one side empty.* 1 to {size - 1}"):
        data.load(source.config | {"validation": size})


def test_the_same_data_have_one_checksum_in_every_format(
    tmp_path: Path, arrays: dict[str, Any], write_idx: Callable[..., None], npz_config: Callable[..., dict[str, Any]]
) -> None:
    write_idx(tmp_path, arrays)
    idx = data.checksum({"_target_": LOADERS + "load_idx", "path": str(tmp_path), "validation": 8})
    assert idx == data.checksum(npz_config(y_train=arrays["y_train"].astype("int64")))
    changed = arrays["x_train"].copy()
    changed[-1, -1, -1] ^= 1
    assert idx != data.checksum(npz_config(x_train=changed))


def test_mnist_is_the_whole_of_mnist() -> None:
    dataset = data.load({"_target_": LOADERS + "load_mnist"})
    assert (len(dataset.train), len(dataset.validation), dataset.classes) == (50000, 10000, 10)
    assert dataset.input_shape == (28, 28, 1)
    assert dataset.train.targets[:5].tolist() == [5, 0, 4, 1, 9]
    assert dataset.train.inputs.max() == 1.0
    everything = np.concatenate([dataset.train.inputs, dataset.validation.inputs])
    assert everything.mean(dtype="float64") == pytest.approx(0.1306604762738429, rel=1e-6)
    assert len(data.load_test({"_target_": LOADERS + "load_mnist"})) == 10000


def test_keys_of_a_loader_are_its_arguments(
    awkward: Path, arrays: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = awkward / "a.npz"
    np.savez(file, **arrays)
    (awkward / "my_flipped_data.py").write_text(USER_MODULE)
    monkeypatch.chdir(awkward)
    monkeypatch.setattr(sys, "path", list(sys.path))
    dataset = data.load({"_target_": "my_flipped_data.load", "file": str(file), "flip": True, "validation": 8})
    np.testing.assert_array_equal(dataset.train.inputs[0, :, :, 0] * 255, arrays["x_train"][0, :, ::-1])


def test_inputs_that_are_no_images_keep_their_shape(npz_config: Callable[..., dict[str, Any]]) -> None:
    table = np.arange(120, dtype="float64").reshape(40, 3)
    dataset = data.load(npz_config(x_train=table, x_test=table[:12], scaling="standardize"))
    assert dataset.input_shape == (3,)
    np.testing.assert_allclose(dataset.train.inputs.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(dataset.train.inputs.std(axis=0), 1, atol=1e-6)


def test_colour_images_keep_their_channels(npz_config: Callable[..., dict[str, Any]]) -> None:
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)
    config = npz_config(x_train=colour, x_test=colour[:12])
    dataset = data.load(config)
    assert dataset.input_shape == (6, 5, 3)
    np.testing.assert_array_equal(dataset.train.inputs, colour[:32].astype("float32") / 255)


def test_a_home_folder_is_spelt_with_a_tilde(
    tmp_path: Path, npz_config: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = npz_config()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data.checksum(config | {"path": "~/own.npz"}) == data.checksum(config)


@pytest.fixture(scope="module")
def fashion(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process with a Keras cache of our own sees: Keras reads `KERAS_HOME` when it is imported."""
    folder = tmp_path_factory.mktemp("kéras à moi")
    script = Path(__file__).parent / "fashion_in_cache.py"
    environment = os.environ | {"KERAS_HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
    finished = subprocess.run(
        [sys.executable, str(script), str(folder)], env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    outcome: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return outcome


@pytest.mark.slow
def test_fashion_mnist_is_read_from_the_cache_of_keras(fashion: dict[str, Any]) -> None:
    assert fashion["check_imports_keras"] is False
    assert fashion["sizes"] == [32, 8, 12]
    assert fashion["input_shape"] == [28, 28, 1]
    assert fashion["equal"] is True


@pytest.mark.slow
def test_a_loader_of_keras_is_named_by_its_path(fashion: dict[str, Any]) -> None:
    assert fashion["by_target"] == fashion["checksum"]


@pytest.mark.slow
def test_a_damaged_cache_of_keras_says_what_to_delete(fashion: dict[str, Any]) -> None:
    assert "data=fashion_mnist could not be loaded by Keras: EOFError" in fashion["damaged"]
    assert "delete datasets/fashion-mnist" in fashion["damaged"]


def test_loaders_have_the_shape_of_keras_datasets(
    tmp_path: Path, arrays: dict[str, Any], write_idx: Callable[..., None], npz_config: Callable[..., dict[str, Any]]
) -> None:
    write_idx(tmp_path, arrays)
    for loaded in (load_idx(str(tmp_path)), load_npz(str(npz_config()["path"]))):
        (x_train, y_train), (x_test, y_test) = loaded
        for key, array in {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}.items():
            np.testing.assert_array_equal(array, arrays[key])


def test_checking_the_built_in_data_imports_no_keras() -> None:
    code = (
        "import sys; from mnistsweep import data; t = 'mnistsweep.data.sources.load_'\n"
        "data.check({'_target_': t + 'mnist'}); data.load({'_target_': t + 'mnist', 'train_limit': 100})\n"
        "data.check({'_target_': 'keras.datasets.cifar10.load_data'})\n"
        "print('keras' in sys.modules or 'tensorflow' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "False"
