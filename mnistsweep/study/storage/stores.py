"""Where a ledger is kept: the sweep's journal file, or a database."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence

import optuna
from optuna.storages import BaseStorage, get_storage
from optuna.trial import FrozenTrial

from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.study.coordination import Coordinator, FolderCoordinator
from mnistsweep.study.storage.journal import Journal


def open_storage(paths: SweepPaths, storage: str | None, create: bool = False) -> BaseStorage:
    """The store of a ledger.

    Args:
        paths: The sweep's files.
        storage: A database URL; None for the sweep's journal file.
        create: Whether tables are made in a database that has none. Several processes may do so at once.

    Raises:
        StudyError: The URL cannot be used, the database does not answer or is empty, or the file is none of Optuna's
            journals.
    """
    optuna.logging.set_verbosity(logging.WARNING)
    with translate_storage_errors(paths, storage):
        return Journal(paths.journal) if storage is None else _open_database(paths, storage, create)


def open_coordinator(paths: SweepPaths, storage: str | None) -> Coordinator:
    """Where the workers of a sweep take turns and leave signs of life; beside the ledger.

    Args:
        paths: The sweep's files; ``workers/`` exists.
        storage: A database URL; None for the sweep's folder.

    Raises:
        StudyError: The URL cannot be used; the database is asked for nothing yet.
    """
    if storage is None:
        return FolderCoordinator(paths)
    from mnistsweep.study.storage.databases import DatabaseCoordinator

    with translate_storage_errors(paths, storage):
        return DatabaseCoordinator(paths.name, storage)


def flush(storage: BaseStorage) -> None:
    """Wait until the disk has what was written; a database has waited already."""
    if isinstance(storage, Journal):
        storage.file.flush()


def changed_trials(storage: BaseStorage, study_id: int, known: int, running: Sequence[int]) -> list[FrozenTrial]:
    """What a reader has to read again.

    Args:
        storage: Of the ledger.
        study_id: Of the study.
        known: How many trials the reader knows.
        running: The numbers of those that had not ended.

    Returns:
        The trials of the numbers in `running`, then the new ones.
    """
    if isinstance(storage, Journal):
        return storage.changed_trials(study_id, known, running)
    trials = storage.get_all_trials(study_id, deepcopy=False)
    return [*map(trials.__getitem__, running), *trials[known:]]


def repair(storage: BaseStorage) -> None:
    """Mend what a failed machine or a full disk left behind; a database does so by itself."""
    if isinstance(storage, Journal):
        storage.file.repair()


def store_name(paths: SweepPaths, storage: str | None) -> str:
    """Where a ledger is, to be shown: a URL without its password.

    Example:
        >>> from pathlib import Path
        >>> store_name(SweepPaths(Path("logs/x")), "postgresql+psycopg://me:secret@host/db")
        'postgresql+psycopg://me:***@host/db'
    """
    if storage is None:
        return str(paths.journal)
    from mnistsweep.study.storage.connections import without_password

    return without_password(storage)


@contextlib.contextmanager
def translate_storage_errors(paths: SweepPaths, storage: str | None) -> Iterator[None]:
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
        from mnistsweep.study.storage.connections import reason

        raise StudyError(f"storage: the ledger {where} cannot be used: {reason(error)}") from error


def _open_database(paths: SweepPaths, storage: str, create: bool) -> BaseStorage:
    from sqlalchemy import NullPool, create_engine

    from mnistsweep.study.storage.connections import engine_options
    from mnistsweep.study.storage.databases import TABLES, is_prepared, named_lock
    from mnistsweep.study.storage.tables import Tables

    options = engine_options(storage)
    engine = create_engine(storage, **options, poolclass=NullPool)
    ready = is_prepared(engine)
    if not ready and not create:
        raise StudyError(f"{store_name(paths, storage)}: holds no sweep called {paths.name!r}; it holds none at all.")
    with contextlib.nullcontext() if ready else named_lock(engine, TABLES):
        return get_storage(Tables(storage, options, skip_table_creation=ready))


def _is_about_storage(error: Exception) -> bool:
    """Whether an error comes from the store; SQLAlchemy's are known by name, since importing it takes a while."""
    known = (OSError, ValueError, KeyError, optuna.exceptions.StorageInternalError)
    return isinstance(error, known) or any(kind.__module__.startswith("sqlalchemy") for kind in type(error).__mro__)
