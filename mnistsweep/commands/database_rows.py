"""The rows of sweeps with their ledger in a database, which may not respond: the list does not wait for it."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from mnistsweep.commands.sweep_rows import Reading, SweepRow
from mnistsweep.commands.sweep_state import SweepState
from mnistsweep.redaction import mask_url

MAX_SILENCE_SECONDS = 5.0
"""Maximum time without a row from any database; those that are missing then do not respond."""


def read_databases(
    readings: Sequence[Reading], read: Callable[[SweepRow], SweepRow], seconds: float = MAX_SILENCE_SECONDS
) -> dict[Path, SweepRow]:
    """Complete the rows of sweeps in databases; each database has a thread of its own.

    The threads are not joined: a connection to a server that does not respond ends by its own time limit, or with this
    process.

    Args:
        readings: Rows that were made of files.
        read: Function that completes a row by its ledger.
        seconds: Maximum time without a row from any database, in seconds.

    Returns:
        The rows by the folders of their sweeps.
    """
    by_url: defaultdict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_url[str(reading.storage)].append(reading)
    done: queue.SimpleQueue[SweepRow] = queue.SimpleQueue()
    if readings:
        import_module("mnistsweep.study.storage.tables")  # imports SQLAlchemy, which does not count as silence
    for own in by_url.values():
        threading.Thread(target=_read_all, args=(own, read, done), daemon=True).start()
    found = {reading.row.folder: _silent(reading, seconds) for reading in readings}
    for _ in readings:
        try:
            row = done.get(timeout=seconds)
        except queue.Empty:
            break
        found[row.folder] = row
    return found


def _read_all(
    readings: Sequence[Reading], read: Callable[[SweepRow], SweepRow], done: queue.SimpleQueue[SweepRow]
) -> None:
    for reading in readings:
        row = read(reading.row)
        done.put(replace(row, state=SweepState.UNKNOWN) if row.state == SweepState.DAMAGED else row)


def _silent(reading: Reading, seconds: float) -> SweepRow:
    """Row of a sweep, by its files, if its database does not respond."""
    fault = f"storage: {mask_url(str(reading.storage))} has not responded within {seconds:g} s"
    return replace(reading.row, state=SweepState.UNKNOWN, fault=fault)
