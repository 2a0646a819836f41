"""Where a ledger is kept: the sweep's journal file, or a database."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import re
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, get_storage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths

EXAMPLES = "sqlite:////data/sweep.db or postgresql+psycopg://user@host/database"

# A database that does not answer within so many seconds is an error; one that is locked is waited for.
CONNECT_SECONDS = 10
LOCKED_SECONDS = 60


class JournalFile(JournalFileBackend):
    """Optuna's journal file, which waits for the disk only where a trial ends.

    A process that is killed loses nothing that it wrote, with or without waiting. Should the whole machine fail, the
    last reports of running trials may be gone, and those trials run again; a finished trial stays finished. Waiting
    takes milliseconds, and a trial reports after every epoch.

    Writers take turns by a lock on the file itself. Optuna's own lock is a link beside it: after a kill at the wrong
    moment all others wait for half a minute.

    Args:
        path: Of the journal; made if need be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(str(path))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write entries at the end; what does not fit on the disk is taken back."""
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with self._path.open("ab", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # given back with the file, or by the death of the process
            self._write(file, text.encode("utf-8"))
            if any("state" in log and TrialState(log["state"]).is_finished() for log in logs):
                os.fsync(file.fileno())

    def _write(self, file: FileIO, data: bytes) -> None:
        size = file.seek(0, os.SEEK_END)
        try:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        except OSError:
            file.truncate(size)  # half an entry would damage the next one
            raise


def open_storage(paths: SweepPaths, storage: str | None) -> BaseStorage:
    """The store of a ledger.

    Args:
        paths: The sweep's files.
        storage: A database URL; None for the sweep's journal file.

    Raises:
        StudyError: The URL cannot be used, the database does not answer, or the file is none of Optuna's journals.
    """
    optuna.logging.set_verbosity(logging.WARNING)
    with explained(paths, storage):
        if storage is None:
            return JournalStorage(JournalFile(paths.journal))
        return get_storage(RDBStorage(storage, _connection(storage)))


def store_name(paths: SweepPaths, storage: str | None) -> str:
    """Where a ledger is, to be shown: a URL without its password.

    Example:
        >>> store_name(SweepPaths(Path("logs/x")), "postgresql+psycopg://me:secret@host/db")
        'postgresql+psycopg://me:***@host/db'
    """
    return str(paths.journal) if storage is None else _without_password(storage)


@contextlib.contextmanager
def explained(paths: SweepPaths, storage: str | None) -> Iterator[None]:
    """Turn what a store raises when it cannot be used into a `StudyError`."""
    where = store_name(paths, storage)
    try:
        yield
    except ImportError as error:
        driver = getattr(error.__cause__, "name", None) or error.name or error
        remedy = "postgresql+psycopg://... with pip install 'mnistsweep[postgresql]' has one"
        raise StudyError(f"storage: {where} needs a driver that is not installed ({driver}); {remedy}.") from error
    except Exception as error:
        if not _is_about_storage(error):
            raise
        reason = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None) or error
        first = (str(reason).splitlines() or [type(reason).__name__])[0]
        raise StudyError(f"storage: the ledger {where} cannot be used: {first}") from error


def _connection(storage: str) -> dict[str, Any]:
    """How SQLAlchemy is to connect.

    Raises:
        StudyError: Not the URL of a database that several processes can open.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        url = make_url(storage)
        backend = url.get_backend_name()
        url.get_dialect()
    except ImportError:
        backend = url.get_backend_name()
    except (SQLAlchemyError, ValueError) as error:
        received = _without_password(storage)
        raise StudyError(
            f"storage: no database URL, received {received!r}: {error}; for example {EXAMPLES}."
        ) from error
    if backend != "sqlite":
        return {"pool_pre_ping": True, "connect_args": {"connect_timeout": CONNECT_SECONDS}}
    if url.database in (None, "", ":memory:"):
        raise StudyError(
            f"storage: a database in memory ends with its process, received {storage!r}; write {EXAMPLES}."
        )
    return {"connect_args": {"timeout": LOCKED_SECONDS}}


def _is_about_storage(error: Exception) -> bool:
    """Whether an error comes from the store; SQLAlchemy's are known by name, since importing it takes a while."""
    known = (OSError, ValueError, KeyError, optuna.exceptions.StorageInternalError)
    return isinstance(error, known) or any(kind.__module__.startswith("sqlalchemy") for kind in type(error).__mro__)


def _without_password(url: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", url)
