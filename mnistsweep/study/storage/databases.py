"""Databases as the place where workers meet: SQLite on one machine, PostgreSQL from anywhere.

Workers need share no folder to meet here; but a trial that is taken over goes on from its resume point only where they
do.

Imports SQLAlchemy, which takes a while: imported itself where a database is used, and nowhere else.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    Table,
    Text,
    create_engine,
    func,
    inspect,
    literal,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from mnistsweep.errors import StudyError
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import database_lock_file
from mnistsweep.study.coordination import Coordinator
from mnistsweep.study.storage.connections import engine_options, reason, without_password

TABLES = "tables"
"""Names the `named_lock` in which tables are made."""

# What each worker left last: a row a worker, and a sweep's rows by its name.
WORKERS = Table(
    "mnistsweep_workers",
    MetaData(),
    Column("study", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("beat", BigInteger, nullable=False),
)


def is_prepared(engine: Engine) -> bool:
    """Whether a database holds Optuna's tables, all of them. Changes nothing; makes no file."""
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
        return False
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").first() is not None  # written last


@contextlib.contextmanager
def named_lock(engine: Engine, what: str) -> Iterator[None]:
    """Do something that one process at a time may do in a database.

    In SQLite a file lock beside the database: a lock in it would keep out this process's own other connections, too. In
    PostgreSQL an advisory lock that ends with its transaction, on a connection that does nothing else meanwhile.

    Args:
        engine: Of the database.
        what: Names what is done; different names do not wait for one another.

    Raises:
        SQLAlchemyError: There is no connection, or it was lost, and the turn with it, before the end.
    """
    if engine.dialect.name == "sqlite":
        with exclusive_lock(database_lock_file(Path(engine.url.database or "").resolve(), _number(what))):
            yield
        return
    with engine.connect() as connection:
        key = _number(what) - 2**63  # PostgreSQL's are signed
        connection.execute(select(func.pg_advisory_xact_lock(literal(key, BigInteger))))
        try:
            yield
        except BaseException:
            connection.invalidate()  # closes it, which cannot fail and hide what happened
            raise
        connection.commit()


class DatabaseCoordinator(Coordinator):
    """In the database of the ledger.

    A turn in PostgreSQL belongs to a connection. When its worker's process ends, however it ends, the server gives the
    turn back at once. When the worker's machine vanishes without a word, the server does so once nothing has come from
    there for 25 seconds; until then the others wait, as they do for a worker that is only stopped. Should the machine
    come back later, in the middle of its turn, the worker gets a `StudyError` where the turn ends. Workers that wait
    for a server that vanished give up in the same time.

    A connection that was lost between two uses (a restart of the server) is made anew.

    Args:
        sweep: The sweep's name, by which the ledger knows it.
        storage: The database's URL.

    Raises:
        StudyError: Not the URL of a database that several processes can open. Each method: the database cannot be used.
    """

    def __init__(self, sweep: str, storage: str) -> None:
        self._sweep = sweep
        self._engine = create_engine(storage, **engine_options(storage))
        self._shown = without_password(storage)
        self._has_table = False

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """See `Coordinator.exclusive`."""
        with contextlib.ExitStack() as stack:
            with _translate_database_errors(self._shown):
                stack.enter_context(named_lock(self._engine, f"ledger of {self._sweep}"))
            yield
            with _translate_database_errors(self._shown):
                stack.close()

    def write_heartbeat(self, owner: str, count: int) -> None:
        """See `Coordinator.write_heartbeat`."""
        with _translate_database_errors(self._shown):
            if not self._has_table:
                with named_lock(self._engine, TABLES):
                    WORKERS.metadata.create_all(self._engine)
                self._has_table = True
            with self._engine.begin() as connection:
                if not connection.execute(WORKERS.update().where(*self._of(owner)).values(beat=count)).rowcount:
                    connection.execute(WORKERS.insert().values(study=self._sweep, owner=owner, beat=count))

    def read_heartbeat(self, owner: str) -> int | None:
        """See `Coordinator.read_heartbeat`."""
        with _translate_database_errors(self._shown), self._engine.connect() as connection:
            if not self._table_is_there(connection):
                return None
            return connection.execute(select(WORKERS.c.beat).where(*self._of(owner))).scalar()

    def remove_heartbeat(self, owner: str) -> None:
        """See `Coordinator.remove_heartbeat`."""
        with _translate_database_errors(self._shown), self._engine.begin() as connection:
            if self._table_is_there(connection):
                connection.execute(WORKERS.delete().where(*self._of(owner)))

    def _of(self, owner: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return WORKERS.c.study == self._sweep, WORKERS.c.owner == owner

    def _table_is_there(self, connection: Connection) -> bool:
        self._has_table = self._has_table or inspect(connection).has_table(WORKERS.name)
        return self._has_table


@contextlib.contextmanager
def _translate_database_errors(shown: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise StudyError(f"storage: the ledger {shown} cannot be used: {reason(error)}") from error


def _number(what: str) -> int:
    """From a name, the same everywhere: 64 bits."""
    return int.from_bytes(hashlib.sha256(what.encode()).digest()[:8])
