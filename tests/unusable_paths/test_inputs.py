"""Configurations, modules, data and databases that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from refusals import (
    LONG,
    STARTS,
    UNREADABLE_FOLDERS,
    Breaking,
    Capture,
    as_dangling,
    as_fifo,
    quote,
    refusal,
    starts,
    thinned,
    without,
)

CONFIG_DIRS = [case for case in UNREADABLE_FOLDERS if not case[0].startswith("logs/")]


@starts(CONFIG_DIRS, every=4)
def test_a_folder_of_configurations_that_cannot_be_read(start: str, value: str, reason: str, capfd: Capture) -> None:
    line = refusal(capfd, *STARTS[start], "--config-dir", value)
    assert line.startswith("--config-dir: must name a folder that can be read; received ")
    assert f": {reason}; " in line


@pytest.mark.parametrize("start", STARTS)
def test_configurations_that_cannot_be_read(start: str, capfd: Capture) -> None:
    Path("open/own.yaml").touch(0o000)
    line = refusal(capfd, *STARTS[start], "--config-dir", "open", "--config-name", "own")
    assert line.endswith("open/own.yaml: cannot be read: Permission denied.")
    assert refusal(capfd, *STARTS[start], "--config-name", LONG).startswith("--config-name: there is no 'aaa")
    Path("open/model").mkdir()
    Path("open/model/own.yaml").touch(0o000)
    line = refusal(capfd, *STARTS[start], "--config-dir", "open", "model=own")
    assert "open/model/own.yaml" in line
    assert "Permission denied" in line


def test_presets_and_modules_that_are_no_files(capfd: Capture) -> None:
    Path("sweeps").mkdir()
    for name in ("sweeps/own.yaml", "pipe_module.py"):
        os.mkfifo(name)
    line = refusal(capfd, "sweep", "own")
    assert line.startswith("sweeps: there is no 'own'; Known: ")
    assert "'own'" not in line.partition("Known")[2]
    line = refusal(capfd, "train", "model._target_=pipe_module.net")
    assert line == f"model._target_: no module 'pipe_module' is installed or in {Path.cwd()}, from 'pipe_module.net'"
    assert refusal(capfd, "sweep", LONG).startswith("sweeps: there is no 'aaa")
    Path("unreadable").rename("closed_module.py")
    line = refusal(capfd, "train", "model._target_=closed_module.net")
    assert line == f"model._target_: {Path.cwd()}/closed_module.py cannot be read: Permission denied"


DATA = [
    ("fifo", "it is a named pipe"),
    ("/dev/zero", "it is a device"),
    ("dangling", "it is a symbolic link to 'nowhere', which does not exist"),
    ("loop", "it is a symbolic link that leads to itself"),
    ("locked/inner", "'locked' above it: no permission to enter"),
    (LONG, "a name in it is longer than 255 bytes"),
    ("a\x1bb", "'\\x1b' in it is a control character"),
]


@pytest.mark.parametrize(("path", "reason"), thinned(DATA, 4, lambda path, _: ascii(path)[:20]))
@pytest.mark.parametrize("loader", ["idx", "npz"])
def test_data_that_cannot_be_read(loader: str, path: str, reason: str, capfd: Capture) -> None:
    line = refusal(capfd, "train", f"data={loader}", f"data.path={quote(path)}")
    assert line.startswith("data.path must name ")
    assert f" cannot be used: {reason}" in line


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(as_fifo, "it is a named pipe"), (as_dangling, "symbolic link to"), (without(0o444), "no permission to read")],
)
def test_an_idx_file_that_cannot_be_read(damage: Breaking, reason: str, capfd: Capture) -> None:
    names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    for name in names:
        (Path("open") / name).touch()
    damage(Path("open") / names[0])
    line = refusal(capfd, "train", "data=idx", "data.path=open")
    assert line.startswith(f"data.path='open': 'open/{names[0]}' cannot be read: ")
    assert reason in line


def test_an_archive_that_cannot_be_read(capfd: Capture) -> None:
    line = refusal(capfd, "train", "data=npz", "data.path=unreadable")
    assert line == "data.path must name an .npz file; 'unreadable' cannot be used: no permission to read"


DATABASES = [
    ("open", "it is a folder"),
    ("fifo", "it is a named pipe"),
    ("dangling", "it is a symbolic link to 'nowhere', which does not exist"),
    ("loop", "it is a symbolic link that leads to itself"),
    ("unreadable", "no permission to read"),
    ("locked/x.db", "no permission to enter"),
    ("closed/x.db", "no permission to write"),
    ("file/x.db", "it is a file"),
    ("nowhere/x.db", "it does not exist"),
    (f"{LONG}.db", "a name in it is longer than 255 bytes"),
]


@pytest.mark.parametrize(("file", "reason"), thinned(DATABASES, 4, lambda file, _: file[:20]))
def test_a_database_that_cannot_be_opened(file: str, reason: str, capfd: Capture) -> None:
    line = refusal(capfd, *STARTS["sweep"], f"storage=sqlite:///{file}")
    assert line.startswith(f"storage: the ledger sqlite:///{file} cannot be used: ")
    assert reason in line
