"""Errors that stop a worker, because its trial did not cause them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mnistsweep.errors import FileError, StudyError, WriteRefused, refused_access, refused_write


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
        check_files()
    except StudyError as lost:
        return lost
    if isinstance(error, StudyError):
        return error
    return refused_write(error, str(folder)) or refused_access(error, str(sweep))
