"""Locks between the processes that use a database.

This module imports SQLAlchemy, which is slow; it is imported only where a database is used.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import BigInteger, Connection, Engine, func, literal, select

from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import database_lock_file

TABLES_LOCK = "tables"
"""Name of the lock that is held while tables are created."""


@contextlib.contextmanager
def named_lock(engine: Engine, name: str) -> Iterator[None]:
    """Hold a lock of a database, which one process holds at a time; the others wait.

    In SQLite it is a lock on a file beside the database: a lock in the database would also block the other connections
    of this process. In PostgreSQL it is an advisory lock that ends with its transaction.

    Args:
        engine: Engine of the database.
        name: Name of the lock; locks of different names do not block each other.

    Raises:
        SQLAlchemyError: There is no connection, or the connection and its lock were lost before the end.
    """
    if engine.dialect.name == "sqlite":
        file = database_lock_file(Path(engine.url.database or "").resolve(), _number(name))
        with exclusive_lock(file):
            yield
        return
    with locked_transaction(engine, name):
        yield


@contextlib.contextmanager
def locked_transaction(engine: Engine, name: str) -> Iterator[Connection]:
    """Hold a lock of a PostgreSQL database in a transaction, which is committed at the end, or rolled back by an error.

    Args:
        engine: Engine of the database.
        name: Name of the lock.

    Raises:
        SQLAlchemyError: There is no connection, or the connection and its lock were lost before the end.
    """
    with engine.connect() as connection:
        key = _number(name) - 2**63  # the numbers of PostgreSQL's locks are signed
        connection.execute(select(func.pg_advisory_xact_lock(literal(key, BigInteger))))
        try:
            yield connection
        except BaseException:
            connection.invalidate()  # closes the connection; this cannot fail and hide the exception
            raise
        connection.commit()


def _number(name: str) -> int:
    """Number of 64 bits that is the same for a name in every process."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
