"""Commands with bad input: their messages, and nothing else that happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Answer, command, tree

Capture = pytest.CaptureFixture[str]

DROPOUT = "model.dropout=0,0.1"


def refused(capfd: Capture, *arguments: str) -> list[str]:
    """The lines of a message; nothing else may have happened."""
    before = tree(Path.cwd())
    answer = command(capfd, *arguments)
    assert tree(Path.cwd()) == before
    return lines_of(answer)


def lines_of(answer: Answer) -> list[str]:
    assert (answer.code, answer.out) == (2, "")
    lines = answer.err.splitlines()
    assert all(line.startswith("mnistsweep: ") for line in lines)
    assert "Traceback" not in answer.err
    return [line.removeprefix("mnistsweep: ") for line in lines]


def matches(lines: list[str], patterns: tuple[str, ...]) -> None:
    assert len(lines) == len(patterns), lines
    for line, pattern in zip(lines, patterns, strict=True):
        with pytest.raises(LookupError, match=pattern):
            raise LookupError(line)
