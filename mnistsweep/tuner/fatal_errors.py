"""Errors that stop the worker, in a form that KerasTuner passes on.

KerasTuner records every exception as a failure of the trial, and continues with the next trial. Only its own
`FatalError` ends the search. So an error that the trial did not cause becomes a subclass of `FatalError`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from keras_tuner.errors import FatalError

from mnistsweep.errors import FileError, FilesLost, StudyError, WriteRefused
from mnistsweep.study.worker_errors import worker_error


class _FatalWriteRefused(WriteRefused, FatalError):  # type: ignore[misc]
    """The disk stores nothing."""


class _FatalFileError(FileError, FatalError):  # type: ignore[misc]
    """A file of the sweep cannot be read or written."""


class _FatalStudyError(StudyError, FatalError):  # type: ignore[misc]
    """The ledger cannot be reached, or is damaged."""


class _FatalFilesLost(FilesLost, FatalError):  # type: ignore[misc]
    """Files of the sweep were deleted or moved."""


@contextlib.contextmanager
def stop_worker_on_fatal_errors(sweep: Path, folder: Path, check_files: Callable[[], None]) -> Iterator[None]:
    """Raise errors of the disk, of missing rights, of lost files and of the ledger as errors that stop the worker.

    Args:
        sweep: Path of the sweep's folder: a missing right for a file in it is no fault of the trial.
        folder: Path of the folder that is written to, for the message.
        check_files: Function that raises `StudyError` if files of the sweep were deleted or moved.

    Raises:
        FileError: A file of the sweep cannot be read or written.
        WriteRefused: The disk is full or read-only, or a limit is exceeded.
        StudyError: The ledger cannot be used, or files of the sweep were deleted or moved.
    """
    try:
        yield
    except Exception as error:
        found = worker_error(error, sweep, folder, check_files)
        if found is None:
            raise
        raise _fatal(found) from error


def _fatal(error: StudyError | WriteRefused | FileError) -> FatalError:
    """The error of the same class that KerasTuner passes on."""
    if isinstance(error, StudyError):
        return (_FatalFilesLost if isinstance(error, FilesLost) else _FatalStudyError)(str(error))
    return (_FatalWriteRefused if isinstance(error, WriteRefused) else _FatalFileError)(str(error))
