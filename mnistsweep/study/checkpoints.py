"""The checkpoints of finished trials, checked against the ledger before anything reads them."""

from __future__ import annotations

import shlex
from pathlib import Path

from mnistsweep.checksums import file_checksum
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths, saved_model
from mnistsweep.study.records import TrialRecord

# Digits of a checksum in a message: enough to compare two files by eye.
SHORT_LENGTH = 12


def find_checkpoint(paths: SweepPaths, record: TrialRecord) -> Path:
    """Return the path of a trial's checkpoint, after a check that the trial saved this file.

    The check is that of the checksum in the ledger. Earlier versions recorded none: then any file passes.

    Args:
        paths: Paths of the sweep's files.
        record: Finished trial.

    Raises:
        StudyError: The file is missing, was replaced by another one, or is damaged.
    """
    file, number, saved = saved_model(paths.trial(record.number).model), record.number, record.result.checkpoint
    if file.is_dir():
        raise StudyError(f"{file}: must be the model file of trial {number}; received a folder; restore the file.")
    if not file.is_file():
        raise StudyError(f"{file}: the model of trial {number} is missing.")
    if saved is not None and (received := file_checksum(file)) != saved.checksum:
        raise StudyError(
            f"{file}: must be the file that trial {number} saved (SHA-256 {saved.checksum[:SHORT_LENGTH]}), received "
            f"another or a damaged one ({received[:SHORT_LENGTH]}); restore it, or train the trial again: "
            f"report.refit=true, or mnistsweep train --config-dir {shlex.quote(str(file.parent))} --config-name config."
        )
    return file
