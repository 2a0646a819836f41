"""What a claim, a report and a finished trial ask of a database, counted: numbers without noise, for `store.py`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from helpers.claims import Ours, Task


@dataclass
class Counts:
    """Statements, transactions and rows that the database returned."""

    statements: int = 0
    transactions: int = 0
    rows: int = 0

    def __str__(self) -> str:
        return f"{self.statements:>12}{self.transactions:>14}{self.rows:>8}"


HEAD = f"{'statements':>12}{'transactions':>14}{'rows':>8}"


@contextlib.contextmanager
def counting() -> Iterator[Counts]:
    """Count what this thread does with all databases."""
    from sqlalchemy import Engine, event

    counts, main = Counts(), threading.get_ident()

    def execute(connection: Any, cursor: Any, *_: Any) -> None:
        if threading.get_ident() == main:
            counts.statements += 1
            counts.rows += max(0, cursor.rowcount)

    def begin(connection: Any) -> None:
        counts.transactions += threading.get_ident() == main

    event.listen(Engine, "after_cursor_execute", execute)
    event.listen(Engine, "begin", begin)
    yield counts
    event.remove(Engine, "after_cursor_execute", execute)
    event.remove(Engine, "begin", begin)


def count(folder: Path, url: str, trials: int, workers: int) -> dict[str, Counts]:
    """Counts of one worker, by what it does, while each of the other workers runs a trial.

    Args:
        folder: Path of the sweep's folder.
        url: URL of the database.
        trials: Number of trials in the ledger.
        workers: Number of workers.
    """
    task = Task("mnistsweep", folder, url, trials + workers + 1, 1, 0.0)
    found: dict[str, Counts] = {}
    with ExitStack() as stack:
        for index in range(workers - 1):
            stack.enter_context(Ours(replace(task, index=index))).claim()
        worker = stack.enter_context(Ours(task))
        for _ in range(2):  # the first trial also opens connections, and reads what is read once
            with counting() as found["a claim"]:
                claim = worker.claim()
            with counting() as found["a report"]:
                worker.report(claim)
            with counting() as found["a finish"]:
                worker.finish(claim)
    return found
