"""The exported views of a ledger: ``results.csv`` and ``best.yaml``, updated after every trial."""

from __future__ import annotations

from collections.abc import Callable

from mnistsweep.atomic import atomic_write
from mnistsweep.errors import translate_refused_writes
from mnistsweep.locks import try_exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.space import SearchSpace
from mnistsweep.study.ledger import LedgerState
from mnistsweep.study.records import TrialRecord, best_of
from mnistsweep.study.results_table import ResultsTable

TRAIN = "mnistsweep train"
"""Command that repeats a Keras training with its configuration."""


class Views:
    """Writer of the exported views; each process of a sweep may have one.

    Args:
        paths: Paths of the sweep's files.
        space: Search space; its dimensions are columns of the table.
        direction: Direction of the objective: ``max`` or ``min``.
        objective: Name of the objective.
        command: Command that repeats a trial with its configuration; empty if there is none.
    """

    def __init__(
        self, paths: SweepPaths, space: SearchSpace, direction: str, objective: str, command: str = TRAIN
    ) -> None:
        self._paths = paths
        self._command = command
        self._direction = direction
        self._objective = objective
        self._table = ResultsTable(paths.results, space)
        self._best: TrialRecord | None = None
        self._written_best: int | None = None

    def add_finished(self, state: LedgerState) -> None:
        """Add the trials that have finished since the last call; write nothing.

        Args:
            state: State of the ledger.
        """
        new = self._table.add_finished(state.records)
        self._best = best_of([self._best, *new] if self._best else new, self._direction)

    def refresh(self, read: Callable[[], LedgerState]) -> None:
        """Write the current content of the ledger.

        One process writes at a time. If another process is writing, this call returns at once: the writer reads the
        ledger again when it has finished, so no trial is missing.

        Args:
            read: Function that reads the ledger.

        Raises:
            WriteRefused: The disk is full or read-only. The ledger is complete; the next trial updates the views.
        """
        while True:
            with try_exclusive_lock(self._paths.views_lock) as acquired:
                if not acquired:
                    return
                written = read()
                self._write(written)
            if read().num_finished == written.num_finished:
                return

    def _write(self, state: LedgerState) -> None:
        self.add_finished(state)
        with translate_refused_writes(str(self._paths.results)):
            self._table.write()
            self._write_best()

    def _write_best(self) -> None:
        best = self._best
        if best is None or best.number == self._written_best or not self._paths.trial(best.number).config.is_file():
            return
        write_best(self._paths, best, self._objective, self._command)
        self._written_best = best.number


def write_best(paths: SweepPaths, record: TrialRecord, objective: str, command: str = TRAIN) -> None:
    """Write ``best.yaml``: the configuration of the best trial, with which a command repeats the trial.

    Args:
        paths: Paths of the sweep's files.
        record: Best trial.
        objective: Name of the objective.
        command: Command that repeats a trial with its configuration; empty if there is none.
    """
    text = paths.trial(record.number).config.read_text(encoding="utf-8")
    with atomic_write(paths.best, durable=False, create_folder=False) as part:
        part.write_text(best_head(paths, record, objective, command) + text, encoding="utf-8")


def best_head(paths: SweepPaths, record: TrialRecord, objective: str, command: str = TRAIN) -> str:
    """The comment at the head of ``best.yaml``; the arguments are those of `write_best`."""
    result = record.result
    score = f"{objective} {result.objective!r}{result.at_epoch}{result.spread_text}"
    repeat = f"{command} --config-dir DIR --config-name best"
    return (
        f"# Trial {record.number} of the sweep {paths.name!r}: {score}.\n"
        f"# {repeat if command else 'Its code is part of the program that sweep.yaml names (command).'}\n"
    )
