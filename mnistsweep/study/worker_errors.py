"""Errors that stop a worker, because its trial did not cause them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mnistsweep.errors import FileError, StudyError, WriteRefused, names_file_in, refused_access, refused_write

DELETION_SECONDS = 2.0
"""Time in which the files of a trial's folder that is being deleted vanish, one after the other."""

POLL_SECONDS = 0.05


def worker_error(
    error: Exception, sweep: Path, folder: Path, check_files: Callable[[], None]
) -> StudyError | WriteRefused | FileError | None:
    """The error that stops the worker, from an error during a trial; None if the trial may have caused it.

    Args:
        error: Error during a trial.
        sweep: Path of the sweep's folder: a missing right for a file in it is no fault of the trial.
        folder: Path of the folder that was written to, for the message.
        check_files: Function that raises `StudyError` if files of the sweep were deleted or moved.
    """
    try:
        _check_files(error, folder, check_files)
    except StudyError as lost:
        return lost
    if isinstance(error, StudyError):
        return error
    return refused_write(error, str(folder)) or refused_access(error, str(sweep))


def _check_files(error: Exception, folder: Path, check_files: Callable[[], None]) -> None:
    """Check the files; where the error names a file of the trial, wait for the end of a deletion of its folder.

    Raises:
        StudyError: Files of the sweep were deleted or moved.
    """
    deadline = time.monotonic() + (DELETION_SECONDS if names_file_in(error, str(folder)) else 0.0)
    check_files()
    while time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        check_files()
