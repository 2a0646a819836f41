"""Coordination of workers in the database of the ledger: SQLite on one machine, PostgreSQL on any number.

The workers need no shared folder for it. But a trial that is taken over resumes after its last epoch only if they have
one, because the resume file is in the sweep's folder.

This module imports SQLAlchemy, which is slow; it is imported only where a database is used.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Table,
    Text,
    inspect,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from mnistsweep.redaction import mask_url
from mnistsweep.study.coordination import Coordinator
from mnistsweep.study.storage.connections import cannot_be_used
from mnistsweep.study.storage.database import open_database
from mnistsweep.study.storage.database_locks import TABLES_LOCK, named_lock
from mnistsweep.study.storage.trial_writes import replacing

SLOW_SECONDS = 5.0
"""Time after which the database was interrupted, though it has answered: a server may be suspended, or overloaded."""

# Last heartbeat of each worker of each sweep.
_HEARTBEATS = Table(
    "mnistsweep_workers",
    MetaData(),
    Column("study", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("beat", BigInteger, nullable=False),
)


class DatabaseCoordinator(Coordinator):
    """Ledger lock and heartbeats in the database of the ledger.

    In PostgreSQL a connection holds the ledger lock. When the worker's process ends, the server releases the lock at
    once. When the worker's machine vanishes, the server releases the lock after 25 seconds without a response; until
    then the other workers wait, as they do for a suspended worker. If the machine returns while it holds the lock, the
    worker gets a `StudyError` when it releases the lock. Workers that wait for a server that has vanished give up after
    the same time.

    A connection that was lost between two uses (a restart of the server) is opened again.

    Args:
        sweep: Name of the sweep in the ledger.
        storage: Database URL.

    Raises:
        StudyError: The URL is not that of a database that several processes can open. Each method: the database cannot
            be used.
    """

    def __init__(self, sweep: str, storage: str) -> None:
        self._sweep = sweep
        self._database = open_database(storage)
        self._shown = mask_url(storage)
        self._has_table = False

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """See `Coordinator.exclusive`."""
        with contextlib.ExitStack() as stack:
            with _translate_database_errors(self._shown):
                stack.enter_context(self._database.exclusive(f"ledger of {self._sweep}"))
            yield
            with _translate_database_errors(self._shown):
                stack.close()

    def write_heartbeat(self, owner: str, count: int) -> None:
        """See `Coordinator.write_heartbeat`. It is written at once, also under the ledger lock."""
        with self._noting_interruptions():
            self._create_table()
            row = {"study": self._sweep, "owner": owner, "beat": count}
            with self._database.separate_connection() as connection:
                connection.execute(replacing(connection.dialect.name, _HEARTBEATS, ("study", "owner"), ("beat",)), row)

    def read_heartbeat(self, owner: str) -> int | None:
        """See `Coordinator.read_heartbeat`."""
        return self.read_heartbeats([owner]).get(owner)

    def read_heartbeats(self, owners: Collection[str]) -> dict[str, int]:
        """See `Coordinator.read_heartbeats`."""
        with self._noting_interruptions(), self._database.connection() as connection:
            if not owners or not self._table_exists(connection):
                return {}
            known = _HEARTBEATS.c.study == self._sweep, _HEARTBEATS.c.owner.in_(owners)
            rows = connection.execute(select(_HEARTBEATS.c.owner, _HEARTBEATS.c.beat).where(*known))
            return {row.owner: row.beat for row in rows}

    def remove_heartbeat(self, owner: str) -> None:
        """See `Coordinator.remove_heartbeat`. It is removed at once, also under the ledger lock."""
        with _translate_database_errors(self._shown), self._database.separate_connection() as connection:
            if self._table_exists(connection):
                connection.execute(_HEARTBEATS.delete().where(*self._is_row_of(owner)))

    @contextlib.contextmanager
    def _noting_interruptions(self) -> Iterator[None]:
        start = time.monotonic()
        try:
            with _translate_database_errors(self._shown):
                yield
        except BaseException:
            self.num_interruptions += 1
            raise
        self.num_interruptions += time.monotonic() - start > SLOW_SECONDS

    def _is_row_of(self, owner: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return _HEARTBEATS.c.study == self._sweep, _HEARTBEATS.c.owner == owner

    def _create_table(self) -> None:
        if not self._has_table:
            with named_lock(self._database.engine, TABLES_LOCK):
                _HEARTBEATS.metadata.create_all(self._database.engine)
            self._has_table = True

    def _table_exists(self, connection: Connection) -> bool:
        self._has_table = self._has_table or inspect(connection).has_table(_HEARTBEATS.name)
        return self._has_table


@contextlib.contextmanager
def _translate_database_errors(shown: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise cannot_be_used(shown, error) from error
