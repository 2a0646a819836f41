"""The lease of a worker: the right to the trials that it owns, kept up by heartbeats.

The ledger names the owner of each running trial. A worker keeps its trials by writing a heartbeat, a number that
changes, several times in each lease period. Other workers observe the number (`heartbeat_monitor`). When it has not
changed for a whole lease period *by the observer's own monotonic clock*, they may claim the trials; clocks of
different hosts are never compared. On the worker's own machine the operating system knows earlier: each worker holds a
file lock as long as its process exists.

A worker reads from the ledger whether it still owns a trial, under the same lock under which it writes the result. A
worker that was suspended for too long (stopped, swapped out, disconnected) therefore cannot overwrite the result of the
worker that has taken its trial over.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType

from mnistsweep.errors import LeaseLost
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.repeating_thread import RepeatingThread
from mnistsweep.study.coordination import Coordinator
from mnistsweep.study.ownership import Ownership
from mnistsweep.study.worker_names import new_worker_name

LEASE_SECONDS = 15.0
"""Default lease period: maximum time without a heartbeat before other workers may claim a worker's trials."""

HEARTBEATS_PER_LEASE = 5
"""Number of heartbeats in a lease period, so that a slow disk does not cost a worker its trials."""

MAX_HEARTBEAT_SECONDS = 2.0
"""Maximum time between two heartbeats, also with a long lease period: stop requests are read at each heartbeat."""

Monotonic = Callable[[], float]


class Lease:
    """Context manager that writes a worker's heartbeats on a thread of its own.

    Args:
        paths: Paths of the sweep's files.
        coordinator: Storage of the heartbeats.
        seconds: Lease period in seconds.
        monotonic: Monotonic clock in seconds.

    Attributes:
        owner: Name of the worker in the ledger.
        coordinator: Storage of the heartbeats.
        seconds: Lease period in seconds.
        monotonic: Monotonic clock in seconds.
        had_late_heartbeat: Whether a heartbeat came so late that other workers may have claimed this worker's trial.
            Stays True until the owner was read from the ledger (`verified`).
        on_heartbeat: Function called after each heartbeat, on the heartbeat thread. It must be fast; its errors are
            ignored.
    """

    def __init__(
        self,
        paths: SweepPaths,
        coordinator: Coordinator,
        seconds: float = LEASE_SECONDS,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self.owner = new_worker_name()
        self.coordinator = coordinator
        self.seconds = seconds
        self.monotonic = monotonic
        self.had_late_heartbeat = False
        self.on_heartbeat: Callable[[], None] = lambda: None
        self._lock_path = paths.worker_lock(self.owner)
        self._lock = contextlib.ExitStack()
        self._count = 0
        self._is_stopping = False
        self._has_exited = False
        self._writing = threading.Lock()
        self._last_heartbeat = monotonic()
        interval = min(seconds / HEARTBEATS_PER_LEASE, MAX_HEARTBEAT_SECONDS)
        self._thread = RepeatingThread("lease", interval, self._try_heartbeat)

    def __enter__(self) -> Lease:
        self._lock.enter_context(exclusive_lock(self._lock_path))
        self.write_heartbeat()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.stop()
        self.remove_traces()
        self._lock.close()

    def write_heartbeat(self) -> None:
        """Write one heartbeat: the number of heartbeats so far, negated once the worker has been asked to stop."""
        with self._writing:
            if self._has_exited:
                return
            # The time is read before the write: observers see the heartbeat later, and so wait longer than this worker.
            now = self.monotonic()
            self._count += 1
            self.coordinator.write_heartbeat(self.owner, -self._count if self._is_stopping else self._count)
            self.had_late_heartbeat = self.had_late_heartbeat or now - self._last_heartbeat > self.seconds
            self._last_heartbeat = now

    def announce_stop(self) -> None:
        """Mark this and all later heartbeats: the worker was asked to stop.

        The end of its process then does not count as a crash, whatever ends it (see `HeartbeatMonitor.has_crashed`).
        """
        self._is_stopping = True
        self.write_heartbeat()

    def remove_traces(self) -> None:
        """Remove the heartbeat and the lock file, as a worker does that exits normally; no heartbeat follows."""
        with self._writing:
            self._has_exited = True
            with contextlib.suppress(Exception):  # a heartbeat that stays counts as that of a crashed worker
                self.coordinator.remove_heartbeat(self.owner)
            self._lock_path.unlink(missing_ok=True)

    def verified(self, ownership: Ownership | None, number: int) -> Ownership:
        """Return the ownership of a trial if this worker owns it, as the ledger has it now.

        Args:
            ownership: Ownership in the ledger; None if the trial has ended.
            number: Number of the trial.

        Raises:
            LeaseLost: Another worker owns the trial, or it has ended.
        """
        if ownership is None:
            raise LeaseLost(f"trial {number} has ended already")
        if ownership.owner != self.owner:
            owner = f"worker {ownership.owner}" if ownership.owner else "no worker"
            lapse = f"{self.seconds:g} s"
            raise LeaseLost(f"trial {number} belongs to {owner}: this worker wrote no heartbeat for {lapse}")
        self.had_late_heartbeat = False
        return ownership

    @property
    def has_expired(self) -> bool:
        """Whether other workers may have claimed this worker's trial: the last heartbeat is old, or one was late."""
        return self.had_late_heartbeat or self.monotonic() - self._last_heartbeat > self.seconds

    def _try_heartbeat(self) -> None:
        for function in (self.write_heartbeat, self.on_heartbeat):
            with contextlib.suppress(Exception):  # a disk or database that recovers within the lease costs nothing
                function()
