"""Leases: which worker lives, so that its trial is its own, and which does not, so that another takes its trial over.

A trial belongs to the worker that the ledger names. A worker keeps what it has by leaving a sign of life several times
a lease: a number that changes. Others watch, and once a number has not changed for a whole lease *by their own
monotonic clock*, its worker has lost what it had: clocks of different hosts are never compared. On the machine on which
a worker runs, the operating system knows sooner: each holds a file lock for as long as its process exists.

Whether a trial is still its own a worker learns from the ledger, in the same turn in which it writes a result. So a
worker that was away for too long (stopped, swapped out, cut off) cannot write one that nobody waits for any more.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import TracebackType

from mnistsweep.locks import exclusive_lock, is_locked
from mnistsweep.paths import SweepPaths
from mnistsweep.study.coordination import Coordinator

LEASE_SECONDS = 15.0
"""How long a worker may show no sign of life."""

HEARTBEATS_PER_LEASE = 5
"""How often a worker shows one meanwhile, so that a slow disk costs no lease."""

MAX_SECONDS = 2.0
"""How long it takes at the most between two signs, and until a worker hears `mnistsweep stop`."""

Monotonic = Callable[[], float]


class Lease:
    """A worker's sign of life, a context manager that keeps giving it.

    Args:
        paths: The sweep's files.
        coordinator: Where the signs are left.
        seconds: Without one, after which others may take over what this worker runs.
        monotonic: The clock, in seconds.

    Attributes:
        owner: The worker's name in the ledger: host, start of the host, process number and a random part.
        coordinator: As given.
        seconds: As given.
        monotonic: As given.
        had_late_heartbeat: Whether a heartbeat came so late that other workers may have claimed this worker's trial.
            Stays True until `Study.verify` has read the owner from the ledger.
        on_heartbeat: Called with each sign, on the thread that gives them; must be quick. Its errors are ignored.
    """

    def __init__(
        self,
        paths: SweepPaths,
        coordinator: Coordinator,
        seconds: float = LEASE_SECONDS,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self.owner = f"{_process_name(os.getpid())}-{secrets.token_hex(3)}"
        self._lock_path = paths.worker_lock(self.owner)
        self.coordinator = coordinator
        self.seconds = seconds
        self.monotonic = monotonic
        self.had_late_heartbeat = False
        self.on_heartbeat: Callable[[], None] = lambda: None
        self._lock = contextlib.ExitStack()
        self._count = 0
        self._is_stopping = False
        self._has_left = False
        self._writing = threading.Lock()
        self._shown_at = monotonic()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Lease:
        self._lock_path.parent.mkdir(parents=True, exist_ok=True)
        self._lock.enter_context(exclusive_lock(self._lock_path))
        self.write_heartbeat()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()
        self.remove_traces()
        self._lock.close()

    def write_heartbeat(self) -> None:
        """Write a heartbeat: the number of heartbeats so far, negated once the worker has been asked to stop."""
        with self._writing:
            if self._has_left:
                return
            now = self.monotonic()  # before the write: others see it later, so they wait longer than this worker
            self._count += 1
            self.coordinator.write_heartbeat(self.owner, -self._count if self._is_stopping else self._count)
            self.had_late_heartbeat = self.had_late_heartbeat or now - self._shown_at > self.seconds
            self._shown_at = now

    def announce_stop(self) -> None:
        """Mark the heartbeats, now and from now on: the worker was asked to stop.

        The end of its process then does not count as a crash, whatever ends it (see `HeartbeatMonitor.has_died`).
        """
        self._is_stopping = True
        self.write_heartbeat()

    def remove_traces(self) -> None:
        """Remove the heartbeat and the lock file, as a worker does that exits in good order; nothing follows them."""
        with self._writing:
            self._has_left = True
            with contextlib.suppress(Exception):  # a heartbeat that stays counts as that of a crashed worker
                self.coordinator.remove_heartbeat(self.owner)
            self._lock_path.unlink(missing_ok=True)

    @property
    def has_expired(self) -> bool:
        """Whether others may have taken over what this worker runs: the last sign is old, or came late."""
        return self.had_late_heartbeat or self.monotonic() - self._shown_at > self.seconds

    def _keep(self) -> None:
        while not self._leaving.wait(min(self.seconds / HEARTBEATS_PER_LEASE, MAX_SECONDS)):
            for act in (self.write_heartbeat, self.on_heartbeat):
                with contextlib.suppress(Exception):  # a disk or a database that comes back in time has cost nothing
                    act()


class HeartbeatMonitor:
    """What one observer has seen of the workers: who lives, as far as it can tell.

    Args:
        paths: The sweep's files.
        coordinator: Where the signs are left.
        seconds: Without a new sign, after which a worker is taken for dead.
        monotonic: The observer's own clock, in seconds.
    """

    def __init__(
        self,
        paths: SweepPaths,
        coordinator: Coordinator,
        seconds: float = LEASE_SECONDS,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._paths = paths
        self._coordinator = coordinator
        self._seconds = seconds
        self._monotonic = monotonic
        self._seen: dict[str, tuple[int | None, float]] = {}

    def is_alive(self, owner: str) -> bool:
        """Whether a worker may still hold what the ledger says it has; an empty name is nobody's.

        The first look at a worker on another host cannot tell, and counts as alive. Changes nothing but this object.
        """
        if not owner:
            return False
        beat = self._coordinator.read_heartbeat(owner)
        if local_process_exists(self._paths, owner, beat) is False:
            return False
        now = self._monotonic()
        if owner not in self._seen or self._seen[owner][0] != beat:
            self._seen[owner] = (beat, now)
        return now - self._seen[owner][1] <= self._seconds

    def has_died(self, owner: str) -> bool:
        """Whether a worker that is not alive has crashed.

        A worker that exits in good order removes its heartbeat. A worker that was asked to stop marks its heartbeat
        with a minus sign, so that it may be killed afterwards.
        """
        if not owner:
            return False
        beat = self._coordinator.read_heartbeat(owner)
        if beat is None or beat < 0:
            return False
        return local_process_exists(self._paths, owner, beat) is not True  # it may be suspended (SIGSTOP)

    def clean_up_after(self, owner: str) -> None:
        """Remove what a worker left behind that is not alive."""
        if owner:
            stopped = local_process_exists(self._paths, owner, None)  # a process that is only stopped keeps its lock
            self._coordinator.remove_heartbeat(owner)
            if not stopped:
                self._paths.worker_lock(owner).unlink(missing_ok=True)
            self._seen.pop(owner, None)


@cache
def boot_id() -> str:
    """What tells this run of this machine's kernel from all others; random where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").replace("-", "")[:8]
    except OSError:
        return secrets.token_hex(4)


def _process_name(pid: int) -> str:
    """Name of a process of this host: the part of an owner's name before the random part."""
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', socket.gethostname())}-{boot_id()}-{pid}"


def owners_of_process(paths: SweepPaths, pid: int) -> list[str]:
    """Names of the owners whose process on this host has, or had, a given process ID.

    Args:
        paths: Paths of the sweep's files.
        pid: Process ID.
    """
    return [owner for owner in paths.owners if owner.rsplit("-", 1)[0] == _process_name(pid)]


def local_process_exists(paths: SweepPaths, owner: str, beat: int | None) -> bool | None:
    """Whether a worker's process exists, where this machine knows; None where the worker is on another one.

    Args:
        paths: The sweep's files.
        owner: The worker.
        beat: The last sign of life that it left.
    """
    if owner.split("-")[-3:-2] != [boot_id()]:
        return None
    try:
        return is_locked(paths.worker_lock(owner))
    except FileNotFoundError:
        return None if beat is not None else False  # with a sign, it may be of a sweep in another folder
