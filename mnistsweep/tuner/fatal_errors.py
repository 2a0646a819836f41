"""Errors that stop the worker, in a form that KerasTuner passes on.

KerasTuner records every exception as a failure of the trial, and continues with the next trial. Only its own
`FatalError` ends the search. So an error that the trial did not cause becomes a subclass of `FatalError`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from keras_tuner.errors import FatalError

from mnistsweep.errors import FileError, StudyError, WriteRefused, refused_access, refused_write


class _FatalWriteRefused(WriteRefused, FatalError):  # type: ignore[misc]
    """The disk stores nothing."""


class _FatalFileError(FileError, FatalError):  # type: ignore[misc]
    """A file of the sweep cannot be read or written."""


class _FatalStudyError(StudyError, FatalError):  # type: ignore[misc]
    """The ledger cannot be reached, or is damaged, or files of the sweep are lost."""


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
        try:
            check_files()
        except StudyError as lost:
            raise _FatalStudyError(str(lost)) from error
        if isinstance(error, StudyError):
            raise _FatalStudyError(str(error)) from error
        if refused := refused_write(error, str(folder)):
            raise _FatalWriteRefused(str(refused)) from error
        if denied := refused_access(error, str(sweep)):
            raise _FatalFileError(str(denied)) from error
        raise
