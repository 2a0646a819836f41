"""Observation of other workers' heartbeats: which workers are alive, and which have crashed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable

from mnistsweep.paths import SweepPaths
from mnistsweep.study.coordination import Coordinator
from mnistsweep.study.leases import LEASE_SECONDS, Monotonic
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.worker_names import local_process_exists

OBSERVATION_SECONDS = 0.1
"""Time between two observations of heartbeats that should change."""


class HeartbeatMonitor:
    """One observer's knowledge of the workers of a sweep.

    Args:
        paths: Paths of the sweep's files.
        coordinator: Storage of the heartbeats.
        seconds: Lease period in seconds: a worker without a new heartbeat for this time is not alive.
        monotonic: Monotonic clock of the observer, in seconds.
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
        # Last heartbeat of each worker, and when it was first observed.
        self._seen: dict[str, tuple[int | None, float]] = {}
        self._num_interruptions = coordinator.num_interruptions

    def is_alive(self, owner: str) -> bool:
        """Whether a worker may still run the trials that it owns.

        A worker on another host counts as alive at the first observation. Nothing but this object is changed.

        Args:
            owner: Name of the worker; the empty name stands for no worker, which is never alive.
        """
        return bool(self.alive_among([owner]))

    def alive_among(self, owners: Iterable[str]) -> set[str]:
        """Names of the workers that may still run the trials that they own, see `is_alive`; one reading for all.

        Args:
            owners: Names of workers; the empty name stands for no worker.
        """
        named = {owner for owner in owners if owner}
        heartbeats, now = self._coordinator.read_heartbeats(named), self._monotonic()
        if self._coordinator.num_interruptions != self._num_interruptions:  # the time before does not count
            self._num_interruptions = self._coordinator.num_interruptions
            self._seen = {owner: (heartbeat, now) for owner, (heartbeat, _) in self._seen.items()}
        return {owner for owner in named if self._is_alive(owner, heartbeats.get(owner), now)}

    def _is_alive(self, owner: str, heartbeat: int | None, now: float) -> bool:
        if local_process_exists(self._paths, owner, heartbeat) is False:
            return False
        if owner not in self._seen or self._seen[owner][0] != heartbeat:
            self._seen[owner] = (heartbeat, now)
        return now - self._seen[owner][1] <= self._seconds

    def alive_workers(self, owners: Iterable[str]) -> list[str]:
        """Names of the workers of a sweep that may still run, sorted; a worker may be between two trials.

        Args:
            owners: Names of the workers that own running trials.
        """
        return sorted(self.alive_among({*owners, *self._paths.owners}))

    def observed_workers(
        self, owners: Iterable[str], max_seconds: float = math.inf, wait: Callable[[float], None] = time.sleep
    ) -> list[str]:
        """Names of the workers that run, sorted: a worker on another host counts once its heartbeat has changed.

        This takes at most a lease period, and no time if all workers are on this machine.

        Args:
            owners: Names of the workers that own running trials.
            max_seconds: Maximum time in seconds, after which a worker on another host does not count.
            wait: Function that sleeps for the given number of seconds.
        """
        alive = set(self.alive_workers(owners))
        unsure = {owner: self._seen[owner][0] for owner in alive if not self._exists_here(owner)}
        start = self._monotonic()
        while unsure and self._monotonic() - start < max_seconds:
            wait(OBSERVATION_SECONDS)
            for owner, first in list(unsure.items()):
                has_exited = not self.is_alive(owner) or self._seen[owner][0] is None
                if has_exited or self._seen[owner][0] != first:
                    del unsure[owner]
                if has_exited:
                    alive.discard(owner)
        return sorted(alive - unsure.keys())

    def _exists_here(self, owner: str) -> bool:
        return local_process_exists(self._paths, owner, self._seen[owner][0]) is True

    def has_crashed(self, owner: str) -> bool:
        """Whether a worker that is not alive has crashed, and not exited normally.

        A worker that exits normally removes its heartbeat. A worker that was asked to stop negates its heartbeats, so
        that its process may be killed afterwards. A process on this machine that exists has not crashed; it may be
        suspended (SIGSTOP).

        Args:
            owner: Name of a worker that is not alive; may be empty.
        """
        if not owner:
            return False
        heartbeat = self._coordinator.read_heartbeat(owner)
        if heartbeat is None or heartbeat < 0:
            return False
        return local_process_exists(self._paths, owner, heartbeat) is not True

    def clean_up_after(self, owner: str) -> None:
        """Remove the heartbeat and the lock file of a worker that is not alive.

        Args:
            owner: Name of the worker; may be empty.
        """
        if not owner:
            return
        is_suspended = local_process_exists(self._paths, owner, None)  # a suspended process still holds its lock
        self._coordinator.remove_heartbeat(owner)
        if not is_suspended:
            self._paths.worker_lock(owner).unlink(missing_ok=True)
        self._seen.pop(owner, None)


def open_monitor(paths: SweepPaths, storage: str | None, seconds: float = LEASE_SECONDS) -> HeartbeatMonitor:
    """Monitor of the workers of a sweep, for a process that is no worker.

    Args:
        paths: Paths of the sweep's files.
        storage: URL of the database of the ledger; None: a journal file in the sweep's folder.
        seconds: Lease period in seconds.

    Raises:
        StudyError: The database cannot be reached.
    """
    return HeartbeatMonitor(paths, open_coordinator(paths, storage), seconds)
