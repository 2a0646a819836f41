"""Names on disk, and files that are whole or not there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mnistsweep.atomic import atomic_write
from mnistsweep.paths import SweepPaths

AWKWARD = "Räume & co/été (2)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / AWKWARD


def test_the_layout_on_disk_is_the_one_that_is_promised() -> None:
    paths = SweepPaths(Path("logs/quick"))
    trial = paths.trial(7)
    names = [paths.sweep, paths.journal, paths.results, paths.best, trial.config, trial.history, trial.model]
    assert [str(path.relative_to("logs")) for path in names] == [
        "quick/sweep.yaml",
        "quick/study.journal",
        "quick/results.csv",
        "quick/best.yaml",
        "quick/trials/0007/config.yaml",
        "quick/trials/0007/history.csv",
        "quick/trials/0007/best.keras",
    ]
    assert paths.trial(12345).folder.name == "12345"


def test_a_sweep_is_called_like_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "quick" / "trials").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "quick")
    assert SweepPaths(Path("logs/quick/")).name == SweepPaths(Path()).name == "quick"
    monkeypatch.chdir("trials")
    assert SweepPaths(Path("..")).name == "quick"


def test_a_file_is_replaced_as_a_whole(folder: Path) -> None:
    target = folder / "best.yaml"
    with atomic_write(target) as part:
        part.write_text("first")
        assert not target.exists()
        assert (part.parent, part.suffix) == (folder, ".yaml")
    with atomic_write(target, durable=False) as part:
        part.write_text("second")
        assert target.read_text() == "first"
    assert target.read_text() == "second"
    assert [path.name for path in folder.iterdir()] == ["best.yaml"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_exception_leaves_the_old_file_and_nothing_else(folder: Path, error: BaseException) -> None:
    target = folder / "best.keras"
    with atomic_write(target) as part:
        part.write_text("old")

    def interrupted() -> None:
        with atomic_write(target) as part:
            part.write_text("half")
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert target.read_text() == "old"
    assert [path.name for path in folder.iterdir()] == ["best.keras"]


def test_a_new_file_may_be_read_by_those_whom_the_umask_lets(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        with atomic_write(folder / "a.csv") as part:
            part.write_text("1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "a.csv").stat().st_mode) == 0o640
