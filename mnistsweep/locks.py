"""File locks between processes; the only module that calls `fcntl.flock`.

The package uses `flock` and not a library of lock files for two reasons. The operating system releases the lock when
its process ends, whatever ends it, so a crash never blocks the others. And another process can test whether a lock is
held without taking it (`is_locked`), which is how a worker on the same machine finds out that a peer has died.

The lock files must be on a local file system, or on NFS 4 or later that is not mounted with `local_lock`.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from mnistsweep.errors import StudyError

# Times in seconds before a lock is tried again that another process may only be testing.
_PAUSES_SECONDS = (0.01, 0.03, 0.06)


def lock_open_file(file: IO[Any]) -> None:
    """Lock a file exclusively until it is closed; wait while another process holds the lock.

    Args:
        file: File opened for reading or writing.
    """
    fcntl.flock(file, fcntl.LOCK_EX)


@contextlib.contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the exclusive lock on a file; wait while another process holds it.

    Args:
        path: Path of the lock file. Its folder must exist; the file is created if missing and is not removed.
    """
    with path.open("ab") as file:
        lock_open_file(file)
        yield


@contextlib.contextmanager
def try_exclusive_lock(path: Path, is_tested: bool = False) -> Iterator[bool]:
    """Hold the exclusive lock on a file if no other process holds it; do not wait for it.

    Yields whether the lock was acquired.

    Args:
        path: Path of the lock file. Its folder must exist; the file is created if missing and is not removed.
        is_tested: Whether other processes call `is_locked` for the file, which holds the lock for a moment: the lock is
            then tried again for up to a tenth of a second.
    """
    with path.open("ab") as file:
        acquired = _acquire(file)
        for pause in _PAUSES_SECONDS if is_tested and not acquired else ():
            time.sleep(pause)
            if acquired := _acquire(file):
                break
        yield acquired


def _acquire(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Whether a process holds the exclusive lock on a file; the file is not changed.

    The test takes a shared lock for a moment, so that two processes that test at once do not find each other.

    Args:
        path: Path of the lock file.

    Raises:
        FileNotFoundError: The file is missing.
    """
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextlib.contextmanager
def single_command_lock(path: Path, command: str) -> Iterator[None]:
    """Hold a lock while a command writes files; a second run of the command fails at once.

    Args:
        path: Path of the lock file; its folder is created if missing.
        command: Name of the command for the message, for example ``mnistsweep report``.

    Raises:
        StudyError: Another process runs the command.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with try_exclusive_lock(path) as acquired:
        if not acquired:
            raise StudyError(
                f"{path.parent}: another `{command}` is running here. Repeat the command when that one has ended."
            )
        yield
