"""The arguments of a process: real ones in memory, masked ones in the list of processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, os, pathlib, sys
from mnistsweep.command_line import arguments_of_process

if __name__ == "__main__":
    given = arguments_of_process()
    shown = pathlib.Path("/proc/self/cmdline").read_text().split("\\0")[:-1]
    left = [name for name in os.environ if "ARGUMENTS" in name]
    print(json.dumps({"given": given, "shown": shown, "argv": sys.argv, "pid": os.getpid(), "left": left}))
    print("stays", file=sys.stderr)
    sys.exit(7)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path / "program.py"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
@pytest.mark.parametrize("how", [["program.py"], ["-m", "program"], ["-X", "utf8", "-m", "program"]])
def test_a_secret_is_masked_in_the_list_of_processes(program: Path, how: list[str]) -> None:
    secrets = ["storage=x://u:päss@h/db", "a=1", '+data.token=it\'s "one"', "+data.key="]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, *how, *secrets], cwd=program.parent, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = process.communicate()
    assert (process.returncode, err) == (7, "stays\n")
    found = json.loads(out)
    assert found["given"] == secrets
    masked = ["storage=x://u:***@h/db", "a=1", "+data.token=***", "+data.key="]
    assert found["shown"] == [sys.executable, *how, *masked]
    assert found["argv"][1:] == masked
    assert found["pid"] == process.pid
    assert found["left"] == []


def test_without_a_secret_nothing_is_executed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from mnistsweep import command_line

    monkeypatch.setattr(sys, "argv", ["program", "a=1", "+data.token=${oc.env:TOKEN}"])
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("executed again"))
    assert command_line.arguments_of_process() == ["a=1", "+data.token=${oc.env:TOKEN}"]


def test_arguments_of_another_process_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    from mnistsweep import command_line

    record = json.dumps({"pid": os.getpid() + 1, "arguments": {"0": "b=2"}})
    monkeypatch.setenv("MNISTSWEEP_ARGUMENTS", record)
    monkeypatch.setattr(sys, "argv", ["program", "a=1"])
    assert command_line.arguments_of_process() == ["a=1"]
    assert "MNISTSWEEP_ARGUMENTS" not in os.environ


def test_a_process_that_cannot_be_executed_again_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    from mnistsweep import command_line

    def refuse(*_: object) -> None:
        raise OSError("argument list too long")

    monkeypatch.setattr(sys, "argv", ["program", "+data.token=abc"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "program", "+data.token=abc"])
    monkeypatch.setattr(os, "execve", refuse)
    assert command_line.arguments_of_process() == ["+data.token=abc"]
    assert sys.argv == ["program", "+data.token=***"]
