"""Names of workers in the ledger, and whether the process of a named worker exists on this machine."""

from __future__ import annotations

import os
import re
import secrets
import socket
from functools import cache
from pathlib import Path

from mnistsweep.locks import is_locked
from mnistsweep.paths import SweepPaths


def new_worker_name() -> str:
    """Unique name for a worker of this process: host, boot id, process id and a random part, joined by dashes."""
    return f"{_process_name(os.getpid())}-{secrets.token_hex(3)}"


def names_of_process(paths: SweepPaths, pid: int) -> list[str]:
    """Names of the workers of a process on this machine that have a lock file in the sweep's folder.

    Args:
        paths: Paths of the sweep's files.
        pid: Process id; the process may have ended.
    """
    return [owner for owner in paths.owners if owner.rsplit("-", 1)[0] == _process_name(pid)]


def _process_name(pid: int) -> str:
    """Name of a process of this machine: the part of a worker's name before the random part."""
    host = re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname())
    return f"{host}-{boot_id()}-{pid}"


@cache
def boot_id() -> str:
    """Identifier of the current boot of this machine: eight hexadecimal digits; random on systems that have none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").replace("-", "")[:8]
    except OSError:
        return secrets.token_hex(4)


def local_process_exists(paths: SweepPaths, owner: str, heartbeat: int | None) -> bool | None:
    """Whether a worker's process exists; None if this machine cannot determine it.

    A worker on this machine holds the lock on its file in the sweep's folder as long as its process exists. For
    a worker on another machine, or of a sweep in another folder, this machine cannot determine it.

    Args:
        paths: Paths of the sweep's files.
        owner: Name of the worker.
        heartbeat: Last heartbeat of the worker; None if there is none.
    """
    if owner.split("-")[-3:-2] != [boot_id()]:
        return None
    try:
        return is_locked(paths.worker_lock(owner))
    except FileNotFoundError:
        # A worker with a heartbeat (in a database) but without a lock file may belong to a sweep in another folder.
        return None if heartbeat is not None else False
