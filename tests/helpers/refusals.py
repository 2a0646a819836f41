"""Commands that refuse a path: one line that names the key, exit code 2, nothing created or changed."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from commands import Answer, tree
from commands import command as command_of_a_superuser
from rights import ordinary_rights

Capture = pytest.CaptureFixture[str]
Breaking = Callable[[Path], object]

SWEPT = ["model.dropout=0,0.1", "trials=4"]
STARTS = {"train": ["train"], "sweep": ["sweep", *SWEPT]}

LONG = "a" * 300

# Paths in the working directory of these tests that are no folders that can be read, and why.
UNREADABLE_FOLDERS = [
    (LONG, "a name in it is longer than 255 bytes"),
    (f"logs/{LONG}", "a name in it is longer than 255 bytes"),
    ("a/" * 2500, "the path is longer than 3840 bytes"),
    ("file", "it is a file"),
    ("fifo", "it is a named pipe"),
    ("dangling", "it is a symbolic link to 'nowhere', which does not exist"),
    ("loop", "it is a symbolic link that leads to itself"),
    ("locked", "no permission to read or enter"),
    ("locked/inner", "'locked' above it: no permission to enter"),
    ("a\nb", "'\\n' in it is a control character"),
    ("a\x1b[2Jb", "'\\x1b' in it is a control character"),
    ("", "it is empty"),
]


def command(capfd: Capture, *arguments: str) -> Answer:
    """Run a command in this process; permissions apply."""
    with ordinary_rights():
        return command_of_a_superuser(capfd, *arguments)


def refusal(capfd: Capture, *arguments: str) -> str:
    """The only line of a message; nothing may have changed."""
    top = Path.cwd()
    before = (tree(top), top.stat().st_mtime_ns)
    answer = command(capfd, *arguments)
    assert (answer.code, answer.out) == (2, ""), answer
    assert (tree(top), top.stat().st_mtime_ns) == before
    lines = answer.err.removesuffix("\n").split("\n")
    assert len(lines) == 1, lines
    assert lines[0].isprintable()
    return lines[0].removeprefix("mnistsweep: ")


def thinned(cases: Sequence[tuple[Any, ...]], every: int, label: Callable[..., str]) -> list[Any]:
    """Cases of a test; all but the first of each `every` cases are slow.

    Args:
        cases: Arguments of the test, one tuple each.
        every: Number of cases of which one runs with the fast tests.
        label: Function from the arguments of a case to its identifier.
    """
    return [
        pytest.param(*case, id=label(*case), marks=[pytest.mark.slow] if index % every else [])
        for index, case in enumerate(cases)
    ]


def starts(cases: list[tuple[str, str]], every: int) -> pytest.MarkDecorator:
    """All cases with one command that starts a training, every third one also with the other; see `thinned`."""
    both = [("train", *case) for case in cases] + [("sweep", *case) for case in cases[::3]]
    label = lambda start, value, _: f"{start} {ascii(value)[:20]}"  # noqa: E731
    return pytest.mark.parametrize(("start", "value", "reason"), thinned(both, every, label))


def quote(value: str) -> str:
    return f"'{value}'"


def as_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def as_file(path: Path) -> None:
    shutil.rmtree(path)
    path.touch()


def as_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_dangling(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)
    path.symlink_to("nowhere")


def without(mode: int) -> Breaking:
    return lambda path: path.chmod(stat.S_IMODE(path.stat().st_mode) & ~mode)
