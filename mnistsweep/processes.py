"""Worker processes on this machine: started, watched, started again when they die, stopped together.

Each has a session of its own, so that Ctrl-C in the terminal reaches this process alone, which passes it on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mnistsweep import devices
from mnistsweep.errors import SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.signals import StopSignal

POLL_SECONDS = 0.1

# A worker that is asked to stop does so at its next batch; one that does not is ended.
GRACE_SECONDS = 8.0

# So many deaths of one worker in a row, within so few seconds each: it cannot start at all.
MOST_QUICK_DEATHS = 3
QUICK_SECONDS = 30.0


@dataclass
class WorkerProcess:
    """One worker and its process, which may be replaced.

    Args:
        paths: The sweep's files.
        index: Counted from 0.
        command: What to run.
        variables: Added to the environment.
    """

    paths: SweepPaths
    index: int
    command: Sequence[str]
    variables: dict[str, str]
    quick_deaths: int = 0
    exit_code: int | None = None
    _process: subprocess.Popen[bytes] = field(init=False)
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the process; what it prints goes to the worker's log."""
        self._began = time.monotonic()
        with self.paths.worker_log(self.index).open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **self.variables},
            )  # fmt: skip

    def poll(self, stopping: bool) -> None:
        """Note that the process has ended; start it again if it died and nobody asked for it.

        Raises:
            SweepStopped: It dies as soon as it starts.
        """
        code = self._process.poll()
        if code is None or self.exit_code is not None:
            return
        if stopping or code >= 0:
            self.exit_code = code
            return
        quick = time.monotonic() - self._began < QUICK_SECONDS
        self.quick_deaths = self.quick_deaths + 1 if quick else 0
        if self.quick_deaths >= MOST_QUICK_DEATHS:
            raise SweepStopped(
                f"worker {self.index} was killed by signal {-code} {self.quick_deaths} times within {QUICK_SECONDS:.0f} s "
                f"of its start; its log is {self.paths.worker_log(self.index)}."
            )
        self.start()

    def signal(self, number: int) -> None:
        """Send a signal, if the process still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)


def run_workers(folder: Path, workers: Sequence[int], threads: int | None, session: str) -> list[int]:
    """Run workers until all of them are done.

    Args:
        folder: Of the sweep.
        workers: The index of each.
        threads: CPU threads of each; None: its share of the cores.
        session: Names this start of the sweep.

    Returns:
        The exit code of each: 0 done, 128 + signal interrupted, else an error's.

    Raises:
        SweepStopped: A worker cannot be started.
    """
    paths = SweepPaths(folder)
    with StopSignal() as stop:
        running = [
            WorkerProcess(
                paths,
                index,
                [sys.executable, "-m", "mnistsweep.worker", str(folder), str(index), session],
                devices.environment(position, len(workers), threads),
            )
            for position, index in enumerate(workers)
        ]
        try:
            _watch(running, stop)
        finally:
            _end(running, signal.SIGTERM)
    if stop.received is not None:
        raise KeyboardInterrupt(stop.exit_code)
    return [process.exit_code or 0 for process in running]


def _watch(running: Sequence[WorkerProcess], stop: StopSignal) -> None:
    while any(process.exit_code is None for process in running):
        if stop.received is not None:
            _end(running, stop.received)
            return
        for process in running:
            process.poll(stopping=False)
        time.sleep(POLL_SECONDS)


def _end(running: Sequence[WorkerProcess], number: int) -> None:
    """Ask all workers to stop, wait for them, and end those that do not."""
    for process in running:
        process.signal(number)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(process.exit_code is None for process in running):
        for process in running:
            process.poll(stopping=True)
        time.sleep(POLL_SECONDS)
    for process in running:
        process.signal(signal.SIGKILL)
        process.poll(stopping=True)
