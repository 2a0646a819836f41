"""Errors that stop a worker, because its trial did not cause them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnistsweep.errors import FilesLost
from mnistsweep.study import worker_errors
from mnistsweep.study.worker_errors import worker_error


class Deletion:
    """A deletion of a trial's folder that is complete when the files are checked for the third time."""

    def __init__(self) -> None:
        self.checks = 0

    def __call__(self) -> None:
        self.checks += 1
        if self.checks >= 3:
            raise FilesLost("config.yaml was deleted or moved")


def test_a_file_that_vanishes_during_a_deletion_is_no_fault_of_the_trial(tmp_path: Path) -> None:
    trial, deletion = tmp_path / "trials" / "0001", Deletion()
    with pytest.raises(FileNotFoundError) as missing:
        (trial / "train" / "events").read_text(encoding="utf-8")
    found = worker_error(missing.value, tmp_path, trial, deletion)
    assert isinstance(found, FilesLost)
    assert deletion.checks == 3


def test_an_error_without_a_file_of_the_trial_does_not_wait(tmp_path: Path) -> None:
    deletion = Deletion()
    assert worker_error(FileNotFoundError(2, "No such file", "/data/x"), tmp_path, tmp_path / "0001", deletion) is None
    assert deletion.checks == 1


def test_a_folder_that_is_not_deleted_leaves_the_fault_to_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_errors, "DELETION_SECONDS", 0.2)
    error = FileNotFoundError(2, "No such file", str(tmp_path / "0001" / "own.txt"))
    assert worker_error(error, tmp_path, tmp_path / "0001", lambda: None) is None
