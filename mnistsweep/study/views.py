"""The exported views of a ledger: ``results.csv`` and ``best.yaml``, updated after every job."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import yaml

from mnistsweep.atomic import atomic_write, yaml_text
from mnistsweep.config.constraints import Constraint
from mnistsweep.config.objectives import Objective
from mnistsweep.errors import translate_refused_writes
from mnistsweep.locks import try_exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.space import SearchSpace
from mnistsweep.study.configurations_table import ConfigurationsTable
from mnistsweep.study.front import notes_on
from mnistsweep.study.ledger import LedgerState
from mnistsweep.study.nested_epochs import best_content, explain_best
from mnistsweep.study.ranking import Standing, best_of
from mnistsweep.study.records import Result, State, TrialRecord, searched
from mnistsweep.study.results_table import ResultsTable

TRAIN = "mnistsweep train"
"""Command that repeats a Keras training with its configuration."""


class Views:
    """Writer of the exported views; each process of a sweep may have one.

    Args:
        paths: Paths of the sweep's files.
        space: Search space; its dimensions are columns of the table.
        direction: Direction of the first objective: ``max`` or ``min``.
        objective: Name of the first objective.
        command: Command that repeats a trial with its configuration; empty if there is none.
        constraints: Constraints of the search; their quantities are columns of the table.
        further: All objectives but the first; they are columns of the table, too.
        nested_epochs: Numbers of epochs that each training contains, see `configurations_table`.
    """

    def __init__(
        self,
        paths: SweepPaths,
        space: SearchSpace,
        direction: str,
        objective: str,
        command: str = TRAIN,
        constraints: Sequence[Constraint] = (),
        further: Sequence[Objective] = (),
        nested_epochs: Sequence[int] = (),
    ) -> None:
        self._paths = paths
        self._nested = nested_epochs
        self._command = command
        self._direction = direction
        self._objective = objective
        self._further = further
        self._objectives = [Objective(objective, direction), *further]
        self._table = ResultsTable(paths.results, space, constraints, self._objectives)
        self._configurations = ConfigurationsTable(paths, space, nested_epochs, direction)
        self._best: TrialRecord | None = None  # among the trials that have ended
        self._written_best: tuple[int, Result, Sequence[str]] | None = None

    def add_finished(self, state: LedgerState) -> None:
        """Add the trials that have finished since the last call; write nothing.

        Args:
            state: State of the ledger.
        """
        new = self._table.add_finished(state.records)
        self._configurations.add_finished(new)
        known = [self._best, *searched(new)] if self._best else searched(new)
        self._best = best_of(known, self._direction, self._further)

    def refresh(self, read: Callable[[], LedgerState], has_ended: Callable[[], bool]) -> None:
        """Write the current content of the ledger.

        One process writes at a time. If another process is writing, this call returns at once: the writer reads the
        ledger again when it has finished, so no trial is missing.

        Args:
            read: Function that reads the ledger.
            has_ended: Function that returns whether the sweep has ended; called only if trials are paused.

        Raises:
            WriteRefused: The disk is full or read-only. The ledger is complete; the next trial updates the views.
        """
        while True:
            with try_exclusive_lock(self._paths.views_lock) as acquired:
                if not acquired:
                    return
                written = read()
                self._write(written, has_ended)
            if read().version == written.version:
                return

    def _write(self, state: LedgerState, has_ended: Callable[[], bool]) -> None:
        self.add_finished(state)
        paused = [paused for record in state.unfinished if (paused := record.at_pause) is not None]
        standing = Standing.of(state.records, self._direction)
        if standing is None:
            known = [*paused, self._best] if self._best else paused
            best = best_of(known, self._direction, self._further)
            notes = [] if best is None else notes_on(best, self._objectives)
        else:
            best, notes = standing.order[0], standing.explain(self._objective)
        with translate_refused_writes(str(self._paths.results)):
            self._table.write(paused, bool(paused) and has_ended())
            self._configurations.write(paused)
            self._write_best(best, notes)

    def _write_best(self, best: TrialRecord | None, notes: Sequence[str]) -> None:
        if best is None or not self._paths.trial(best.number).config.is_file():
            return
        if (best.number, best.result, notes) != self._written_best:
            write_best(self._paths, best, self._objective, self._command, notes, self._nested)
            self._written_best = best.number, best.result, notes


def write_best(
    paths: SweepPaths,
    record: TrialRecord,
    objective: str,
    command: str = TRAIN,
    notes: Sequence[str] = (),
    nested_epochs: Sequence[int] = (),
) -> None:
    """Write ``best.yaml``: the configuration of the best trial, with which a command repeats its score.

    Args:
        paths: Paths of the sweep's files.
        record: Best trial.
        objective: Name of the objective.
        command: Command that repeats a trial with its configuration; empty if there is none.
        notes: Further comments, without full stops.
        nested_epochs: Numbers of epochs that each training contains.
    """
    text = paths.trial(record.number).config.read_text(encoding="utf-8")
    if command and (nested_epochs or record.state is not State.COMPLETED):
        text = yaml_text(best_content(yaml.safe_load(text), record, nested_epochs))
    notes = [*notes, *explain_best(record, nested_epochs)]
    with atomic_write(paths.best, durable=False, create_folder=False) as part:
        part.write_text(best_head(paths, record, objective, command, notes) + text, encoding="utf-8")


def best_head(
    paths: SweepPaths,
    record: TrialRecord,
    objective: str,
    command: str = TRAIN,
    notes: Sequence[str] = (),
    name: str = "best",
) -> str:
    """The comment at the head of ``best.yaml``; the other arguments are those of `write_best`.

    Args:
        name: Name of the file without its ending.
    """
    result = record.result
    score = f"{objective} {result.objective!r}{result.at_epoch}{result.spread_text}"
    repeat = f"{command} --config-dir DIR --config-name {name}"
    return (
        f"# Trial {record.number} of the sweep {paths.name!r}: {score}.\n"
        f"# {repeat if command else 'Its code is part of the program that sweep.yaml names (command).'}\n"
        + "".join(f"# {note[:1].upper()}{note[1:]}.\n" for note in notes)
    )
