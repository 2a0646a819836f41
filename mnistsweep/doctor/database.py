"""The database of the ledger (key `storage`): whether it responds, how fast, and whether tables can be created."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from mnistsweep.doctor.findings import Finding, fault, note, ok
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.redaction import mask_url

SLOW_SECONDS = 0.02
"""Duration of a statement above which a claim, which needs several, is slow."""

_NUM_STATEMENTS = 10


def check_database(storage: str | None) -> Iterator[Finding]:
    """Check the database of the ledger. Nothing is written.

    Args:
        storage: Database URL; None for the journal file in the sweep's folder.
    """
    if storage is None:
        return
    try:
        yield from _check_server(storage)
    except StudyError as error:
        yield fault("storage", str(error).removeprefix("storage: "))


def _check_server(storage: str) -> Iterator[Finding]:
    from sqlalchemy import create_engine, inspect, make_url, text

    from mnistsweep.study.storage.connections import engine_options
    from mnistsweep.study.storage.stores import translate_storage_errors

    shown, taken = mask_url(storage), []
    options, url = engine_options(storage), make_url(storage)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        yield ok("storage", f"{shown} does not exist yet; a sweep creates it")
        return
    with translate_storage_errors(SweepPaths(Path()), storage):
        engine = create_engine(storage, **options)
        with engine.connect() as connection:
            for _ in range(_NUM_STATEMENTS):
                began = time.perf_counter()
                connection.execute(text("SELECT 1"))
                taken.append(time.perf_counter() - began)
            version = ".".join(map(str, engine.dialect.server_version_info or ()))
            may_create = True
            if engine.dialect.name == "postgresql" and not inspect(connection).get_table_names():
                may_create = bool(connection.scalar(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")))
        engine.dispose()
    middle = statistics.median(taken)
    found = f"{shown}: {engine.dialect.name} {version}, a statement takes {1000 * middle:.1f} ms"
    if not may_create:
        yield fault("storage", f"{found}; this user must not create tables: GRANT CREATE ON SCHEMA public TO <user>")
    elif middle > SLOW_SECONDS:
        yield note("storage", f"{found}: with many short trials the workers wait for it")
    else:
        yield ok("storage", found)
