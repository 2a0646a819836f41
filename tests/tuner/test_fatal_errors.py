"""Errors that stop the worker."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from keras_tuner.errors import FatalError

from mnistsweep.errors import FileError, LeaseLost, StudyError, WriteRefused, refused_write, translate_os_errors
from mnistsweep.tuner.fatal_errors import stop_worker_on_fatal_errors


def whole() -> None:
    """Find all files of the sweep."""


def lost() -> None:
    raise StudyError("logs/s was deleted or moved")


@pytest.mark.parametrize("error", [FileNotFoundError("history.csv"), KeyError("x"), LeaseLost("another worker's")])
def test_an_error_is_no_fault_of_the_trial_if_the_files_are_lost(error: Exception) -> None:
    with (
        pytest.raises(FatalError, match="logs/s was deleted or moved") as stopped,
        stop_worker_on_fatal_errors(Path(), Path(), lost),
    ):
        raise error
    assert isinstance(stopped.value, StudyError)
    with pytest.raises(type(error)), stop_worker_on_fatal_errors(Path(), Path(), whole):
        raise error


def test_a_full_disk_is_recognized_by_its_error_number() -> None:
    def caused(error: Exception, cause: Exception) -> Exception:
        error.__cause__ = cause
        return error

    full = OSError(errno.EDQUOT, "Disk quota exceeded")
    assert refused_write(caused(RuntimeError("while saving"), full), "a") is not None
    damaged = RuntimeError("Can't decrement id ref count (unable to close file, errno = 28, error message")
    assert refused_write(damaged, "a") is not None
    assert refused_write(OSError(errno.ENOENT, "No such file or directory"), "a") is None
    assert refused_write(ValueError("errno = 2, error message"), "a") is None
    with (
        pytest.raises(WriteRefused, match=r"^the ledger cannot be written$"),
        stop_worker_on_fatal_errors(Path(), Path(), whole),
    ):
        raise WriteRefused("the ledger cannot be written")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "No space left on device. Free disk space; "),
        (errno.EDQUOT, "Disk quota exceeded. Free space in your disk quota, or raise the quota; "),
        (errno.EFBIG, "File too large. Raise the limit of the file size (ulimit -f); "),
        (errno.EROFS, "Read-only file system. Mount the file system for writing; "),
    ],
)
def test_each_refused_write_has_its_own_remedy_wherever_it_is_translated(number: int, remedy: str) -> None:
    expected = f"a/b: cannot be written: {remedy}then the same command continues."
    in_hdf5 = RuntimeError(f"unable to close file, errno = {number}, error message = '...'")
    for error in (OSError(number, "x"), in_hdf5):
        with pytest.raises(WriteRefused) as stopped, stop_worker_on_fatal_errors(Path("a"), Path("a/b"), whole):
            raise error
        assert str(stopped.value) == expected
    with pytest.raises(WriteRefused) as translated, translate_os_errors("elsewhere"):
        raise OSError(number, "x", "a/b")
    assert str(translated.value) == expected


def test_a_missing_right_for_a_file_of_the_sweep_stops_the_worker() -> None:
    denied = PermissionError(errno.EACCES, "Permission denied", "logs/a/trials/0/history.csv")
    sweep, trial = Path("logs/a"), Path("logs/a/trials/0")
    with pytest.raises(FileError) as stopped, stop_worker_on_fatal_errors(sweep, trial, whole):
        raise denied
    assert str(stopped.value) == "logs/a/trials/0/history.csv: cannot be used: Permission denied."
    for other in ("logs/a", "logs/a b"):
        denied.filename = "logs/ab/own.csv"  # a file of the user
        with pytest.raises(PermissionError), stop_worker_on_fatal_errors(Path(other), Path("logs/a/trials/0"), whole):
            raise denied


def test_other_errors_of_the_operating_system_are_one_line_too() -> None:
    with (
        pytest.raises(FileError, match=r"^a/b: cannot be used: Permission denied\.$"),
        translate_os_errors("elsewhere"),
    ):
        raise PermissionError(errno.EACCES, "Permission denied", "a/b")
    with pytest.raises(BrokenPipeError), translate_os_errors("elsewhere"):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
