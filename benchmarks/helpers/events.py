"""What `faults.py` sees of a sweep: a line for each thing that a worker did, written by the worker as it did it.

Beside the ledger, and not by the code under test: what a process did that the ledger should not know of is found here.
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
    """One line.

    Attributes:
        at: Seconds of the monotonic clock, which all processes of a machine share.
        pid: Who.
        attempt: Names one claim of one process.
        trial: Its number.
        what: It claimed the trial; began, ended an epoch; handed a result over; dropped or gave back the trial.
        epoch: Counted from 1, of an epoch that began or ended.
    """

    at: float
    pid: int
    attempt: str
    trial: int
    what: str
    epoch: int = 0


class Attempt:
    """A process's work on a trial, noted line by line; a line is one write, so that no kill leaves half of it.

    Args:
        path: Of the log; all processes append to it.
        trial: Its number.
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
        """Nothing more is noted."""
        os.close(self._file)


def read(path: Path) -> list[Event]:
    """All lines, in the order in which they were written."""
    lines = path.read_text(encoding="ascii").splitlines() if path.is_file() else []
    return [Event(**json.loads(line)) for line in lines]
