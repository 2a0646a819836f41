"""Shared by all benchmarks: machine and versions beside the numbers, the spread of numbers, timed commands.

This module does not import Keras, so that the benchmark of start-up times can use it.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

COMMAND = Path(sys.executable).with_name("mnistsweep")


@dataclass(frozen=True)
class Finished:
    """A finished command.

    Attributes:
        seconds: Wall time.
        cpu_seconds: Processor time, user and system, including child processes.
        code: Exit code.
        output: Standard output.
        errors: Standard error.
    """

    seconds: float
    cpu_seconds: float
    code: int
    output: str
    errors: str


def run(command: Sequence[str | Path], folder: Path, **variables: str) -> Finished:
    """Run a command in a folder, and wait for its end.

    Args:
        command: Program and arguments.
        folder: Working directory.
        variables: Additional environment variables.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Finished(seconds, cpu_seconds, done.returncode, done.stdout, done.stderr)


def require(finished: Finished, code: int = 0) -> Finished:
    """Return the command if it has this exit code; otherwise end the benchmark with the output of the command."""
    if finished.code != code:
        sys.exit(
            f"a command ended with exit code {finished.code}, expected {code}:\n{finished.output}{finished.errors}"
        )
    return finished


def print_heading(*packages: str) -> None:
    """Print the machine, its load, and the versions of Python, of this project and of the named packages."""
    memory = psutil.virtual_memory().total / 2**30
    print(f"{platform.platform()}, {cpu_name()}, {num_cores()} cores, {memory:.0f} GiB")
    print(f"load {os.getloadavg()[0]:.1f} at the start; above 0.5 other programs run, and the numbers are noisy")
    print(", ".join([f"Python {platform.python_version()}", *map(versioned, ("mnistsweep", *packages))]), flush=True)


def versioned(package: str) -> str:
    """Name and version of a package."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"


def cpu_name() -> str:
    """Name of the processor, if the system provides it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def num_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sync_milliseconds(folder: Path, times: int = 50) -> float:
    """Median time to append a line to a file and to wait until it is on the disk, as a ledger does."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(b"a line\n")
            file.flush()
            os.fsync(file.fileno())
            taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """The median, followed by the mean, the minimum, the maximum and the number of values.

    Example:
        >>> spread([1.0, 2.0, 6.0], ".1f")
        '2.0 (mean 3.0, 1.0 to 6.0, n=3)'
    """
    median, mean, lowest, highest = (format(of(values), form) for of in (statistics.median, statistics.mean, min, max))
    if len(values) == 1:
        return f"{median} (n=1)"
    return f"{median} (mean {mean}, {lowest} to {highest}, n={len(values)})"


def verdict(met: bool) -> str:
    """The word that all benchmarks print for a requirement."""
    return "met" if met else "MISSED"


def whole(minimum: int, maximum: int = sys.maxsize) -> Callable[[str], int]:
    """A type for argparse: whole numbers from `minimum` to `maximum`."""

    def read(text: str) -> int:
        value = int(text)
        if not minimum <= value <= maximum:
            limits = f"at least {minimum}" if maximum == sys.maxsize else f"from {minimum} to {maximum}"
            raise argparse.ArgumentTypeError(f"must be {limits}, received {value}")
        return value

    read.__name__ = "int"
    return read


def make_parser(description: str | None, repeats: int = 3) -> argparse.ArgumentParser:
    """A parser that prints the benchmark's docstring as help and has the option `--repeats`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--repeats", type=whole(1), default=repeats, help=f"how often each number is taken (default {repeats})"
    )
    return parser
