"""Folders in which a training or a sweep cannot be created."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import command as command_of_a_superuser
from commands import finished_sweep, tree
from refusals import LONG, STARTS, SWEPT, Capture, command, quote, refusal, starts
from rights import ordinary_rights

from mnistsweep.path_checks import WRITE_FOLDER, path_fault
from mnistsweep.path_texts import name_fault

NAMES = [
    (LONG, "it is longer than 255 bytes"),
    ("é" * 128, "it is longer than 255 bytes"),
    ("a.", "it ends with a dot or a space"),
    ("a ", "it ends with a dot or a space"),
    ("..", "it does not begin with a letter or a digit"),
    ("~a", "there is no such home folder"),
    ("-a", "it does not begin with a letter or a digit"),
    ("_a", "it does not begin with a letter or a digit"),
    ("a/b", "it has a '/'"),
    ("a\\b", "it has a '\\\\'"),
    ("a\x1b[2J", "'\\x1b' in it is a control character"),
    ("a\nb", "'\\n' in it is a control character"),
    ("a\x9bb", "'\\x9b' in it is a control character"),
    ("a\u2028b", "'\\u2028' in it is a control character"),
    ("", "it is empty"),
]


@pytest.mark.parametrize(("value", "reason"), NAMES, ids=[ascii(value)[:20] for value, _ in NAMES])
def test_the_rule_of_a_name(value: str, reason: str) -> None:
    assert name_fault(value) == reason


@starts(NAMES, every=8)
def test_a_name_that_no_folder_can_have(start: str, value: str, reason: str, capfd: Capture) -> None:
    line = refusal(capfd, *STARTS[start], f"name={quote(value)}")
    assert line.startswith("name: must be a folder name that begins with a letter or digit and has no slash; received ")
    assert f": {reason}; " in line


def test_a_name_as_long_as_the_file_system_allows(elsewhere: Path) -> None:
    plan = finished_sweep([*SWEPT, f"name='{'é' * 127}'"], [0.9])
    assert plan.paths.results.read_text().count("\n") == 2


LOGS = [
    ("/dev/null", "it is a device"),
    ("/dev/null/x", "'/dev/null' above it: it is a device"),
    ("/proc/x", "it does not exist, and '/proc' above it: no permission to write"),
    ("file", "it is a file"),
    ("file/x", "'file' above it: it is a file"),
    ("fifo", "it is a named pipe"),
    ("dangling", "it is a symbolic link to 'nowhere', which does not exist"),
    ("dangling/x", "'dangling' above it: it is a symbolic link to 'nowhere', which does not exist"),
    ("loop", "it is a symbolic link that leads to itself"),
    ("loop/x", "'loop' above it: it is a symbolic link that leads to itself"),
    ("closed", "no permission to write"),
    ("closed/x/y", "it does not exist, and 'closed' above it: no permission to write"),
    ("locked", "no permission to read or write or enter"),
    ("locked/inner", "'locked' above it: no permission to enter"),
    ("unsearchable/inner", "'unsearchable' above it: no permission to enter"),
    (LONG, "a name in it is longer than 255 bytes"),
    (f"x/{LONG}/y", "a name in it is longer than 255 bytes"),
    ("a/" * 2500, "the path is longer than 3840 bytes"),
    ("~nobody-has-this-name/x", "there is no such home folder"),
    ("a\nb", "'\\n' in it is a control character"),
    ("a\x1bb", "'\\x1b' in it is a control character"),
    ("", "it is empty"),
    (" ", "it is empty"),
]


@pytest.mark.parametrize(("value", "reason"), LOGS, ids=[ascii(value)[:20] for value, _ in LOGS])
def test_the_rule_of_a_folder_that_is_written(value: str, reason: str) -> None:
    with ordinary_rights():
        assert path_fault(value, WRITE_FOLDER) == reason


@starts(LOGS, every=8)
def test_a_folder_that_cannot_hold_a_sweep(start: str, value: str, reason: str, capfd: Capture) -> None:
    line = refusal(capfd, *STARTS[start], f"logs={quote(value)}")
    assert line.startswith("logs: must name a folder")
    assert f": {reason}; " in line


@pytest.mark.skipif(os.geteuid() != 0, reason="permissions refuse this before it is tried")
@pytest.mark.parametrize("start", [pytest.param("train", marks=pytest.mark.slow), "sweep"])  # train starts TensorFlow
def test_a_folder_that_only_an_attempt_shows_to_be_unusable(start: str, capfd: Capture) -> None:
    before = tree(Path.cwd())
    answer = command_of_a_superuser(capfd, *STARTS[start], "logs=/proc/x")
    assert (answer.code, answer.err) == (
        2,
        "mnistsweep: logs: must name a folder that can be written; received '/proc/x': no such file or directory; "
        "name another one.\n",
    )
    assert tree(Path.cwd()) == before


def test_faults_of_paths_are_reported_with_the_others(capfd: Capture) -> None:
    answer = command(capfd, *STARTS["sweep"], "logs=/dev/null", "workers=0", "data.path=fifo", "data=npz")
    keys = [line.split(" ")[1] for line in answer.err.splitlines()]
    assert (answer.code, keys) == (2, ["workers:", "logs:", "data.path"])


@pytest.mark.parametrize("start", STARTS)
def test_the_home_folder(start: str, elsewhere: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(elsewhere / "closed"))
    assert "no permission to write" in refusal(capfd, *STARTS[start], "logs='~/x'")
    assert not Path("~").exists()


def test_nothing_is_left_of_a_sweep_that_could_not_be_opened(
    elsewhere: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.mkdir

    def mkdir(self: Path, *arguments: Any, **keywords: Any) -> None:
        if self.name == "workers":
            real(self.parent, parents=True)
            raise OSError(1, "Operation not permitted", str(self))
        real(self, *arguments, **keywords)

    monkeypatch.setattr(Path, "mkdir", mkdir)  # the last of the folders cannot be created
    line = refusal_but_for_the_time(capfd, *STARTS["sweep"], "logs=open/a/b")
    assert line == (
        "mnistsweep: logs: must name a folder that can be written; received 'open/a/b/sweep/workers': operation not "
        "permitted; name another one.\n"
    )


def refusal_but_for_the_time(capfd: Capture, *arguments: str) -> str:
    before = set(tree(Path.cwd()))
    answer = command(capfd, *arguments)
    assert answer.code == 2
    assert set(tree(Path.cwd())) == before
    return answer.err


def test_a_working_directory_that_no_longer_exists(capfd: Capture) -> None:
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()
    for arguments in (["status", "x"], STARTS["train"], STARTS["sweep"]):
        answer = command(capfd, *arguments)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == "mnistsweep: the working directory: cannot be used: No such file or directory.\n"
    assert command(capfd, "--help").code == 0


READ_ONLY = """\
mount -t tmpfs -o size=1m none "$1" && mkdir "$1/x" && mount -o remount,ro "$1" || exit 99
shift; exec "$@"
"""


def test_a_read_only_file_system_is_named_as_such(elsewhere: Path) -> None:
    under = ["unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh", "open"]
    program = [sys.executable, "-m", "mnistsweep.cli", *STARTS["sweep"], "logs=open/x/y"]
    ended = subprocess.run([*under, *program], capture_output=True, text=True, check=False)
    if ended.returncode in (1, 99, 127) and "mnistsweep" not in ended.stderr:
        pytest.skip(f"no file system can be mounted here: {ended.stderr}")
    assert (ended.returncode, ended.stderr) == (
        2,
        "mnistsweep: logs: must name a folder that can be written; received 'open/x/y': it does not exist, and "
        "'open/x' above it: the file system is read-only; name another one.\n",
    )
