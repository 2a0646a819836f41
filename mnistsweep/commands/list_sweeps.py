"""`mnistsweep list`: one row for each sweep of a folder, also while they run."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from mnistsweep.commands.sweep_rows import Reading, SweepRow, read_files
from mnistsweep.console import SafeConsole
from mnistsweep.path_checks import is_missing
from mnistsweep.paths import SweepPaths
from mnistsweep.printable import write_document
from mnistsweep.study.disk_usage import format_size
from mnistsweep.study.sweep_folders import SweepFolders, find_sweeps
from mnistsweep.text import format_count, format_duration, listed

FORMAT = 1
"""Version of the JSON document; keys may be added without a new one."""

# Maximum number of folders without a sweep that are named.
MAX_LISTED = 8

# Number of sweeps that are read at once: each may wait for heartbeats of workers on other hosts.
MAX_THREADS = 16

HOURS_PER_DAY = 24


def list_sweeps(folder: Path, as_json: bool = False) -> None:
    """Print the sweeps of a folder, the one with the last activity first. Nothing is changed.

    Args:
        folder: Path of a folder with sweeps, also in folders of their own, or of a single sweep.
        as_json: Whether to print a JSON document instead of a table.
    """
    found = SweepFolders() if is_missing(folder) else find_sweeps(folder)
    rows = read_rows(found.sweeps)
    if as_json:
        write_document(json.dumps(_document(folder, found, rows), indent=2, ensure_ascii=False) + "\n")
        return
    console = SafeConsole()
    if rows:
        console.print(_table(folder, rows, time.time()))
    for row in rows:
        if row.fault:
            console.print(f"{_name(folder, row.folder)}: {row.fault}", soft_wrap=True)
    console.print(_summary(folder, found, rows), soft_wrap=True)


def read_rows(folders: Sequence[Path]) -> list[SweepRow]:
    """Read the rows of sweeps, the one with the last activity first.

    Args:
        folders: Paths of the sweeps' folders.
    """
    readings = [read_files(folder) for folder in folders]
    rows = {reading.row.folder: reading.row for reading in readings}
    if opened := [reading for reading in readings if reading.needs_ledger]:
        rows |= _by_ledgers(opened)
    return sorted(rows.values(), key=lambda row: (-row.changed, str(row.folder)))


def _by_ledgers(readings: Sequence[Reading]) -> dict[Path, SweepRow]:
    """Complete rows by the ledgers of their sweeps; the rows by the folders of the sweeps."""
    from mnistsweep.commands.database_rows import read_databases
    from mnistsweep.commands.ledger_rows import read_ledger

    rows = read_databases([reading for reading in readings if reading.storage is not None], read_ledger)
    with ThreadPoolExecutor(MAX_THREADS) as threads:
        journals = [reading.row for reading in readings if reading.storage is None]
        return rows | {row.folder: row for row in threads.map(read_ledger, journals)}


def _table(folder: Path, rows: Sequence[SweepRow], now: float) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("sweep", overflow="fold")
    table.add_column("state", no_wrap=True)
    for column in ("trials", "best", "age", "size"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("objective", overflow="fold")
    for row in rows:
        trials = f"{row.num_finished} of {row.budget}" if row.budget else str(row.num_finished)
        workers = f": {format_count(row.num_workers, 'worker')}" if row.num_workers else ""
        best = "" if row.best is None else f"{row.best:.4g}"
        age, size = _age(now - row.changed) if row.changed else "", format_size(row.size)
        table.add_row(_name(folder, row.folder), f"{row.state}{workers}", trials, best, age, size, row.objective)
    return table


def _summary(folder: Path, found: SweepFolders, rows: Sequence[SweepRow]) -> str:
    """Line on all sweeps, and on what else is in the folder."""
    total = format_size(sum(row.size for row in rows))
    parts = [f"{format_count(len(rows), 'sweep')}, {total}" if rows else f"{folder}: no sweep found"]
    if found.num_trainings:
        parts.append(f"{format_count(found.num_trainings, 'training')} of mnistsweep train")
    for text, folders in (("without a sweep", found.others), ("not searched", found.unsearched)):
        if folders:
            parts.append(f"{text}: {listed([_name(folder, one) for one in folders], MAX_LISTED)}")
    return "; ".join(parts)


def _document(folder: Path, found: SweepFolders, rows: Sequence[SweepRow]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "folder": str(folder),
        "sweeps": [_entry(folder, row) for row in rows],
        "trainings": found.num_trainings,
        "others": [_name(folder, one) for one in found.others],
        "not_searched": [_name(folder, one) for one in found.unsearched],
    }


def _entry(folder: Path, row: SweepRow) -> dict[str, Any]:
    """A sweep as plain values; what is not known is null."""
    changed = datetime.fromtimestamp(row.changed, UTC).isoformat(timespec="seconds") if row.changed else None
    best = None if row.best is None else {"value": row.best, "trial": row.best_trial}
    return {
        "name": _name(folder, row.folder),
        "folder": str(row.folder),
        "state": str(row.state),
        "workers": row.num_workers,
        "trials": {"finished": row.num_finished, "budget": row.budget},
        "objective": row.objective or None,
        "best": best,
        "last_activity": changed,
        "bytes": row.size,
        "fault": row.fault or None,
    }


def _name(folder: Path, sweep: Path) -> str:
    """Path of a sweep below the folder; the name of the sweep if it is the folder itself."""
    return SweepPaths(folder).name if sweep == folder else str(sweep.relative_to(folder))


def _age(seconds: float) -> str:
    """A duration in its largest unit.

    Example:
        >>> _age(7.4), _age(3725), _age(200000)
        ('7 s', '1 h 2 min', '2 d')
    """
    days = max(0.0, seconds) / 3600 / HOURS_PER_DAY
    return f"{days:.0f} d" if days >= 1 else format_duration(max(0.0, seconds), decimals=0)
