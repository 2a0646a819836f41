"""Sweeps that the real command line starts in separate processes, in a working directory of the test."""

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
        data: Overrides that choose the data.
    """

    def __init__(self, folder: Path, data: list[str]) -> None:
        self.folder = folder
        self._data = [*data, "model=perceptron", "trainer.batch_size=16"]

    def start(self, name: str, *overrides: str, under: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start a sweep; `under` is a command that gets the sweep's command as its arguments."""
        return subprocess.Popen(
            [*under, *COMMAND, f"name={name}", *self._data, *overrides], cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, name: str, *overrides: str) -> str:
        """Run a sweep, which must succeed; returns its output."""
        process = self.start(name, *overrides)
        printed, _ = process.communicate()
        assert process.returncode == 0, printed
        return printed

    def paths(self, name: str) -> SweepPaths:
        """The files of a sweep."""
        return SweepPaths(self.folder / "logs" / name)

    def records(self, name: str) -> list[TrialRecord]:
        """The trials of a sweep; none before the sweep has a ledger."""
        paths = self.paths(name)
        return Ledger(paths).records() if paths.journal.is_file() and paths.journal.stat().st_size > 500 else []

    def running(self, name: str, epochs: int) -> list[int]:
        """Process IDs of the workers whose running trial has finished at least this number of epochs."""
        running = [r for r in self.records(name) if r.state is State.RUNNING and r.owner and r.result.epochs >= epochs]
        pids = [int(record.owner.split("-")[-2]) for record in running]
        return [pid for pid in pids if psutil.pid_exists(pid)]

    def table(self, name: str) -> list[list[str]]:
        """Rows of `results.csv` without the column `seconds`."""
        with self.paths(name).results.open(newline="") as file:
            rows = list(csv.reader(file))
        seconds = rows[0].index("seconds")
        return [row[:seconds] + row[seconds + 1 :] for row in rows]
