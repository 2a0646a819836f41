"""Processes that users' code has started, which are ended with the process that ran the code.

Such a process has no parent any more once that process has exited. It is found by the session of that process, or, if
it has a session of its own, by a mark in its environment.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator

import psutil

VARIABLE = "MNISTSWEEP_DESCENDANT_OF"
"""Environment variable with the mark of the process from which a process descends."""

TERMINATION_SECONDS = 1.0
"""Time that a process has to end after SIGTERM, before it is killed."""


def new_mark() -> str:
    """A mark that no other process has."""
    return secrets.token_hex(8)


def end_descendants(session: int, mark: str) -> None:
    """End the processes that descend from one that has exited: SIGTERM, then SIGKILL.

    Args:
        session: Process ID of the process that has exited, which led a session.
        mark: Value of `VARIABLE` in the environment of that process.
    """
    found = list(_descendants(session, mark))
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(found, TERMINATION_SECONDS) if found else ([], [])
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()


def terminate_children() -> None:
    """Send SIGTERM to all processes that descend from this one."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.terminate()


def _descendants(session: int, mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        if process.pid in (os.getpid(), session):
            continue
        with contextlib.suppress(psutil.Error, OSError):  # it has exited, or belongs to another user
            if os.getsid(process.pid) == session or process.environ().get(VARIABLE) == mark:
                yield process
