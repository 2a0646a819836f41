"""Connections to a database: checks of its URL, options for SQLAlchemy, and errors of a lost database.

This module imports SQLAlchemy, which is slow; it is imported only where a database is used.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import SQLAlchemyError

from mnistsweep.config.secret_values import VARIABLE
from mnistsweep.errors import LedgerUnreachable, MnistSweepError, StudyError, WriteRefused
from mnistsweep.path_checks import EXISTING_FOLDER, READ_FILE, is_missing, path_fault
from mnistsweep.path_texts import shown
from mnistsweep.redaction import VARIABLE_PREFIX, mask, mask_url

_RESTORE = "No trial counts as failed. Restore the file; then the same command continues."

EXAMPLES = "sqlite:////data/sweep.db or postgresql+psycopg://user@host/database"

# Tested drivers, by kind of database.
DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg"}

# Time without a response after which connecting to a server is an error.
CONNECT_SECONDS = 10

# Time to wait for a locked SQLite database.
LOCKED_SECONDS = 60

# Each side of a PostgreSQL connection drops it when the other side has not responded for 25 seconds.
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
UNANSWERED_MILLISECONDS = 25_000

# Error codes of SQLite and PostgreSQL that no statement causes: database locked or full, disk error, server stopping.
_SQLITE_OUTAGES = ("SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")
_POSTGRESQL_OUTAGES = ("53", "57", "58")
_DISK_FULL = ("SQLITE_FULL", "53100")

# What a PostgreSQL server answers that will not change by waiting.
_REFUSALS = (
    "password", "authentication", "does not exist", "pg_hba.conf", "not permitted", "permission denied", "SSL",
    "parameter",
)  # fmt: skip

PASSWORD_HINT = (
    f"the password is in no file of the sweep: set PGPASSWORD or {VARIABLE_PREFIX}STORAGE, or write it to ~/.pgpass."
)

# What a PostgreSQL server, or its driver, says when it refuses, and what to do; the first that fits counts.
_REMEDIES = (
    ("no password supplied", PASSWORD_HINT),
    ("password authentication failed", PASSWORD_HINT),
    ("pg_hba.conf", "allow this machine and user in the server's pg_hba.conf"),
    ('FATAL:  database "', "create the database (createdb NAME), or name another one"),
    ('FATAL:  role "', "name a user that the server knows"),
    ("permission denied for schema", "let the user create tables: GRANT CREATE ON SCHEMA public TO NAME"),
    ("permission denied for database", "let the user connect: GRANT CONNECT ON DATABASE ... TO NAME"),
    ("permission denied for", "let the user use the tables of the one who created them, or name that user"),
    (
        "too many",
        "each worker needs up to three connections: use fewer workers, or raise max_connections of the server",
    ),
    ("connection slots", "each worker needs up to three connections: use fewer workers, or raise max_connections"),
    ("Connection refused", "start the server, or correct host and port"),
    ("timeout expired", "start the server, or correct host and port"),
    ("No such file or directory", "start the server, or name its host (postgresql+psycopg://user@host/database)"),
    ("failed to resolve host", "correct the host"),
    ('parameter "tcp_user_timeout"', "the server must be PostgreSQL 12 or newer"),
    ("unsupported startup parameter", "name the server itself, not a pool of connections such as PgBouncer"),
)


def engine_options(storage: str) -> dict[str, Any]:
    """Keyword arguments for SQLAlchemy's `create_engine`.

    Options in the URL itself (``?connect_timeout=3``) take precedence.

    Args:
        storage: Database URL.

    Raises:
        StudyError: The URL is not that of a database that several processes can open.
    """
    url = parse_url(storage)
    if url.get_backend_name() == "sqlite":
        _check_file(mask_url(storage), url.database or "")
        return {"connect_args": {"timeout": LOCKED_SECONDS}}
    defaults = {"connect_timeout": CONNECT_SECONDS, **KEEPALIVES, "tcp_user_timeout": UNANSWERED_MILLISECONDS}
    arguments: dict[str, Any] = {name: value for name, value in defaults.items() if name not in url.query}
    return {"pool_pre_ping": True, "connect_args": {**arguments, "options": _server_settings(url)}}


def translate_outages(engine: Engine, storage: str) -> None:
    """Make an engine raise `StudyError` or `WriteRefused` when its database is lost or full.

    No trial has failed then. Optuna would also repeat the creation of a trial, and so create two trials when the first
    one was written and only the response was lost.

    Args:
        engine: Engine to change.
        storage: Database URL.
    """

    def translate(context: ExceptionContext) -> MnistSweepError | None:
        error = context.original_exception
        code = str(getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or "")
        if code in _DISK_FULL:
            return WriteRefused.at(mask_url(storage), errno.ENOSPC)
        is_lost = context.is_disconnect or context.connection is None
        is_outage = is_lost or code.startswith(_SQLITE_OUTAGES) or code[:2] in _POSTGRESQL_OUTAGES
        if context.is_pre_ping or not is_outage:
            return None
        return cannot_be_used(mask_url(storage), error)

    event.listen(engine, "handle_error", translate)


def cannot_be_used(shown: str, error: BaseException) -> StudyError:
    """Error for a ledger that cannot be used, with the first line of the driver's message.

    Args:
        shown: Path or URL of the ledger, without password.
        error: Error of SQLAlchemy, of a driver or of the operating system.
    """
    original = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None) or error
    if getattr(original, "sqlite_errorname", "") == "SQLITE_READONLY_DBMOVED":
        return StudyError(f"storage: {shown} was deleted or moved while this program used it. {_RESTORE}")
    reason = mask((str(original).splitlines() or [type(original).__name__])[0])
    remedy = next((remedy for words, remedy in _REMEDIES if words in reason), None)
    if remedy is not None and type(original).__module__.startswith("psycopg"):
        reason = f"{reason.rstrip()}; {remedy}"
    text = f"storage: the ledger {shown} cannot be used: {reason}"
    return LedgerUnreachable(text) if _may_answer_later(original, reason) else StudyError(text)


def _may_answer_later(error: BaseException, reason: str) -> bool:
    """Whether a PostgreSQL server may answer the same request later: it is stopped, restarts, or has no free place."""
    if not type(error).__module__.startswith("psycopg") or type(error).__name__ in ("DataError", "ProgrammingError"):
        return False
    code = str(getattr(error, "sqlstate", None) or "")
    if code:
        return code[:2] in (*_POSTGRESQL_OUTAGES, "08") and code != "53100"
    return type(error).__name__ == "OperationalError" and not any(words in reason for words in _REFUSALS)


def parse_url(storage: str) -> URL:
    """The parts of a database URL.

    Args:
        storage: Database URL.

    Raises:
        StudyError: It is not the URL of a database that is supported.
    """
    received = mask_url(storage)
    if unset := VARIABLE.search(storage):
        raise StudyError(f"storage: the environment variable {unset[1]} is not set.")
    try:
        url = make_url(storage)
        backend, driver = url.get_backend_name(), url.get_driver_name()
    except (SQLAlchemyError, ValueError, ImportError) as error:
        raise StudyError(
            f"storage: not a valid database URL; received {received!r}: {error}; for example {EXAMPLES}."
        ) from error
    if DRIVERS.get(backend) != driver:
        supported = " and ".join(f"{name}+{best}" for name, best in DRIVERS.items())
        raise StudyError(
            f"storage: {backend}+{driver} is not supported; received {received!r}; supported are {supported}: "
            f"{EXAMPLES}."
        )
    return url


def _check_file(storage: str, file: str) -> None:
    """Check the path in a URL of SQLite: a file, or a new file in an existing folder.

    Args:
        storage: Database URL, without secrets.
        file: Path in it.
    """
    if file in ("", ":memory:"):
        raise StudyError(
            f"storage: a database in memory exists in one process only; received {storage!r}; write {EXAMPLES}."
        )
    if file.startswith("file:"):
        raise StudyError(f"storage: SQLite's URI filenames are not supported; received {storage!r}; write {EXAMPLES}.")
    path = Path(file).absolute()
    is_new = is_missing(path)
    fault = path_fault(path.parent, EXISTING_FOLDER) if is_new else path_fault(path, READ_FILE)
    if fault:
        what = f"its folder {shown(path.parent)}: " if is_new else ""
        raise StudyError(f"storage: the ledger {storage} cannot be used: {what}{fault}")


def _server_settings(url: URL) -> str:
    """Command-line options for the server's side of the connection.

    Only the server can release the locks of a client whose machine has vanished, so it gets the same time limits.
    """
    limits = {f"tcp_{name}": value for name, value in KEEPALIVES.items()}
    limits["tcp_user_timeout"] = UNANSWERED_MILLISECONDS
    options = [f"-c {name}={value}" for name, value in limits.items()]
    in_url = url.query.get("options", ())
    return " ".join([*options, *((in_url,) if isinstance(in_url, str) else in_url)])
