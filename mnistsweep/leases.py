"""Leases: who runs a trial, and whether that process is still alive.

A worker holds a lock on a file of its own in ``logs/<sweep>/workers/`` for as long as it lives. The operating system
gives the lock back when the process ends, however it ends, so that nobody has to guess from a process number.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from types import TracebackType

from filelock import FileLock, Timeout

from mnistsweep.paths import SweepPaths


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
        self._lock = FileLock(self._path)

    def __enter__(self) -> Lease:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire(timeout=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)
        self._lock.release()

    @staticmethod
    def is_held(paths: SweepPaths, owner: str) -> bool:
        """Whether the worker of that name lives; an empty name is nobody's."""
        path = paths.worker_lock(owner)
        if not owner or not path.is_file():
            return False
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        path.unlink(missing_ok=True)
        lock.release()
        return False
