"""How a database is reached: its URL, judged and shown, and how SQLAlchemy is to connect.

Imports SQLAlchemy, which takes a while: imported itself where a database is used, and nowhere else.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import SQLAlchemyError

from mnistsweep.errors import DiskFull, MnistSweepError, StudyError

EXAMPLES = "sqlite:////data/sweep.db or postgresql+psycopg://user@host/database"

# What has been tried.
DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg"}

# A database that does not answer within so many seconds is an error; one that is locked is waited for.
CONNECT_SECONDS = 10
LOCKED_SECONDS = 60

# Either side of a PostgreSQL connection gives up the other, once that has not answered for 25 seconds.
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
UNANSWERED_MILLISECONDS = 25_000

# What SQLite and PostgreSQL say where no statement is at fault: locked or full, a disk that fails, a server that stops.
_SQLITE_OUTAGES = ("SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")
_POSTGRESQL_OUTAGES = ("53", "57", "58")
_FULL = ("SQLITE_FULL", "53100")


def engine_options(storage: str) -> dict[str, Any]:
    """How SQLAlchemy is to connect: the keyword arguments of its `create_engine`.

    What the URL itself says of a connection (``?connect_timeout=3``) stays.

    Raises:
        StudyError: Not the URL of a database that several processes can open.
    """
    url = _parse(storage)
    if url.get_backend_name() == "sqlite":
        _check_file(storage, url.database or "")
        return {"connect_args": {"timeout": LOCKED_SECONDS}}
    ours = {"connect_timeout": CONNECT_SECONDS, **KEEPALIVES, "tcp_user_timeout": UNANSWERED_MILLISECONDS}
    arguments: dict[str, Any] = {name: value for name, value in ours.items() if name not in url.query}
    return {"pool_pre_ping": True, "connect_args": {**arguments, "options": _server_settings(url)}}


def translate_outages(engine: Engine, storage: str) -> None:
    """Have an engine raise our errors where its database is lost: that is no fault of who asks, least of all a trial's.

    Optuna would try again to begin a trial, and so begin two where the first was written and only the answer was lost.

    Args:
        engine: Raises `StudyError` from here on where the database cannot be reached or used, `DiskFull` where it is
            full.
        storage: The database's URL.
    """

    def explain(context: ExceptionContext) -> MnistSweepError | None:
        error = context.original_exception
        code = str(getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or "")
        if code in _FULL:
            return DiskFull.at(without_password(storage), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        lost = context.is_disconnect or context.connection is None
        if context.is_pre_ping or not (lost or code.startswith(_SQLITE_OUTAGES) or code[:2] in _POSTGRESQL_OUTAGES):
            return None
        return StudyError(f"storage: the ledger {without_password(storage)} cannot be used: {reason(error)}")

    event.listen(engine, "handle_error", explain)


def reason(error: BaseException) -> str:
    """What a database's driver said, in one line."""
    told = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None) or error
    return (str(told).splitlines() or [type(told).__name__])[0]


def without_password(url: str) -> str:
    """A URL to be shown.

    Example:
        >>> without_password("postgresql+psycopg://me:secret@host/db?password=secret")
        'postgresql+psycopg://me:***@host/db?password=***'
    """
    return re.sub(r"(://[^:/@]*:)[^@]*@", r"\1***@", re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1***", url))


def _parse(storage: str) -> URL:
    try:
        url = make_url(storage)
        backend, driver = url.get_backend_name(), url.get_driver_name()
    except (SQLAlchemyError, ValueError, ImportError) as error:
        received = without_password(storage)
        raise StudyError(
            f"storage: no database URL, received {received!r}: {error}; for example {EXAMPLES}."
        ) from error
    if DRIVERS.get(backend) != driver:
        known = " and ".join(f"{name}+{best}" for name, best in DRIVERS.items())
        raise StudyError(
            f"storage: a ledger cannot be kept in {backend}+{driver}, received {without_password(storage)!r}; "
            f"what works is {known}: {EXAMPLES}."
        )
    return url


def _check_file(storage: str, file: str) -> None:
    if file in ("", ":memory:"):
        raise StudyError(
            f"storage: a database in memory ends with its process, received {storage!r}; write {EXAMPLES}."
        )
    if file.startswith("file:"):
        raise StudyError(
            f"storage: SQLite's own kind of URL is not understood, received {storage!r}; write {EXAMPLES}."
        )
    folder = Path(file).absolute().parent
    wrong = "that is a folder" if Path(file).is_dir() else None if folder.is_dir() else f"there is no folder {folder}"
    if wrong:
        raise StudyError(f"storage: the ledger {storage} cannot be used: {wrong}")


def _server_settings(url: URL) -> str:
    """The server's own patience: what a machine that vanished holds in the database, the server alone can give back."""
    patience = {f"tcp_{name}": value for name, value in KEEPALIVES.items()}
    patience["tcp_user_timeout"] = UNANSWERED_MILLISECONDS
    ours = [f"-c {name}={value}" for name, value in patience.items()]
    theirs = url.query.get("options", ())
    return " ".join([*ours, *((theirs,) if isinstance(theirs, str) else theirs)])
