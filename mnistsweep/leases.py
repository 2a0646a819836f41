"""Locks and leases: who may write now, who runs a trial, and whether that process is still alive.

A worker holds a lock on a file of its own in ``logs/<sweep>/workers/`` for as long as it lives. The operating system
gives a lock back when the process ends, however it ends, so that nobody has to guess from a process number or an age.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import socket
from collections.abc import Iterator
from io import BufferedWriter
from pathlib import Path
from types import TracebackType

from mnistsweep.paths import SweepPaths


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on a file; whoever else wants it waits until it is given back.

    Args:
        path: Of the lock's file, whose folder exists; the file stays.
    """
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Lease:
    """A worker's sign of life; a context manager that holds it.

    Args:
        paths: The sweep's files.

    Attributes:
        owner: The worker's name in the ledger: host, process number and a random part.
    """

    def __init__(self, paths: SweepPaths) -> None:
        host = re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname())
        self.owner = f"{host}-{os.getpid()}-{secrets.token_hex(3)}"
        self._path = paths.worker_lock(self.owner)
        self._file: BufferedWriter | None = None

    def __enter__(self) -> Lease:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("wb")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        self._path.unlink(missing_ok=True)
        self._file.close()

    @staticmethod
    def is_held(paths: SweepPaths, owner: str) -> bool:
        """Whether the worker of that name lives; an empty name is nobody's. Changes nothing: anybody may ask."""
        if not owner:
            return False
        try:
            with paths.worker_lock(owner).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: those who ask do not take each other for it
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @staticmethod
    def forget(paths: SweepPaths, owner: str) -> None:
        """Remove what a dead worker left behind."""
        if owner:
            paths.worker_lock(owner).unlink(missing_ok=True)
