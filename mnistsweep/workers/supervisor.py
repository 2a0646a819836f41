"""The supervisor of the worker processes on this machine: starts them, restarts those that crash, and stops them.

Each worker runs in a session of its own, so that Ctrl-C in the terminal reaches only the supervisor, which sends the
signal on to the workers. Processes that users' code has started in a worker end with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mnistsweep import descendants, devices
from mnistsweep.errors import SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan_file import read_plan
from mnistsweep.stop_signal import SIGNALS, StopSignal
from mnistsweep.study.heartbeat_monitor import open_monitor
from mnistsweep.study.worker_names import names_of_process
from mnistsweep.workers.messages import COUNT_VARIABLE, FILES_LOST, REPLACE, SIGNALLED, has_started_trial
from mnistsweep.workers.stopping import grace_seconds

POLL_SECONDS = 0.1

# Maximum number of crashes of one worker in a row before it has started a trial: then it cannot start at all. Crashes
# in a trial have no limit here: the study records a trial that crashes its process as failed, and limits failures.
MAX_IDLE_CRASHES = 3

Command = Callable[[Path, int, str], Sequence[str]]

INDEX_VARIABLE = "MNISTSWEEP_WORKER_INDEX"
"""Environment variable of a worker process: the number of the worker."""


def worker_command(folder: Path, index: int, session: str) -> list[str]:
    """Command line of a worker process; its last argument is the process ID of this process, its parent."""
    return [sys.executable, "-m", "mnistsweep.workers.worker", str(folder), str(index), session, str(os.getpid())]


@dataclass
class WorkerProcess:
    """One worker and its current process.

    Args:
        index: Number of the worker, counted from 0.
        command: Command line of the process.
        variables: Variables added to the environment of the process.
        paths: Paths of the sweep's files; the worker's log receives the standard output and error of the process.
        inherited: Numbers of the open files that the process inherits.

    Attributes:
        exit_code: Exit code of the last process, 128 + signal for one that was killed; None while the worker runs.
    """

    index: int
    command: Sequence[str]
    variables: dict[str, str]
    paths: SweepPaths
    inherited: tuple[int, ...] = ()
    exit_code: int | None = None
    _idle_crashes: int = 0
    _mark: str = field(default_factory=descendants.new_mark)
    _process: subprocess.Popen[bytes] = field(init=False)
    _log_offset: int = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    @property
    def pid(self) -> int:
        """Process ID of the current process."""
        return self._process.pid

    @property
    def log(self) -> Path:
        """Path of the worker's log."""
        return self.paths.worker_log(self.index)

    def start(self) -> None:
        """Start a process."""
        with self.log.open("ab") as log:
            self._log_offset = log.tell()
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **self.variables, descendants.VARIABLE: self._mark}, pass_fds=self.inherited,
            )  # fmt: skip

    def poll(self, stopping: bool) -> None:
        """Record the end of the process and end what it started; start a new one after a crash or too much memory.

        Args:
            stopping: Whether the workers were asked to stop; then no process is started.

        Raises:
            SweepStopped: The worker crashed before it started a trial, `MAX_IDLE_CRASHES` times in a row.
        """
        code = self._process.poll()
        if code is None or self.exit_code is not None:
            return
        descendants.end_descendants(self.pid, self._mark)
        has_crashed = code != REPLACE and self._has_crashed(code)
        if stopping or not (has_crashed or code == REPLACE):
            self.exit_code = _shell_exit_code(code)
            return
        if has_crashed:
            self._count_crash(code)
        self.start()

    def _has_crashed(self, code: int) -> bool:
        """Whether a signal killed the process, or code in it called `os._exit`: a worker that exits leaves no trace."""
        return code < 0 or (code <= SIGNALLED and bool(names_of_process(self.paths, self.pid)))

    def _count_crash(self, code: int) -> None:
        self._idle_crashes = 0 if has_started_trial(self.log, self._log_offset) else self._idle_crashes + 1
        if self._idle_crashes >= MAX_IDLE_CRASHES:
            raise SweepStopped(
                f"worker {self.index} {_ending(code)} before it started a trial, {self._idle_crashes} times in a row; "
                f"its log is {self.log}."
            )

    def signal(self, number: int) -> None:
        """Send a signal to the process and its children, if the process still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """Kill the process and its children, and wait until it has exited."""
        self.signal(signal.SIGKILL)
        self._process.wait()
        self.poll(stopping=True)


def _ending(code: int) -> str:
    if code < 0:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    return f"ended its process with exit code {code}"


def _shell_exit_code(code: int) -> int:
    """Exit code as in shells, from that of `subprocess`."""
    if code == REPLACE:
        return 0
    return code if code >= 0 else SIGNALLED - code


@dataclass(frozen=True)
class Surroundings:
    """What the processes of workers get from the process that starts them.

    Attributes:
        variables: Variables added to their environment.
        inherited: Numbers of the open files that they inherit.
        second_signal_ends_process: Whether a second signal ends this process at once, without waiting for the workers.
        further_signals: Numbers of signals that ask the workers to stop, beside SIGINT and SIGTERM.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    inherited: tuple[int, ...] = ()
    second_signal_ends_process: bool = True
    further_signals: tuple[int, ...] = ()


def run_workers(
    folder: Path,
    workers: Sequence[int],
    threads: int | None,
    session: str,
    command: Command = worker_command,
    surroundings: Surroundings = Surroundings(),
) -> list[int]:
    """Run workers until all of them have exited.

    Args:
        folder: Path of the sweep's folder.
        workers: Numbers of the workers.
        threads: CPU threads of each worker; None: an equal share of the cores.
        session: Name of this start of the sweep.
        command: Function from the folder, a worker's number and the session to the command line of its process.
        surroundings: What the processes get from this one.

    Returns:
        Exit code of each worker: 0 for a worker that is done, 128 + signal for one that was interrupted, or else that
        of an error.

    Raises:
        SweepStopped: A worker cannot be started.
        ConfigError: The environment variable of `stopping.unresponsive_seconds` holds no positive number.
        KeyboardInterrupt: A signal asked to stop; its argument is the exit code.
    """
    paths, grace, running = SweepPaths(folder), grace_seconds(), list[WorkerProcess]()
    further = surroundings.further_signals
    with StopSignal(second_ends_process=surroundings.second_signal_ends_process, further_signals=further) as stop:
        try:
            for position, index in enumerate(workers):
                variables = {**devices.environment(position, len(workers), threads), **surroundings.variables}
                variables |= {INDEX_VARIABLE: str(index), COUNT_VARIABLE: str(len(workers))}
                started = command(folder, index, session)
                running.append(WorkerProcess(index, started, variables, paths, surroundings.inherited))
            _wait(running, stop)
        finally:
            number = stop.received if stop.received in SIGNALS else None
            _stop_workers(running, number or signal.SIGTERM, grace, paths)
    if stop.received is not None:
        raise KeyboardInterrupt(stop.exit_code)
    return [process.exit_code or 0 for process in running]


def _wait(running: Sequence[WorkerProcess], stop: StopSignal) -> None:
    """Wait until all workers have exited, files of the sweep are lost, or there is a request to stop."""
    while not stop() and any(process.exit_code is None for process in running):
        for process in running:
            process.poll(stopping=False)
        if any(process.exit_code == FILES_LOST for process in running):
            return
        time.sleep(POLL_SECONDS)


def _stop_workers(running: Sequence[WorkerProcess], number: int, grace: float, paths: SweepPaths) -> None:
    """Ask all workers that still run to stop, wait for them, and kill those that do not stop in time."""
    asked = [process for process in running if process.exit_code is None]
    for process in asked:
        process.signal(number)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and any(process.exit_code is None for process in asked):
        for process in asked:
            process.poll(stopping=True)
        time.sleep(POLL_SECONDS)
    for process in asked:
        if process.exit_code is None:
            process.kill()
    _remove_traces(paths, [process.pid for process in asked])


def _remove_traces(paths: SweepPaths, pids: Sequence[int]) -> None:
    """Remove the heartbeats that stopped workers left, so that their exits do not count as crashes of their trials."""
    owners = [owner for pid in pids for owner in names_of_process(paths, pid)]
    if not owners:
        return
    with contextlib.suppress(Exception):  # must not hide the reason for which the workers were stopped
        monitor = open_monitor(paths, read_plan(paths).config.storage)
        for owner in owners:
            monitor.clean_up_after(owner)
