"""Errors that stop the worker, in a form that KerasTuner passes on.

KerasTuner records every exception as a failure of the trial, and continues with the next trial. Only its own
`FatalError` ends the search. So an error that the trial did not cause becomes a subclass of `FatalError`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from keras_tuner.errors import FatalError

from mnistsweep.errors import DiskFull, StudyError, describe_error, is_disk_full


class _FatalDiskFull(DiskFull, FatalError):  # type: ignore[misc]
    """The disk is full."""


class _FatalStudyError(StudyError, FatalError):  # type: ignore[misc]
    """The ledger cannot be reached, or is damaged."""


@contextlib.contextmanager
def stop_worker_on_fatal_errors(folder: Path) -> Iterator[None]:
    """Raise errors of a full disk and of the ledger as errors that stop the worker.

    Args:
        folder: Path of the folder that is written to, for the message.

    Raises:
        DiskFull: The disk is full.
        StudyError: The ledger cannot be used.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, StudyError):
            raise _FatalStudyError(str(error)) from error
        if not is_disk_full(error):
            raise
        where = (
            f"{folder}: cannot be written: {describe_error(error)}. Free disk space; then the same command continues."
        )
        raise _FatalDiskFull(str(error) if isinstance(error, DiskFull) else where) from error
