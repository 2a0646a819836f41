"""Kills or stops a command or its worker processes at random moments, and starts a killed command again."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

POLL_SECONDS = 0.01

# Number of kills after which one hits the supervisor.
SUPERVISOR_EVERY = 10


@dataclass(frozen=True)
class Harm:
    """One kill or stop.

    Attributes:
        at: Time of the monotonic clock, in seconds.
        pids: Process IDs of the killed or stopped processes; with a supervisor also those of its workers.
        supervisor: Whether it hit the supervisor.
    """

    at: float
    pids: frozenset[int]
    supervisor: bool = False


@dataclass
class Run:
    """A command that was run until its end.

    Attributes:
        seconds: Wall time.
        harms: Kills and stops of its processes.
        gave_up: Number of times that it ended with an error and was started again.
    """

    seconds: float = 0.0
    harms: list[Harm] = field(default_factory=list)
    gave_up: int = 0

    @property
    def supervisors(self) -> int:
        """Number of kills and stops that hit the supervisor."""
        return sum(harm.supervisor for harm in self.harms)


# Does the harm of that number (counted from 1) to a running command; None: there was nobody to hit, so later once more.
Strike = Callable[[subprocess.Popen[bytes], int], Harm | None]


def run(
    command: Sequence[str | Path], folder: Path, delays: Iterable[float], strike: Strike, limit: float = 3600.0
) -> Run:
    """Run a command, strike after each delay, and start the command again at once whenever it was killed.

    Args:
        command: Command of a supervisor whose children are the workers.
        folder: Working directory; the output of the command goes to a file there.
        delays: Seconds between consecutive strikes.
        strike: Function that kills or stops a process; see `Strike`.
        limit: Seconds after which the command counts as hung, which ends the benchmark.
    """
    began, done, left = time.monotonic(), Run(), iter(delays)
    process = start(command, folder)
    try:
        due = next_due(left)
        while (code := process.poll()) != 0:
            if time.monotonic() - began > limit:
                sys.exit(f"hung: the command did not end within {limit:.0f} s")
            if code is not None:
                note_end(done, code, folder)
                process = start(command, folder)
            elif due is not None and time.monotonic() >= due:
                harm = strike(process, len(done.harms) + 1)
                if harm is not None:
                    done.harms.append(harm)
                    due = next_due(left)
            time.sleep(POLL_SECONDS)
    finally:
        end(process)
    done.seconds = time.monotonic() - began
    return done


def next_due(left: Iterator[float]) -> float | None:
    delay = next(left, None)
    return None if delay is None else time.monotonic() + delay


def start(command: Sequence[str | Path], folder: Path) -> subprocess.Popen[bytes]:
    with output(folder).open("ab") as log:
        return subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, cwd=folder)


def output(folder: Path) -> Path:
    """Path of the file with the output of the command."""
    return folder / "command.log"


def note_end(done: Run, code: int, folder: Path) -> None:
    """Handle the end of the command: by a kill, or by itself, as it may if workers are killed at their start."""
    if code == -signal.SIGKILL:
        return
    done.gave_up += 1
    if done.gave_up > len(done.harms):
        sys.exit(f"the command ended with exit code {code}, without a kill:\n{output(folder).read_text()}")


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill all processes that still run."""
    for victim in [*children(process), psutil.Process(process.pid)] if process.poll() is None else []:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    process.wait()


def children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Worker processes that are running."""
    try:
        found = psutil.Process(process.pid).children()
        return [child for child in found if child.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return []


def killer(chance: random.Random) -> Strike:
    """Kills a random worker, and every tenth time the supervisor."""

    def strike(process: subprocess.Popen[bytes], number: int) -> Harm | None:
        workers = children(process)
        supervisor = number % SUPERVISOR_EVERY == 0
        if not workers:
            return None
        victim = chance.choice(workers)
        at = time.monotonic()
        if supervisor:
            process.kill()
            process.wait()
            return Harm(at, frozenset(worker.pid for worker in workers), supervisor=True)
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
            return Harm(at, frozenset([victim.pid]))
        return None

    return strike


def pauser(chance: random.Random, least: float, most: float) -> Strike:
    """Stops a random worker for a random time, and then continues it."""

    def strike(process: subprocess.Popen[bytes], number: int) -> Harm | None:
        workers = children(process)
        if not workers:
            return None
        victim = chance.choice(workers)
        at = time.monotonic()
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.suspend()
            time.sleep(chance.uniform(least, most))
            victim.resume()
            return Harm(at, frozenset([victim.pid]))
        return None

    return strike


def random_delays(chance: random.Random, times: int, mean: float) -> list[float]:
    """Seconds between strikes: uniform between 0 and twice the mean."""
    return [chance.uniform(0, 2 * mean) for _ in range(times)]
