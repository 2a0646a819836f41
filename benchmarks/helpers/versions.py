"""Another version of this project beside this one: both run their own benchmark in turn, each in a process of its own.

The other version's script measures it, because the modules of another version may have other names. Only lines that
both scripts print are compared.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from helpers import common

PROJECT = Path(__file__).parents[2]

# Values of one run by the name of what was measured, such as ``50 trials: mnistsweep, auto``.
Values = Mapping[str, float]


def add_peer(parser: argparse.ArgumentParser) -> None:
    """Add the option `--peer` to a parser.

    Args:
        parser: Parser of a benchmark.
    """
    parser.add_argument("--peer", help="folder or git revision of another version, to run in turn with this one")


def compare(script: str, peer: str, arguments: Sequence[str], pattern: str, heading: str, repeats: int) -> None:
    """Run the benchmark of another version and of this one in turn, and print both with the ratio.

    Args:
        script: Name of the benchmark's file.
        peer: Folder of the other version's project, or a git revision of this one.
        arguments: Arguments of the benchmark, for one run; both versions must have them.
        pattern: Regular expression of a line with a number: its groups are the name and the number.
        heading: Regular expression of the line above such lines: its only group is the beginning of their names.
        repeats: Number of runs of each version. The order changes from run to run, so that a busy minute of the machine
            affects both.
    """
    with open_version(peer) as folder:
        sides = {"before": folder, "now": PROJECT}
        found: dict[str, list[Values]] = {side: [] for side in sides}
        for repeat in range(repeats):
            for side in sorted(sides, reverse=repeat % 2 == 1):
                output = run_version(sides[side], script, arguments)
                found[side].append(read_values(output, pattern, heading))
    print(
        f"before: {peer}; now: {PROJECT}; {repeats} runs each, in turn; medians, and medians of the ratios of pairs\n"
    )
    for name in found["now"][0]:
        before, now = ([one[name] for one in found[side] if name in one] for side in ("before", "now"))
        print(name)
        if len(before) < repeats:
            print("  the other version does not print this")
            continue
        ratios = [after / earlier for earlier, after in zip(before, now, strict=True)]
        print(f"  before       {common.spread(before, ',.2f')}\n  now          {common.spread(now, ',.2f')}")
        print(f"  now / before {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


@contextmanager
def open_version(peer: str) -> Iterator[Path]:
    """The folder of a version: an existing one, or a temporary one with the files of a git revision.

    Args:
        peer: Folder of a project, or a git revision of this one.
    """
    if Path(peer).is_dir():
        yield Path(peer).resolve()
        return
    done = subprocess.run(["git", "archive", "--format=tar", peer], cwd=PROJECT, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"--peer: neither a folder nor a git revision of {PROJECT}; received {peer}")
    with tempfile.TemporaryDirectory() as name:
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(name, filter="data")
        yield Path(name).resolve()


def run_version(folder: Path, script: str, arguments: Sequence[str]) -> str:
    """Run a benchmark of a version; returns its output.

    Args:
        folder: Folder of the version's project.
        script: Name of the benchmark's file.
        arguments: Arguments of the benchmark.
    """
    command = [sys.executable, folder / "benchmarks" / script, *arguments]
    return common.require(common.run(command, folder, PYTHONPATH=python_path(folder))).output


def python_path(folder: Path) -> str:
    """Return the variable `PYTHONPATH` with which Python imports a version; end the benchmark if it does not.

    Args:
        folder: Folder of the version's project.
    """
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    imported = common.run(
        [sys.executable, "-c", "import mnistsweep; print(mnistsweep.__file__)"], folder, PYTHONPATH=path
    )
    if not Path(common.require(imported).output.strip()).is_relative_to(folder):
        sys.exit(f"--peer: {folder} is not the package that Python imports there; received {imported.output.strip()}")
    return path


def read_values(output: str, pattern: str, heading: str) -> Values:
    """Read the numbers from the output of a benchmark.

    Args:
        output: Output of the benchmark.
        pattern: Regular expression of a line with a number: its groups are the name and the number.
        heading: Regular expression of the line above such lines: its only group is the beginning of their names.

    Example:
        >>> read_values("2 trials\\n  auto   1,500.5 (n=1)", r"^  (\\w+) +([0-9,.]+) ", r"^(\\d+ trials)$")
        {'2 trials: auto': 1500.5}
    """
    values, above = {}, ""
    for line in output.splitlines():
        if found := re.search(heading, line):
            above = found[1]
        elif found := re.search(pattern, line):
            values[f"{above}: {found[1]}"] = float(found[2].replace(",", ""))
    return values
