"""Any command line gets an answer: exit code 0 or 2, no traceback, one message; and values are the same everywhere.

`benchmarks/command_line_fuzz.py` draws other command lines each time, and more of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import pytest
from answers import Answer, check, check_text, prepare, working_directory
from command_lines import command_lines
from commands import tree
from hypothesis import HealthCheck, Phase, event, given, settings

# Number of command lines; the slow run draws others than the fast one, and more.
NUM_CASES = [pytest.param(16), pytest.param(100, marks=pytest.mark.slow)]

# One sweep in this number is also continued, listed, exported and trained again, which takes longer than all else.
STEP = 16


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "below" / "root"
    folder.mkdir(parents=True)
    prepare(folder)
    return folder


def _number(line: list[str]) -> int:
    """A number of a command line, so that the same one is always checked alike."""
    return zlib.crc32(repr(line).encode())


@pytest.mark.parametrize("num_cases", NUM_CASES)
def test_every_command_line_is_answered(root: Path, num_cases: int) -> None:
    outcomes = Counter[str]()

    @settings(max_examples=num_cases, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))
    @given(command_lines())
    def run(line: list[str]) -> None:
        with working_directory(root, with_sweeps=line[:1] not in (["sweep"], ["train"])) as folder:
            found = check(line, folder, wholly=_number(line) % STEP == 0)
        event(f"exit code {found.code}")
        outcomes["lines"] += 1
        outcomes["accepted"] += found.code == 0
        outcomes["sweeps"] += bool(found.plans)

    run()
    assert outcomes["lines"] >= num_cases
    assert outcomes["accepted"] >= outcomes["lines"] / 4, outcomes
    assert outcomes["sweeps"] >= outcomes["lines"] / 5, outcomes


PROGRAM = os.fsencode(Path(sys.executable).with_name("mnistsweep"))

REAL = [
    [b"sweep", b"model.dropout=0,0.1", b"name=\xff\xfe"],
    [b"train", b"+data.note='\x80'"],
    [b"status", b"\xe9"],
    [b"sweep", "name='\N{RIGHT-TO-LEFT OVERRIDE}\x1b[31m'".encode(), b"model.dropout=0,0.1"],
    [b"sweep", b"model.dropout=0,0.1", b"name=" + b"x" * 20_000],
    [b"sweep", b"trainer.epochs=range(0,1e9)"],
    [b"\xf0\x9f\x91\xa9"],
]


@pytest.mark.parametrize("arguments", REAL, ids=[f"{line[-1]!r:.30}" for line in REAL])
def test_a_real_process_answers(arguments: list[bytes], tmp_path: Path) -> None:
    ended = subprocess.run([PROGRAM, *arguments], capture_output=True, check=False, cwd=tmp_path)
    check_text(Answer(ended.returncode, ended.stdout.decode(), ended.stderr.decode()))
    assert (ended.returncode, bool(ended.stderr)) == (2, True)
    assert tree(tmp_path) == {}
