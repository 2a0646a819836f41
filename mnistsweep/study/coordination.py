"""Where the workers of a sweep take turns and leave signs of life: its folder, or the database of its ledger.

A coordinator only keeps what it is given. What a sign of life means is decided in `leases`.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths


class Coordinator(ABC):
    """Of one sweep; all its workers use the same."""

    @abstractmethod
    def exclusive(self) -> AbstractContextManager[None]:
        """The turn to change the ledger: one worker of the sweep has it at a time, a dead one does not keep it."""

    @abstractmethod
    def write_heartbeat(self, owner: str, count: int) -> None:
        """Leave a sign of life.

        Args:
            owner: The worker's name.
            count: A number that it has not left before. Never a time: clocks of different hosts differ.
        """

    @abstractmethod
    def read_heartbeat(self, owner: str) -> int | None:
        """The last sign that a worker left; None where there is none. Changes nothing: anybody may ask."""

    @abstractmethod
    def remove_heartbeat(self, owner: str) -> None:
        """Remove what a worker left, if there is anything."""


class FolderCoordinator(Coordinator):
    """In the sweep's folder, on a local disk or a shared network file system.

    Args:
        paths: The sweep's files; ``workers/`` exists.
    """

    def __init__(self, paths: SweepPaths) -> None:
        self._paths = paths

    def exclusive(self) -> AbstractContextManager[None]:
        """See `Coordinator.exclusive`."""
        return exclusive_lock(self._paths.ledger_lock)

    def write_heartbeat(self, owner: str, count: int) -> None:
        """See `Coordinator.write_heartbeat`; in place and of one length, so that a reader never finds half of it."""
        file = os.open(self._paths.worker_heartbeat(owner), os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(file, b"%020d\n" % count, 0)
        finally:
            os.close(file)  # a network file system shows it to others from here on

    def read_heartbeat(self, owner: str) -> int | None:
        """See `Coordinator.read_heartbeat`."""
        try:
            return int(self._paths.worker_heartbeat(owner).read_bytes() or 0)
        except FileNotFoundError:
            return None

    def remove_heartbeat(self, owner: str) -> None:
        """See `Coordinator.remove_heartbeat`."""
        self._paths.worker_heartbeat(owner).unlink(missing_ok=True)
