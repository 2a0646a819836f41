"""Coordination of the workers of a sweep: the ledger lock and the heartbeats.

Both are kept in the sweep's folder, or in the database of its ledger. A coordinator only stores heartbeats;
`heartbeat_monitor` decides from them which workers are alive.
"""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager

from mnistsweep.errors import StudyError
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths


class Coordinator(ABC):
    """Ledger lock and heartbeats of one sweep; all its workers use the same kind of coordinator.

    Attributes:
        num_interruptions: Number of times that heartbeats could not be written or read, or only slowly. Other workers
            may have been unable to write theirs then, so their silence means nothing.
    """

    num_interruptions = 0

    @abstractmethod
    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the ledger lock, without which the ledger must not be changed.

        One worker of the sweep holds it at a time; the others wait. It is released when its holder's process dies.
        """

    @abstractmethod
    def write_heartbeat(self, owner: str, count: int) -> None:
        """Replace a worker's last heartbeat.

        Args:
            owner: Name of the worker.
            count: Number that the worker has not written before. It is never a time: clocks of hosts differ.
        """

    @abstractmethod
    def read_heartbeat(self, owner: str) -> int | None:
        """Last heartbeat of a worker; None if there is none. Reading changes nothing, so any process may do it.

        Args:
            owner: Name of the worker.
        """

    def read_heartbeats(self, owners: Collection[str]) -> dict[str, int]:
        """Last heartbeats by worker, without the workers that have none.

        Args:
            owners: Names of the workers.
        """
        found = {owner: self.read_heartbeat(owner) for owner in owners}
        return {owner: heartbeat for owner, heartbeat in found.items() if heartbeat is not None}

    @abstractmethod
    def remove_heartbeat(self, owner: str) -> None:
        """Remove a worker's heartbeat, if there is one.

        Args:
            owner: Name of the worker.
        """


class FolderCoordinator(Coordinator):
    """Ledger lock and heartbeats as files in the sweep's folder, on a local disk or a shared network file system.

    Args:
        paths: Paths of the sweep's files; the folder ``workers/`` must exist.
    """

    def __init__(self, paths: SweepPaths) -> None:
        self._paths = paths

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """See `Coordinator.exclusive`.

        Raises:
            StudyError: The folder ``workers/`` is missing.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(exclusive_lock(self._paths.ledger_lock))
            except (FileNotFoundError, NotADirectoryError) as error:
                raise StudyError(
                    f"{self._paths.workers} was deleted or moved, so the ledger cannot be used."
                ) from error
            yield

    def write_heartbeat(self, owner: str, count: int) -> None:
        """See `Coordinator.write_heartbeat`. The file is overwritten in place with a text of constant length.

        A reader therefore never finds a partial number.
        """
        file = os.open(self._paths.worker_heartbeat(owner), os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(file, b"%020d\n" % count, 0)
        finally:
            os.close(file)  # a network file system makes the content visible to other hosts when the file is closed

    def read_heartbeat(self, owner: str) -> int | None:
        """See `Coordinator.read_heartbeat`."""
        try:
            return int(self._paths.worker_heartbeat(owner).read_bytes() or 0)
        except FileNotFoundError:
            return None

    def remove_heartbeat(self, owner: str) -> None:
        """See `Coordinator.remove_heartbeat`."""
        self._paths.worker_heartbeat(owner).unlink(missing_ok=True)
