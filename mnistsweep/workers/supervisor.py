"""Worker processes on this machine: started, watched, started again when they die, stopped together.

Each has a session of its own, so that Ctrl-C in the terminal reaches this process alone, which passes it on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mnistsweep import devices
from mnistsweep.errors import SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.workers.messages import REPLACE, has_started_trial
from mnistsweep.workers.stopping import StopSignal

POLL_SECONDS = 0.1

# A worker that is asked to stop does so at its next batch; one that does not is ended.
GRACE_SECONDS = 8.0

# So many deaths of one worker in a row, none of which got as far as a trial: it cannot start at all. (A trial that
# kills its process is the study's business: it is recorded as failed, and too many of those stop the sweep.)
MAX_IDLE_DEATHS = 3

Command = Callable[[Path, int, str], Sequence[str]]


def worker_command(folder: Path, index: int, session: str) -> list[str]:
    """The command line of a worker process; its last argument is the process that it does not outlive."""
    return [sys.executable, "-m", "mnistsweep.workers.worker", str(folder), str(index), session, str(os.getpid())]


@dataclass
class WorkerProcess:
    """One worker and its process, which may be replaced.

    Args:
        index: Counted from 0.
        command: What to run.
        variables: Added to the environment.
        log: What the process prints goes there.

    Attributes:
        exit_code: As shells have it, 128 + signal for a process that was killed; None while it runs.
    """

    index: int
    command: Sequence[str]
    variables: dict[str, str]
    log: Path
    exit_code: int | None = None
    _idle_deaths: int = 0
    _process: subprocess.Popen[bytes] = field(init=False)
    _log_offset: int = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the process."""
        with self.log.open("ab") as log:
            self._log_offset = log.tell()
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **self.variables},
            )  # fmt: skip

    def poll(self, stopping: bool) -> None:
        """Note that the process has ended; start it again if it died or grew too large and nobody asked it to stop.

        Raises:
            SweepStopped: It dies before it begins a trial, again and again.
        """
        code = self._process.poll()
        if code is None or self.exit_code is not None:
            return
        if code == REPLACE and not stopping:
            self.start()
            return
        if stopping or code >= 0:
            self.exit_code = _exit_code(code)
            return
        self._idle_deaths = 0 if has_started_trial(self.log, self._log_offset) else self._idle_deaths + 1
        if self._idle_deaths >= MAX_IDLE_DEATHS:
            raise SweepStopped(
                f"worker {self.index} was killed by signal {-code} ({signal.Signals(-code).name}) before it began a "
                f"trial, {self._idle_deaths} times in a row; its log is {self.log}."
            )
        self.start()

    def signal(self, number: int) -> None:
        """Send a signal to the process and its children, if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """End the process now."""
        self.signal(signal.SIGKILL)
        self._process.wait()
        self.poll(stopping=True)


def _exit_code(code: int) -> int:
    if code == REPLACE:
        return 0
    return code if code >= 0 else 128 - code


def run_workers(
    folder: Path, workers: Sequence[int], threads: int | None, session: str, command: Command = worker_command
) -> list[int]:
    """Run workers until all of them are done.

    Args:
        folder: Of the sweep.
        workers: The index of each.
        threads: CPU threads of each; None: its share of the cores.
        session: Names this start of the sweep.
        command: From the folder, a worker's index and the session to what its process runs.

    Returns:
        The exit code of each: 0 done, 128 + signal interrupted, else an error's.

    Raises:
        SweepStopped: A worker cannot be started.
        KeyboardInterrupt: A signal asked to stop; its argument is the exit code.
    """
    running: list[WorkerProcess] = []
    with StopSignal() as stop:
        try:
            for position, index in enumerate(workers):
                variables = devices.environment(position, len(workers), threads)
                log = SweepPaths(folder).worker_log(index)
                running.append(WorkerProcess(index, command(folder, index, session), variables, log))
            _watch(running, stop)
        finally:
            _end(running, stop.received or signal.SIGTERM)
    if stop.received is not None:
        raise KeyboardInterrupt(stop.exit_code)
    return [process.exit_code or 0 for process in running]


def _watch(running: Sequence[WorkerProcess], stop: StopSignal) -> None:
    while stop.received is None and any(process.exit_code is None for process in running):
        for process in running:
            process.poll(stopping=False)
        time.sleep(POLL_SECONDS)


def _end(running: Sequence[WorkerProcess], number: int) -> None:
    """Ask all workers that still run to stop, wait for them, and end those that do not."""
    for process in running:
        process.signal(number)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(process.exit_code is None for process in running):
        for process in running:
            process.poll(stopping=True)
        time.sleep(POLL_SECONDS)
    for process in running:
        if process.exit_code is None:
            process.kill()
