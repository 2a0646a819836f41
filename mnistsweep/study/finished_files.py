"""Finished trials in the files of a sweep's folder, and the check that the ledger has not lost them.

A trial finishes in the ledger first and in ``results.csv`` later, and its folder is created after it was claimed in the
ledger. So a ledger that lacks a finished trial of the folder has been deleted, truncated or replaced. To continue with
it would train everything again.
"""

from __future__ import annotations

import csv
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths, TrialPaths, saved_model
from mnistsweep.study.records import STOPPED, State, TrialRecord
from mnistsweep.text import format_count

_FINISHED = {state.value for state in State if state.finished}
_PAUSED = {State.PAUSED.value, STOPPED}


@dataclass(frozen=True)
class FinishedFiles:
    """Finished trials that the files in a sweep's folder show.

    Attributes:
        in_results: Numbers of the trials in ``results.csv``.
        in_folders: Numbers of the other trials that have a folder with a result and without a resume file.
        paused: Numbers of the trials in ``results.csv`` that were paused.
    """

    in_results: frozenset[int]
    in_folders: frozenset[int]
    paused: frozenset[int] = frozenset()

    @classmethod
    def read(cls, paths: SweepPaths) -> FinishedFiles:
        """Find the finished trials in the files; damaged rows of the table count as missing.

        Read the files before the ledger: then the ledger has all trials that the files show.

        Args:
            paths: Paths of the sweep's files.
        """
        listed, paused = _numbers_in_results(paths, _FINISHED), _numbers_in_results(paths, _PAUSED)
        rows = listed | paused
        others = (number for number, trial in paths.trials() if number not in rows and _has_finished(trial))
        return cls(listed, frozenset(others), paused)

    @property
    def numbers(self) -> frozenset[int]:
        """Numbers of all trials that the files show as finished or paused."""
        return self.in_results | self.in_folders | self.paused

    def lost(self, records: Sequence[TrialRecord]) -> list[int]:
        """Numbers of the finished trials that a ledger lacks, in order.

        A trial without a row in ``results.csv``, or one that is paused there, is lost only if the ledger does not know
        it at all: it may still have been running when its worker was killed.

        Args:
            records: All trials of the ledger.
        """
        finished = {record.number for record in records if record.state.finished}
        known = {record.number for record in records}
        return sorted((self.in_results - finished) | ((self.in_folders | self.paused) - known))

    def lost_error(self, paths: SweepPaths, shown: str, records: Sequence[TrialRecord], state: str) -> StudyError:
        """Error for a ledger that lacks finished trials.

        Args:
            paths: Paths of the sweep's files.
            shown: Path or URL of the ledger, without password.
            records: All trials of the ledger.
            state: What is wrong with a ledger without finished trials, for example ``is missing``.
        """
        lost, total = self.lost(records), len(self.numbers)
        held = total - len(lost)
        where = paths.results.name if self.in_results or self.paused else f"{paths.all_trials.name}/"
        if held:
            fault = f"the ledger holds only {held} of the {total} finished trials in {where}: trial {lost[0]} is lost"
        else:
            fault = f"the ledger {state}, but {where} holds {format_count(total, 'finished trial')}"
        return StudyError(
            f"{shown}: {fault}. Nothing was changed. Restore the ledger from a copy, rebuild it with "
            f"`{repair_command(paths)}`, or take another name=NAME."
        )


def repair_command(paths: SweepPaths) -> str:
    """Command line that rebuilds the ledger of a sweep from the files in its folder."""
    return f"mnistsweep repair {shlex.quote(str(paths.folder))}"


def _numbers_in_results(paths: SweepPaths, states: Collection[str]) -> frozenset[int]:
    numbers = set()
    try:
        with paths.results.open(newline="", encoding="utf-8", errors="replace") as file:
            for row in csv.reader(file):
                if len(row) > 1 and row[0].isdecimal() and row[1] in states:
                    numbers.add(int(row[0]))
    except (OSError, csv.Error):  # the table is derived from the ledger and not durable: a failed disk may damage it
        pass
    return frozenset(numbers)


def _has_finished(trial: TrialPaths) -> bool:
    """Whether the folder of a trial is that of a finished one; a trial that runs has a resume file, or no result."""
    return not trial.resume.exists() and (saved_model(trial.model).exists() or trial.error.exists())
