"""The event log of a sweep for `faults.py`: a worker writes one line for each of its actions.

The log is independent of the ledger and of the code under test, so that it also shows what the ledger does not.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

CLAIM, BEGIN, END, RESULT, DROP, RELEASE = "claim", "begin", "end", "result", "drop", "release"


@dataclass(frozen=True)
class Event:
    """One line of the log.

    Attributes:
        at: Seconds of the monotonic clock, which all processes of a machine share.
        pid: Process ID.
        attempt: Name of one claim of one process.
        trial: Number of the trial.
        what: Action: trial claimed; epoch started or finished; result recorded; trial dropped or released.
        epoch: Number of the epoch, from 1, if an epoch was started or finished.
    """

    at: float
    pid: int
    attempt: str
    trial: int
    what: str
    epoch: int = 0


class Attempt:
    """Logs a process's work on a trial; each line is one write, so that a kill leaves no half of a line.

    Args:
        path: Path of the log, to which all processes append.
        trial: Number of the trial.
    """

    def __init__(self, path: Path, trial: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._trial = trial
        self.name = secrets.token_hex(6)
        self.note(CLAIM)

    def note(self, what: str, epoch: int = 0) -> None:
        """Write a line."""
        event = Event(time.monotonic(), os.getpid(), self.name, self._trial, what, epoch)
        os.write(self._file, json.dumps(asdict(event)).encode() + b"\n")

    def close(self) -> None:
        """Close the log."""
        os.close(self._file)


def read(path: Path) -> list[Event]:
    """All events, in the order in which they were written."""
    lines = path.read_text(encoding="ascii").splitlines() if path.is_file() else []
    return [Event(**json.loads(line)) for line in lines]
