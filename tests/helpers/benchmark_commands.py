"""The benchmarks in tests: run as commands, or imported as the modules that their scripts see."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@contextlib.contextmanager
def importable_benchmarks() -> Iterator[None]:
    """Make the modules of the folder importable by their bare names, as when a script there runs."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield
    own = {path.stem for path in BENCHMARKS.glob("*.py")} | {"helpers"}
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in own:
            del sys.modules[name]


def run(script: str, *arguments: str, code: int = 0) -> str:
    """Run a benchmark, which must end with the exit code; returns its output."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / f"{script}.py", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def assert_lines(output: str, *patterns: str) -> None:
    lines = output.splitlines()
    for pattern in patterns:
        assert any(re.search(pattern, line) for line in lines), f"no line matches {pattern!r} in:\n{output}"
