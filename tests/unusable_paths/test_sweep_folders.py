"""Folders and files of a finished sweep that cannot be used: continued, read, or written by its reports."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import (
    SWEPT,
    UNREADABLE_FOLDERS,
    Breaking,
    Capture,
    as_dangling,
    as_fifo,
    as_file,
    as_folder,
    command,
    refusal,
    thinned,
    without,
)
from rights import ordinary_rights

from mnistsweep.path_checks import READ_FOLDER, path_fault

READERS = ["status", "stop", "repair", "export", "report", "show 0", "clean"]

BROKEN: list[tuple[str, Breaking, str]] = [
    ("", without(0o222), "no permission to write"),
    ("", without(0o111), "no permission to enter"),
    ("", as_file, "it is a file"),
    ("workers", as_file, "it is a file"),
    ("workers", as_dangling, "it is a symbolic link to 'nowhere', which does not exist"),
    ("workers", without(0o222), "no permission to write"),
    ("workers/ledger.lock", as_folder, "it is a folder"),
    ("workers/views.lock", without(0o222), "no permission to write"),
    ("workers/0.log", as_folder, "it is a folder"),
    ("trials", as_dangling, "it is a symbolic link to 'nowhere', which does not exist"),
    ("trials", without(0o222), "no permission to write"),
    ("sweep.yaml", as_folder, "it is a folder"),
    ("sweep.yaml", as_fifo, "it is a named pipe"),
    ("sweep.yaml", without(0o444), "no permission to read"),
    ("results.csv", as_folder, "it is a folder"),
    ("results.csv", without(0o444), "no permission to read"),
    ("best.yaml", as_folder, "it is a folder"),
    ("study.journal", as_folder, "it is a folder"),
    ("study.journal", as_fifo, "it is a named pipe"),
    ("study.journal", without(0o222), "no permission to write"),
    ("study.journal", as_dangling, "it is a symbolic link to 'nowhere', which does not exist"),
    ("kerastuner_oracle.json", as_folder, "it is a folder"),
]


@pytest.mark.parametrize(("part", "damage", "reason"), thinned(BROKEN, 4, lambda part, _, why: f"{part}: {why}"))
def test_a_sweep_that_cannot_be_continued(
    part: str, damage: Breaking, reason: str, finished: Path, capfd: Capture
) -> None:
    damage(finished / part)
    line = refusal(capfd, "sweep", *SWEPT, "trials=9")
    shown = f"received '{finished / part}'" if part or reason == "it is a file" else str(finished)
    assert line.startswith("name: must name ")
    assert shown in line
    assert f": {reason}; correct this, or use another name=NAME." in line
    finished.chmod(0o755)


def test_a_sweep_in_a_folder_of_another_user_is_continued(finished: Path, capfd: Capture) -> None:
    finished.parent.chmod(0o555)
    answer = command(capfd, "sweep", "model.dropout=0,0.1", "trials=2")
    assert (answer.code, answer.err) == (0, "")
    finished.parent.chmod(0o755)


@pytest.mark.parametrize(
    ("value", "reason"), UNREADABLE_FOLDERS, ids=[ascii(value)[:20] for value, _ in UNREADABLE_FOLDERS]
)
def test_the_rule_of_a_folder_that_is_read(value: str, reason: str) -> None:
    with ordinary_rights():
        assert path_fault(value, READ_FOLDER) == reason


@pytest.mark.parametrize(("sweep", "reason"), thinned(UNREADABLE_FOLDERS, 5, lambda sweep, _: ascii(sweep)[:20]))
@pytest.mark.parametrize("reader", READERS)
def test_a_sweep_that_cannot_be_read(reader: str, sweep: str, reason: str, finished: Path, capfd: Capture) -> None:
    name, *rest = reader.split()
    line = refusal(capfd, name, sweep, *rest)
    assert line.startswith("SWEEP: must name a folder that can be read; received ")
    assert f": {reason}; " in line


@pytest.mark.parametrize(
    ("part", "damage", "reason"),
    [
        ("sweep.yaml", as_folder, "it is a folder"),
        ("sweep.yaml", as_fifo, "it is a named pipe"),
        ("sweep.yaml", without(0o444), "no permission to read"),
        ("sweep.yaml", as_dangling, "it is a symbolic link to 'nowhere', which does not exist"),
        ("study.journal", as_folder, "it is a folder"),
        ("study.journal", as_fifo, "it is a named pipe"),
        ("study.journal", without(0o444), "no permission to read"),
    ],
)
@pytest.mark.parametrize("reader", ["status", "stop", "export", "report", "clean"])
def test_a_file_of_a_sweep_that_cannot_be_read(
    reader: str, part: str, damage: Breaking, reason: str, finished: Path, capfd: Capture
) -> None:
    damage(finished / part)
    line = refusal(capfd, *reader.split(), "sweep")
    assert f"logs/sweep/{part}" in line
    assert f": {reason}" in line


WRITTEN = [
    ("report", "report", as_dangling, "it is a symbolic link"),
    ("report", "report", without(0o222), "no permission to write"),
    ("report", "report/models", as_dangling, "it is a symbolic link"),
    ("report", "report/predictions", without(0o222), "no permission to write"),
    ("report", "report/index.html", as_folder, "it is a folder"),
    ("report", "report/files.txt", without(0o444), "no permission to read"),
    ("clean", "clean", as_dangling, "it is a symbolic link"),
    ("clean", "clean", without(0o222), "no permission to write"),
    ("clean", "clean/folds.npz", as_folder, "it is a folder"),
    ("clean", "clean/experiment.lock", without(0o222), "no permission to write"),
]


@pytest.mark.parametrize(
    ("name", "part", "damage", "reason"), WRITTEN, ids=[f"{part}: {why}" for _, part, _, why in WRITTEN]
)
def test_results_that_cannot_be_written(
    name: str, part: str, damage: Breaking, reason: str, finished: Path, capfd: Capture
) -> None:
    path = finished / part
    path.parent.mkdir(exist_ok=True)
    if damage is not as_dangling and damage is not as_folder:
        path.touch() if path.suffix else path.mkdir()
    damage(path)
    line = refusal(capfd, name, "sweep")
    assert line.startswith(f"{name}: must name a f")
    assert f"'logs/sweep/{part}': {reason}" in line
    assert line.endswith("; correct this, or move the folder away.")
