"""Sweeps through the real command line, in processes of their own, in a working directory of a test."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State, TrialRecord

COMMAND = [str(Path(sys.executable).with_name("mnistsweep")), "sweep"]


class Folder:
    """A working directory in which sweeps are started.

    Args:
        folder: The directory.
        data: The overrides of tiny data.
    """

    def __init__(self, folder: Path, data: list[str]) -> None:
        self.folder = folder
        self._data = [*data, "model=perceptron", "trainer.batch_size=16"]

    def start(self, name: str, *overrides: str, under: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start a sweep, as the argument of another command where there is one."""
        return subprocess.Popen(
            [*under, *COMMAND, f"name={name}", *self._data, *overrides], cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, name: str, *overrides: str) -> str:
        """Run a sweep to its end, which must be a good one; what it prints."""
        process = self.start(name, *overrides)
        said, _ = process.communicate()
        assert process.returncode == 0, said
        return said

    def paths(self, name: str) -> SweepPaths:
        """The files of a sweep."""
        return SweepPaths(self.folder / "logs" / name)

    def records(self, name: str) -> list[TrialRecord]:
        """The trials of a sweep; none before it has a ledger."""
        paths = self.paths(name)
        return Ledger(paths).records() if paths.journal.is_file() and paths.journal.stat().st_size > 500 else []

    def running(self, name: str, epochs: int) -> list[int]:
        """The processes of the workers whose trial has had so many epochs."""
        running = [r for r in self.records(name) if r.state is State.RUNNING and r.owner and r.result.epochs >= epochs]
        pids = [int(record.owner.split("-")[-2]) for record in running]
        return [pid for pid in pids if psutil.pid_exists(pid)]

    def table(self, name: str) -> list[list[str]]:
        """The rows of `results.csv` without the seconds."""
        with self.paths(name).results.open(newline="") as file:
            rows = list(csv.reader(file))
        seconds = rows[0].index("seconds")
        return [row[:seconds] + row[seconds + 1 :] for row in rows]
