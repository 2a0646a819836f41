"""What a process knows of the trials in a database, so that it reads only those that may have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from optuna.trial import FrozenTrial
from sqlalchemy import Connection

from mnistsweep.errors import StudyError
from mnistsweep.study.storage.trial_rows import Rows, make_trial, read_rows


@dataclass(frozen=True)
class KnownTrials:
    """Trials of one study at one moment; never changed, so that threads may share it.

    Attributes:
        trials: All trials in the order of their numbers.
        unfinished: Rows of the trials that had not ended, by the identifier of the trial.
        last_id: Identifier of the last trial; -1 without trials.
    """

    trials: Sequence[FrozenTrial] = ()
    unfinished: Mapping[int, Rows] = field(default_factory=dict)
    last_id: int = -1

    def refreshed(self, connection: Connection, study_id: int) -> KnownTrials:
        """Trials now: new ones, and those that had not ended, are read again. A trial without changes stays the same.

        Args:
            connection: Connection to the database.
            study_id: Identifier of the study.

        Raises:
            StudyError: Trials are missing.
        """
        rows = read_rows(connection, study_id, self.last_id, self.unfinished)
        if missing := self.unfinished.keys() - rows.keys():
            raise StudyError(f"the ledger has lost {len(missing)} trials that had not ended; restore the database.")
        trials = list(self.trials)
        for trial_id, found in rows.items():
            if self.unfinished.get(trial_id) != found:
                _place(trials, make_trial(found))
        unfinished = {
            trial_id: found for trial_id, found in rows.items() if not trials[int(found[0][5])].state.is_finished()
        }
        return KnownTrials(trials, unfinished, max([self.last_id, *rows]))


def _place(trials: list[FrozenTrial], trial: FrozenTrial) -> None:
    """Put a trial into the list: in place of its earlier state, or at the end.

    Raises:
        StudyError: Trials before it are missing.
    """
    if trial.number < len(trials):
        trials[trial.number] = trial
    elif trial.number == len(trials):
        trials.append(trial)
    else:
        raise StudyError(f"the ledger has lost trial {len(trials)}; restore the database.")
