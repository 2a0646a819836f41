"""A database as one process uses it: its connections, and the transaction that holds the ledger lock.

In PostgreSQL the lock belongs to a transaction. What the thread that holds it reads and writes meanwhile belongs to the
same transaction: it is kept as a whole when the lock is released, and discarded as a whole when the connection, and
with it the lock, is lost before. All else is written at once, each statement by itself.

This module imports SQLAlchemy, which is slow; it is imported only where a database is used.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakValueDictionary

from sqlalchemy import Connection, create_engine

from mnistsweep.study.storage.connections import engine_options, parse_url, translate_outages
from mnistsweep.study.storage.database_locks import locked_transaction, named_lock

# Databases in use, by process, URL and file: the lock and the ledger of a sweep share the connections.
_open: WeakValueDictionary[tuple[int, str, tuple[int, int]], Database] = WeakValueDictionary()
_opening = threading.Lock()


class Database:
    """The connections of this process to one database; use `open_database` to make one.

    Args:
        storage: Database URL.

    Attributes:
        engine: Engine of SQLAlchemy, which raises `StudyError` or `WriteRefused` when the database is lost or full.

    Raises:
        StudyError: The URL is not that of a database that several processes can open.
    """

    def __init__(self, storage: str) -> None:
        self.engine = create_engine(storage, **engine_options(storage))
        translate_outages(self.engine, storage)
        self._thread = threading.local()

    @property
    def locked(self) -> Connection | None:
        """Connection of the transaction in which this thread holds a lock; None in SQLite, and without a lock."""
        found: Connection | None = getattr(self._thread, "locked", None)
        return found

    @contextlib.contextmanager
    def exclusive(self, name: str) -> Iterator[None]:
        """Hold a lock of the database, see `database_locks`. In PostgreSQL an error discards all that was written.

        Args:
            name: Name of the lock.

        Raises:
            SQLAlchemyError: There is no connection, or it was lost before the end; nothing is written then.
        """
        if self.engine.dialect.name == "sqlite":
            with named_lock(self.engine, name):
                yield
            return
        with locked_transaction(self.engine, name) as connection:
            outer, self._thread.locked = self.locked, connection
            try:
                yield
            finally:
                self._thread.locked = outer

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """Connection for one statement: that of the lock, or one that writes at once."""
        if self.locked is not None:
            yield self.locked
            return
        with self.separate_connection() as connection:
            yield connection

    @contextlib.contextmanager
    def separate_connection(self) -> Iterator[Connection]:
        """Connection for one statement, which is written at once also while this thread holds a lock."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Connection for statements that are written together: that of the lock, or a transaction of its own."""
        if self.locked is not None:
            yield self.locked
            return
        with self.engine.begin() as connection:
            yield connection


def open_database(storage: str) -> Database:
    """The database of a URL; the same object while one is in use in this process, and its file is the same.

    Args:
        storage: Database URL.

    Raises:
        StudyError: The URL is not that of a database that several processes can open. It is not connected yet.
    """
    key = os.getpid(), storage, _file_identity(storage)
    with _opening:
        found = _open.get(key)
        if found is None:
            found = _open[key] = Database(storage)
        return found


def _file_identity(storage: str) -> tuple[int, int]:
    """Device and number of the file of an SQLite database: connections to a file that was removed would stay usable."""
    url = parse_url(storage)
    if url.get_backend_name() == "sqlite":
        with contextlib.suppress(OSError):  # it is missing, or not in use yet
            found = Path(url.database or "").stat()
            return found.st_dev, found.st_ino
    return 0, 0
