"""The storage of a ledger, which is the sweep's journal file or a database."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from mnistsweep.errors import LedgerMissing, StudyError
from mnistsweep.path_checks import READ_FILE, is_missing, path_fault
from mnistsweep.paths import SweepPaths
from mnistsweep.redaction import mask_url
from mnistsweep.study.coordination import Coordinator, FolderCoordinator
from mnistsweep.study.storage.journal import Journal


def open_storage(paths: SweepPaths, storage: str | None, create: bool = False) -> BaseStorage:
    """Open the Optuna storage of a ledger.

    Args:
        paths: Paths of the sweep's files.
        storage: Database URL; None for the journal file in the sweep's folder.
        create: Whether to create the tables in a database that has none. Several processes may do so at once.

    Raises:
        StudyError: The URL cannot be used, the database does not respond or is empty, or the file is not a journal.
    """
    optuna.logging.set_verbosity(logging.WARNING)
    if storage is None and not is_missing(paths.journal) and (fault := path_fault(paths.journal, READ_FILE)):
        raise StudyError(f"storage: the ledger {paths.journal} cannot be used: {fault}")
    with translate_storage_errors(paths, storage):
        return Journal(paths.journal) if storage is None else _open_database(paths, storage, create)


def open_coordinator(paths: SweepPaths, storage: str | None) -> Coordinator:
    """Open the ledger lock and the heartbeats of a sweep, which are stored beside its ledger.

    Args:
        paths: Paths of the sweep's files; the folder ``workers/`` must exist.
        storage: Database URL; None for the sweep's folder.

    Raises:
        StudyError: The URL cannot be used. The database is not connected yet.
    """
    if storage is None:
        return FolderCoordinator(paths)
    with translate_storage_errors(paths, storage):
        from mnistsweep.study.storage.database_coordinator import DatabaseCoordinator

        return DatabaseCoordinator(paths.name, storage)


def flush(storage: BaseStorage) -> None:
    """Wait until the disk has stored the ledger; a database waits at each transaction.

    Args:
        storage: Optuna storage of the ledger.
    """
    if isinstance(storage, Journal):
        storage.file.flush()


def repair(storage: BaseStorage) -> None:
    """Remove what the failure of a machine, or a full disk, left incomplete; a database does so itself.

    Args:
        storage: Optuna storage of the ledger.
    """
    if isinstance(storage, Journal):
        storage.file.repair()


def changed_trials(storage: BaseStorage, study_id: int, num_known: int, running: Sequence[int]) -> list[FrozenTrial]:
    """Trials that may have changed since an earlier reading.

    Args:
        storage: Optuna storage of the ledger.
        study_id: Identifier of the study.
        num_known: Number of trials in the earlier reading.
        running: Numbers of the trials that were running then.

    Returns:
        Trials in `running`, then the new trials.
    """
    if isinstance(storage, Journal):
        return storage.changed_trials(study_id, num_known, running)
    trials = storage.get_all_trials(study_id, deepcopy=False)
    return [*map(trials.__getitem__, running), *trials[num_known:]]


def store_name(paths: SweepPaths, storage: str | None) -> str:
    """Path or URL of a ledger for messages, without password.

    Args:
        paths: Paths of the sweep's files.
        storage: Database URL; None for the journal file in the sweep's folder.

    Example:
        >>> from pathlib import Path
        >>> store_name(SweepPaths(Path("logs/x")), "postgresql+psycopg://me:secret@host/db")
        'postgresql+psycopg://me:***@host/db'
    """
    if storage is None:
        return str(paths.journal)
    return mask_url(storage)


@contextlib.contextmanager
def translate_storage_errors(paths: SweepPaths, storage: str | None) -> Iterator[None]:
    """Raise the errors of a storage that cannot be used as `StudyError`.

    Args:
        paths: Paths of the sweep's files.
        storage: Database URL; None for the journal file in the sweep's folder.

    Raises:
        StudyError: The storage cannot be used.
    """
    shown = store_name(paths, storage)
    try:
        yield
    except ImportError as error:
        driver = getattr(error.__cause__, "name", None) or error.name or error
        remedy = "postgresql+psycopg://... with pip install 'mnistsweep[postgresql]' has one"
        raise StudyError(f"storage: {shown} needs a driver that is not installed ({driver}); {remedy}.") from error
    except Exception as error:
        if not _is_about_storage(error):
            raise
        from mnistsweep.study.storage.connections import cannot_be_used

        raise cannot_be_used(shown, error) from error


def _open_database(paths: SweepPaths, storage: str, create: bool) -> BaseStorage:
    from mnistsweep.study.storage.database import open_database
    from mnistsweep.study.storage.database_locks import TABLES_LOCK, named_lock
    from mnistsweep.study.storage.tables import Tables, has_all_tables

    database = open_database(storage)
    is_ready = has_all_tables(database.engine)
    if not is_ready and not create:
        raise LedgerMissing(
            f"{store_name(paths, storage)}: holds no sweep called {paths.name!r}; it holds none at all."
        )
    with contextlib.nullcontext() if is_ready else named_lock(database.engine, TABLES_LOCK):
        return Tables(storage, database, skip_table_creation=is_ready)


def _is_about_storage(error: Exception) -> bool:
    """Whether a storage raised an error. SQLAlchemy's errors are recognised by name, because importing it is slow."""
    known = (OSError, ValueError, KeyError, optuna.exceptions.StorageInternalError)
    return isinstance(error, known) or any(kind.__module__.startswith("sqlalchemy") for kind in type(error).__mro__)
