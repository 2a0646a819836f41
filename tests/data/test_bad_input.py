"""Bad input: each fault ends in one message that names the key or file, what was received and the nearest right one."""

from __future__ import annotations

import gzip
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistsweep import data
from mnistsweep.data import npz
from mnistsweep.errors import ConfigError, DataError

LOADERS = "mnistsweep.data.sources."
MNIST = {"_target_": LOADERS + "load_mnist"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validation": 0}, r"data\.validation must be a count .* received 0$"),
        ({"validation": -5}, r"data\.validation .* received -5$"),
        ({"validation": 1.0}, r"data\.validation .* fraction between 0 and 1 .* received 1\.0$"),
        ({"validation": -0.1}, r"data\.validation .* received -0\.1$"),
        ({"validation": float("nan")}, r"data\.validation .* received nan$"),
        ({"validation": True}, r"data\.validation .* received True$"),
        ({"validation": "10%"}, r"data\.validation .* received '10%'$"),
        ({"validation": None}, r"data\.validation .* received None$"),
        ({"validation": 60000}, r"data\.validation=60000 leaves one side empty.* count from 1 to 59999"),
        ({"validation": 1e-6}, r"data\.validation=1e-06 leaves one side empty.*: 0 of the 60000"),
        ({"validation_from": "end"}, r"data\.validation_from cannot be 'end': Known: 'first', 'last'"),
        ({"validation_from": "lst"}, r"data\.validation_from .* did you mean 'last'\?"),
        ({"stratify": "yes"}, r"data\.stratify must be true or false; received 'yes'"),
        ({"train_limit": -1}, r"data\.train_limit must be a count of at least 1, or null .* received -1$"),
        ({"train_limit": 0}, r"data\.train_limit .* received 0$"),
        ({"train_limit": 0.5}, r"data\.train_limit .* received 0\.5$"),
        ({"scaling": "standardise"}, r"data\.scaling cannot be 'standardise': did you mean 'standardize'\?"),
        ({"scaling": None}, r"data\.scaling cannot be None: did you mean 'none'\?"),
        ({"augmentation": {"rotaton": 5}}, r"data\.augmentation\.rotaton .* did you mean 'rotation'\?"),
        ({"augmentation": {"zoom": 1.5}}, r"data\.augmentation\.zoom must be .* 0 to less than 1; received 1\.5"),
        ({"augmentation": {"shift": -0.1}}, r"data\.augmentation\.shift .* received -0\.1"),
        ({"augmentation": {"shear": "10"}}, r"data\.augmentation\.shear .* received '10'"),
        ({"augmentation": {"rotation": float("nan")}}, r"data\.augmentation\.rotation .* received nan"),
        ({"augmentation": 10}, r"data\.augmentation must hold rotation, shift, shear, zoom; received 10"),
        ({"train_limt": 10}, r"data\.train_limt: .*load_mnist takes no such key; did you mean 'train_limit'\?"),
        ({"_target_": None}, r"data\._target_: must be a dotted path .* received None"),
        ({"_target_": ["a", "b"]}, r"data\._target_: must be a dotted path"),
        ({"_target_": "mnist"}, r"data\._target_: must be a dotted path .* received 'mnist'"),
        ({"_target_": LOADERS + "load_mnits"}, r"data\._target_: .*sources\.py has no 'load_mnits'; .*'load_mnist'"),
        ({"_target_": "no_such_package.load"}, r"data\._target_: no module 'no_such_package'"),
        (
            {"_target_": LOADERS + "load_idx"},
            r"data\.path must name the folder with the four IDX files.* received None",
        ),
        ({"_target_": LOADERS + "load_npz", "path": None}, r"data\.path must name the \.npz file.* received None"),
        ({"_target_": LOADERS + "load_npz", "path": " "}, r"data\.path must name the \.npz file.* received ' '"),
        ({"_target_": LOADERS + "load_npz", "path": 5}, r"data\.path must name the \.npz file.* received 5"),
    ],
)
def test_a_key_that_cannot_be_used_is_named(change: dict[str, Any], message: str) -> None:
    for function in (data.check, data.load):
        with pytest.raises(ConfigError, match=message):
            function(MNIST | change)


def test_all_faults_are_raised_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        data.check({"_target_": LOADERS + "load_idx", "validation": 2.5, "train_limit": -1, "scaling": "x", "pth": "."})
    lines = str(caught.value).splitlines()
    assert [line.split()[0].rstrip(":") for line in lines] == [
        "data.path",
        "data.pth",
        "data.validation",
        "data.train_limit",
        "data.scaling",
    ]


def test_the_size_of_fashion_mnist_is_known_before_it_is_loaded() -> None:
    with pytest.raises(ConfigError, match=r"data\.validation=60000 leaves one side empty.*load_fashion_mnist"):
        data.check({"_target_": LOADERS + "load_fashion_mnist", "validation": 60000})


def test_a_limit_that_leaves_a_class_out_is_found_before_training() -> None:
    with pytest.raises(
        DataError, match=r"classes 2, 4, 6 have no example .* data\.train_limit=9;.*stratify=true"
    ) as one:
        data.check(MNIST | {"validation_from": "first", "train_limit": 9})
    assert "load_mnist" in str(one.value)


def check_and_load(config: dict[str, Any], message: str) -> None:
    for function in (data.check, data.load):
        with pytest.raises(DataError, match=message) as caught:
            function(config)
        assert "data." in str(caught.value)


OBJECTS = np.array([{"a": 1}] * 40, dtype=object)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_train": np.zeros(39, int)}, r"every input needs one target: 40 training inputs, 39 targets .*own\.npz"),
        ({"x_train": np.zeros((0, 6, 5)), "y_train": np.zeros(0, int)}, r"there are no training inputs.*own\.npz"),
        ({"x_train": np.zeros((40, 0, 5))}, r"there are no training inputs: shape \(40, 0, 5\)"),
        ({"x_train": np.float64(3)}, r"training inputs must be one array"),
        (
            {"x_train": np.zeros((40, 2), complex)},
            r"training inputs must be numbers or texts; received complex128",
        ),
        ({"y_train": np.full(40, np.nan)}, r"training targets must be finite float32 numbers; target 0 holds nan"),
        ({"x_train": None, "x_test": None}, r"has no 'x_train', 'x_test': .*'y_train'"),
        ({"x_train": OBJECTS}, r"array 'x_train' of .*own\.npz' cannot be read: it holds pickled Python objects"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    npz_config: Callable[..., dict[str, Any]], changes: dict[str, Any], message: str
) -> None:
    check_and_load(npz_config(**changes), message)


@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (1e300, r"1e\+300")])
def test_an_image_that_is_not_finite_is_named(
    npz_config: Callable[..., dict[str, Any]], value: float, shown: str
) -> None:
    images = np.zeros((40, 6, 5))
    images[17, 2, 3] = value
    check_and_load(npz_config(x_train=images), rf"training inputs must be finite .*input 17 holds {shown} .*own\.npz")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": np.zeros(11, int)}, r"12 test inputs, 11 targets"),
        ({"y_test": np.eye(12, dtype=int)}, r"test targets must have the same shape; received \(\) and \(12,\)"),
        ({"x_test": np.zeros((12, 5, 6))}, r"the same shape; received \(6, 5, 1\) and \(5, 6\)"),
        ({"x_test": np.full((12, 6, 5), np.nan)}, r"test inputs must be finite"),
    ],
)
def test_a_bad_test_set_is_found_by_the_check_and_not_looked_at_by_load(
    npz_config: Callable[..., dict[str, Any]], changes: dict[str, Any], message: str
) -> None:
    config = npz_config(**changes)
    for function in (data.check, data.load_test):
        with pytest.raises(DataError, match=message):
            function(config)
    assert len(data.load(config).train) == 32


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"y_train": np.r_[np.zeros(39, int), 1], "y_test": np.zeros(12, int)},
            r"class 1 has no example in the training split after data\.validation",
        ),
        ({"train_limit": 3}, r"class 3 has no example in the training split .*data\.train_limit=3"),
        ({"y_test": np.full(12, 4)}, r"test targets must be classes of the training set, 0, 1, 2, 3; target 0 is"),
        ({"y_train": np.linspace(0, 1, 40)}, r"class labels are required; the targets are of the kind 'regression'"),
    ],
)
def test_a_classifier_needs_examples_of_every_class(
    npz_config: Callable[..., dict[str, Any]], changes: dict[str, Any], message: str
) -> None:
    config = npz_config(**changes)
    with pytest.raises(DataError, match=message):
        data.check(config, are_classes=True)
    data.check(config)  # the targets of another model need not be classes


def test_a_missing_path_names_its_neighbours(tmp_path: Path, npz_config: Callable[..., dict[str, Any]]) -> None:
    config = npz_config()
    check_and_load(config | {"path": str(tmp_path / "onw.npz")}, r"no 'onw\.npz' in .*: did you mean 'own\.npz'\?")
    check_and_load(config | {"path": str(tmp_path / "a" / "own.npz")}, r"neither '.*own\.npz' nor its folder exists")
    check_and_load(
        config | {"path": str(tmp_path)}, r"data\.path must name an \.npz file; '.*' cannot be used: it is a folder"
    )
    idx = config | {"_target_": LOADERS + "load_idx"}
    check_and_load(
        idx, r"data\.path must name a folder with the four IDX files; '.*own\.npz' cannot be used: it is a file"
    )
    (tmp_path / "void").mkdir()
    (tmp_path / "onw.py").touch()
    check_and_load(config | {"path": str(tmp_path / "onw.npz")}, r"\? Known: 'own\.npz'$")
    check_and_load(idx | {"path": str(tmp_path / "viod")}, r"no 'viod' in .*: did you mean 'void'\? Known: 'void'$")
    (tmp_path / "void" / "a.csv").touch()
    check_and_load(config | {"path": str(tmp_path / "void" / "a.npz")}, r"no 'a\.npz' in .*, which has no \.npz file$")
    (tmp_path / "void" / "a.csv").unlink()
    check_and_load(idx | {"path": str(tmp_path / "void" / "x")}, r"there is no 'x' in '.*void', which is empty")
    check_and_load(idx | {"path": str(tmp_path / "void")}, r"no file 'train-images-idx3-ubyte', .* the folder is empty")


def test_a_damaged_archive_is_named(tmp_path: Path, npz_config: Callable[..., dict[str, Any]]) -> None:
    config = npz_config()
    file = tmp_path / "own.npz"
    sound = file.read_bytes()
    file.write_bytes(sound[:-100])
    check_and_load(config, r"data\.path=.*own\.npz' is not a complete \.npz archive")
    at = sound.index(b"NUMPY") + 200  # inside the first array
    file.write_bytes(sound[:at] + bytes([sound[at] ^ 255]) + sound[at + 1 :])
    check_and_load(config, r"array 'x_train' of .*own\.npz' cannot be read: BadZipFile: Bad CRC-32")
    with file.open("wb") as stream:
        np.save(stream, np.zeros(3))
    check_and_load(config, r"own\.npz' is not a complete \.npz archive")


@pytest.fixture
def idx(tmp_path: Path, arrays: dict[str, Any], write_idx: Callable[..., None]) -> dict[str, Any]:
    folder = tmp_path / "idx"
    folder.mkdir()
    write_idx(folder, arrays)
    return {"_target_": LOADERS + "load_idx", "path": str(folder), "validation": 8}


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        (
            "train-images-idx3-ubyte",
            lambda b: b[:-1],
            r"header announces 40 x 6 x 5 bytes after the first 16; it has 1199",
        ),
        ("train-images-idx3-ubyte", lambda b: b + b"\0", r"header announces 40 x 6 x 5 .* it has 1201"),
        ("train-images-idx3-ubyte", lambda b: b[:7], r"is damaged: 7 bytes, less than the header's 16"),
        ("train-images-idx3-ubyte", lambda b: b"", r"is damaged: 0 bytes"),
        ("train-images-idx3-ubyte", lambda b: b"\0\0\x0d" + b[3:], r"magic number must be 2051; it is 3331\b"),
        (
            "t10k-labels-idx1-ubyte",
            lambda b: struct.pack(">4I", 2051, 0, 0, 0),
            r"must be 2049; it is 2051, .* of images",
        ),
        ("t10k-labels-idx1-ubyte", lambda b: gzip.compress(b)[:-5], r"cannot be read: EOFError"),
        ("t10k-labels-idx1-ubyte", lambda b: gzip.compress(b)[:12] + b"xxxxxxxxxxxxx", r"cannot be read: "),
        (
            "train-labels-idx1-ubyte",
            lambda b: struct.pack(">2I", 2049, 39) + b[8:-1],
            r"40 training inputs, 39 targets",
        ),
    ],
)
def test_a_damaged_idx_file_is_named(
    idx: dict[str, Any], name: str, damage: Callable[[bytes], bytes], message: str
) -> None:
    file = Path(idx["path"]) / name
    file.write_bytes(damage(file.read_bytes()))
    check_and_load(idx, message)
    if "targets" not in message.split():
        with pytest.raises(DataError, match=rf"data\.path='.*idx': '.*{name}'"):
            data.check(idx)


def test_missing_idx_files_are_listed_with_the_nearest(idx: dict[str, Any]) -> None:
    folder = Path(idx["path"])
    (folder / "train-images-idx3-ubyte").rename(folder / "train-image-idx3-ubyte")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    check_and_load(
        idx, r"no file 'train-images-idx3-ubyte', 't10k-labels-idx1-ubyte', .* did you mean 'train-image-idx3-ubyte'\?"
    )


def test_a_file_that_a_browser_unpacked_is_read(idx: dict[str, Any]) -> None:
    file = Path(idx["path"]) / "train-images-idx3-ubyte"
    expected = data.checksum(idx)
    file.rename(file.with_name(file.name + ".gz"))
    assert data.checksum(idx) == expected


USER_MODULE = """
import numpy as np
NUMBER = 5
def wrong_form(): return np.zeros(3), np.zeros(3)
def raises(): raise RuntimeError("the disk is on fire")
def ragged(): return ([[1], [1, 2]], [0, 1]), ([[1]], [0])
def takes(size, colour=False): return None
"""


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("wrong_form", DataError, r"must return \(\(x_train, .* \(data\._target_='{module}\.wrong_form'\)"),
        ("raises", DataError, r"the loader failed with RuntimeError: the disk is on fire .*{module}\.raises"),
        ("ragged", DataError, r"one array, .*; received list of .*; give its items one length .*{module}\.ragged"),
        ("takes", ConfigError, r"data: {module}\.takes: missing a required argument: 'size'"),
        ("NUMBER", ConfigError, r"data\._target_ must name a function; '{module}\.NUMBER' is a int"),
        ("rases", ConfigError, r"data\._target_: .* has no 'rases'; did you mean 'raises'\?"),
    ],
)
def test_a_loader_of_the_user_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: type[Exception], message: str
) -> None:
    module = "a_loader_that_fails"
    (tmp_path / f"{module}.py").write_text(USER_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(error, match=message.format(module=module)):
        data.load({"_target_": f"{module}.{name}"})


def test_a_key_that_a_loader_does_not_take_is_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_loader_never_imported.py").write_text("raise SystemExit\ndef load(size): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    config = {"_target_": "a_loader_never_imported.load", "size": 3}
    data.check(config)
    with pytest.raises(ConfigError, match=r"data\.sise: .*load takes no such key; did you mean 'size'\?"):
        data.check(config | {"sise": 3})


def test_augmentation_of_a_table_is_refused(npz_config: Callable[..., dict[str, Any]]) -> None:
    config = npz_config(x_train=np.zeros((40, 3)), x_test=np.zeros((12, 3)), augmentation={"rotation": 5})
    for function in (data.check, data.load):
        with pytest.raises(ConfigError, match=r"data\.augmentation needs images, .* received float64 \(\d+, 3\)"):
            function(config)


def test_a_damaged_installation_says_to_install_again(tmp_path: Path) -> None:
    file = tmp_path / "mnist.npz"
    np.savez(file, labels=np.arange(3, dtype=np.uint8))
    sums = {"labels": "0" * 64}
    with pytest.raises(
        DataError, match=r"array 'labels' of .*mnist\.npz' must have the SHA-256 000000000000\.\.\. .*pip"
    ):
        npz.read_verified(file, sums)
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"installation of mnistsweep is damaged: .* install mnistsweep again"):
        npz.read_verified(file, sums)
    file.unlink()
    with pytest.raises(DataError, match=r"installation of mnistsweep lacks '.*mnist\.npz'; install mnistsweep again"):
        npz.read_verified(file, sums)
