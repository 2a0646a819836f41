"""Errors that stop the worker."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from mnistsweep.errors import DiskFull, is_disk_full
from mnistsweep.tuner.fatal_errors import stop_worker_on_fatal_errors


def test_a_full_disk_is_recognized_by_its_error_number() -> None:
    def caused(error: Exception, cause: Exception) -> Exception:
        error.__cause__ = cause
        return error

    full = OSError(errno.EDQUOT, "Disk quota exceeded")
    assert is_disk_full(caused(RuntimeError("while saving"), full))
    assert is_disk_full(RuntimeError("Can't decrement id ref count (unable to close file, errno = 28, error message"))
    assert not is_disk_full(OSError(errno.ENOENT, "No such file or directory"))
    assert not is_disk_full(ValueError("errno = 2, error message"))
    with pytest.raises(DiskFull, match=r"^the ledger cannot be written$"), stop_worker_on_fatal_errors(Path()):
        raise DiskFull("the ledger cannot be written")
