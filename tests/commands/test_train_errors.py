"""`mnistsweep train` without a right or on a full disk: one line, and an exit code for each cause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from refusals import Capture, command, refusal


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_missing_right_in_a_training_is_one_line(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*arguments: Any, **keywords: Any) -> Any:
        raise PermissionError(13, "Permission denied", "logs/train/0000/best.keras")

    monkeypatch.setattr("mnistsweep.commands.train._train_checked", denied)
    assert refusal(capfd, "train") == "logs/train/0000/best.keras: cannot be used: Permission denied."


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            OSError(28, "No space left"),
            1,
            "logs/train/0000: cannot be written: No space left on device. Free disk space;",
        ),
        (
            PermissionError(13, "Permission denied", "logs/train/0000/a"),
            2,
            "logs/train/0000/a: cannot be used: Permission",
        ),
        (
            PermissionError(13, "Permission denied", "own.csv"),
            1,
            "the training failed: PermissionError: [Errno 13] Perm",
        ),
    ],
)
def test_a_training_that_cannot_write(
    error: OSError, code: int, said: str, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: Any, **keywords: Any) -> Any:
        raise error

    monkeypatch.setattr("mnistsweep.tuner.hypermodel_training.train_once", fails)
    answer = command(capfd, "train", "model=perceptron")
    assert answer.code == code
    assert answer.err.startswith(f"mnistsweep: {said}")
    assert answer.err.count("\n") == 1
