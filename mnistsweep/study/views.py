"""The views of a ledger for people: ``results.csv`` and ``best.yaml``, current after every trial."""

from __future__ import annotations

import fcntl
from collections.abc import Callable

from mnistsweep.errors import telling_full_disk
from mnistsweep.paths import SweepPaths
from mnistsweep.space import SearchSpace
from mnistsweep.study.ledger import Standing
from mnistsweep.study.results import ResultsTable, TrialRecord, best_of, write_best


class Views:
    """Keeps the views current, whoever of several processes writes them.

    Args:
        paths: The sweep's files.
        space: What is searched: the columns of the table.
        direction: ``max`` or ``min``.
        objective: Its name.
    """

    def __init__(self, paths: SweepPaths, space: SearchSpace, direction: str, objective: str) -> None:
        self._paths = paths
        self._direction = direction
        self._objective = objective
        self._table = ResultsTable(paths.results, space)
        self._best: TrialRecord | None = None
        self._shown: int | None = None

    def take(self, standing: Standing) -> None:
        """Take note of the trials that have ended, without writing anything."""
        new = self._table.take(standing.records)
        self._best = best_of([self._best, *new] if self._best else new, self._direction)

    def refresh(self, read: Callable[[], Standing]) -> None:
        """Write what the ledger has now.

        One process writes at a time; it looks again when it is done: nobody waits for it, and nothing is missing.

        Args:
            read: Reads the ledger.

        Raises:
            DiskFull: There is no room. The ledger has everything; the views follow with the next trial.
        """
        with self._paths.views_lock.open("ab") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                written = read()
                self._write(written)
                fcntl.flock(lock, fcntl.LOCK_UN)
                if read().num_finished == written.num_finished:
                    return

    def _write(self, standing: Standing) -> None:
        self.take(standing)
        best = self._best
        with telling_full_disk(str(self._paths.results)):
            self._table.write()
            if best is not None and best.number != self._shown and self._paths.trial(best.number).config.is_file():
                write_best(self._paths, best, self._objective)
                self._shown = best.number
