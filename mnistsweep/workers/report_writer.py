"""The reports of a function of a trial on disk: its learning curve, and the same for TensorBoard."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable

from mnistsweep.paths import TrialPaths
from mnistsweep.tensorboard import EventFile


class ReportWriter:
    """Writes the reports of one trial to ``history.csv`` (``epoch``, the objective, ``seconds``) and an event file.

    ``seconds`` is the wall-clock time since the report before. A report is on disk as soon as it is made.

    Args:
        folder: Paths of the trial's files.
        objective: Name of the objective.
        clock: Function that returns the time in seconds.
    """

    def __init__(self, folder: TrialPaths, objective: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self._folder = folder
        self._objective = objective
        self._clock = clock
        self._last = clock()
        self._events: EventFile | None = None

    def clear(self) -> None:
        """Remove what an earlier attempt of the trial has written; files of the function itself stay."""
        self._folder.history.unlink(missing_ok=True)
        for events in self._folder.folder.glob("events.out.tfevents.*"):
            events.unlink()
        self._last = self._clock()

    def write(self, step: int, value: float) -> None:
        """Write one report.

        Args:
            step: Number of the step.
            value: Objective after the step.
        """
        now = self._clock()
        is_new = self._events is None
        with self._folder.history.open("w" if is_new else "a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if is_new:
                writer.writerow(["epoch", self._objective, "seconds"])
            writer.writerow([step, repr(value), now - self._last])
        self._last = now
        self._events = self._events or EventFile(self._folder.folder, ".reports")
        self._events.add_scalars({self._objective: value}, step)
