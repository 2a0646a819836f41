"""Errors that stop the worker, in a form that KerasTuner passes on.

KerasTuner records every exception as a failure of the trial, and continues with the next trial. Only its own
`FatalError` ends the search. So an error that the trial did not cause becomes a subclass of `FatalError`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from keras_tuner.errors import FatalError

from mnistsweep.errors import StudyError, WriteRefused, refused_write


class _FatalWriteRefused(WriteRefused, FatalError):  # type: ignore[misc]
    """The disk stores nothing."""


class _FatalStudyError(StudyError, FatalError):  # type: ignore[misc]
    """The ledger cannot be reached, or is damaged."""


@contextlib.contextmanager
def stop_worker_on_fatal_errors(folder: Path) -> Iterator[None]:
    """Raise refused writes and errors of the ledger as errors that stop the worker.

    Args:
        folder: Path of the folder that is written to, for the message.

    Raises:
        WriteRefused: The disk is full or read-only, or a limit is exceeded.
        StudyError: The ledger cannot be used.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, StudyError):
            raise _FatalStudyError(str(error)) from error
        refused = refused_write(error, str(folder))
        if refused is None:
            raise
        raise _FatalWriteRefused(str(refused)) from error
