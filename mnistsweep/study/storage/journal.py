"""The ledger in a journal file, as an Optuna storage.

It uses private API of Optuna's `JournalStorage`, checked against version 5.0: the method `_sync_with_backend`, the
attribute `_thread_lock`, the code of `JournalOperation.CREATE_STUDY`, and the attributes `log_number_read`,
`_study_id_to_trial_ids` and `_trials` of `_replay_result`. `tests/study/storage/test_journal.py` fails if one of them
goes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial

from mnistsweep.errors import LedgerDamaged
from mnistsweep.study.storage.journal_file import CREATE_STUDY, JournalFile, damaged_line


class Journal(JournalStorage):
    """Optuna's storage over a `JournalFile`.

    Args:
        path: Path of the journal; it is created if missing.
    """

    def __init__(self, path: Path) -> None:
        self.file = JournalFile(path)
        super().__init__(self.file)

    def changed_trials(self, study_id: int, num_known: int, running: Sequence[int]) -> list[FrozenTrial]:
        """Trials that may have changed since an earlier reading, without a pass over all other trials.

        Args:
            study_id: Identifier of the study.
            num_known: Number of trials in the earlier reading.
            running: Numbers of the trials that were running then.

        Returns:
            Trials in `running`, then the new trials.
        """
        with self._thread_lock:
            self._sync_with_backend()
            replayed = self._replay_result
            ids = replayed._study_id_to_trial_ids[study_id]
            return [replayed._trials[trial_id] for trial_id in [*map(ids.__getitem__, running), *ids[num_known:]]]

    def _sync_with_backend(self) -> None:
        """Read the entries of other processes; an entry that does not fit the earlier ones is damage too."""
        try:
            super()._sync_with_backend()
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, AssertionError) as error:
            raise damaged_line(self.file.path, self._replay_result.log_number_read, error) from error


def readable_part(path: Path) -> bytes:
    """Beginning of a journal, up to its first damaged line; empty if the journal does not begin with its study.

    Args:
        path: Path of the journal.
    """
    lines = [line for line in io.BytesIO(path.read_bytes()) if line.endswith(b"\n")]
    try:
        Journal(path)
    except LedgerDamaged as error:
        lines = lines[: error.line - 1]
    begins = bool(lines) and json.loads(lines[0])["op_code"] == CREATE_STUDY
    return b"".join(lines) if begins else b""
