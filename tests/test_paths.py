"""Names of files on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnistsweep.paths import SweepPaths


def test_the_layout_on_disk_is_the_documented_one() -> None:
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


def test_the_name_of_a_sweep_is_that_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "quick" / "trials").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "quick")
    assert SweepPaths(Path("logs/quick/")).name == SweepPaths(Path()).name == "quick"
    monkeypatch.chdir("trials")
    assert SweepPaths(Path("..")).name == "quick"


def test_the_trials_of_a_sweep_are_its_numbered_folders(tmp_path: Path) -> None:
    paths = SweepPaths(tmp_path)
    assert paths.trials() == []
    for name in ("0002", "10000", "9999", "0001 copy", "notes"):
        (tmp_path / "trials" / name).mkdir(parents=True)
    (tmp_path / "trials" / "0003").touch()
    assert paths.trials() == [(number, paths.trial(number)) for number in (2, 9999, 10000)]
