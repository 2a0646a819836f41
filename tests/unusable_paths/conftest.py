"""A working directory with paths of many kinds, and a finished sweep in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import finished_sweep
from refusals import SWEPT


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with paths of many kinds, in which nothing is trained."""

    def start(*arguments: Any, **keywords: Any) -> Any:
        raise AssertionError("it was not refused")

    monkeypatch.setattr("mnistsweep.workers.supervisor.run_workers", start)
    monkeypatch.setattr("mnistsweep.commands.train._train", start)
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("dangling").symlink_to("nowhere")
    Path("loop").symlink_to("loop")
    os.mkfifo("fifo")
    Path("open").mkdir()
    closed = {"closed": 0o500, "locked": 0o000, "unsearchable": 0o600}
    for name, mode in closed.items():
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name / "file").touch()
        Path(name).chmod(mode)
    Path("unreadable").touch(0o000)
    yield tmp_path
    for name in closed:
        (tmp_path / name).chmod(0o700)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep, made once."""
    folder = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        finished_sweep(SWEPT, [0.9, 0.8])
    return folder / "logs"


@pytest.fixture
def finished(shared: Path, elsewhere: Path) -> Path:
    """Copy of the finished sweep in the working directory, ``logs/sweep``."""
    shutil.copytree(shared, elsewhere / "logs")
    return Path("logs/sweep")
