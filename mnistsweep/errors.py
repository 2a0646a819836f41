"""Errors that mnistsweep raises for its users, one small tree.

::

    MnistSweepError            exit code 2: an error that the user can correct
    ├── ConfigError            a key, a value or a preset that cannot be used
    │   └── SpaceError         a search space that is empty, contradictory or not searchable
    ├── DataError              a data file that is missing, damaged or does not fit the others
    ├── StudyError             a ledger that cannot be used or belongs to another search
    │   ├── FilesLost          files of a running sweep were deleted or moved
    │   ├── LedgerUnreachable  its database does not answer; it may later
    │   ├── LedgerMissing      there is no ledger, or it does not hold the sweep
    │   └── LedgerDamaged      a line of the journal cannot be read
    ├── FileError              a file or a folder that cannot be read or written
    ├── SweepStopped           exit code 1: the sweep cannot continue (too many failed trials, ...)
    │   ├── SweepUnfinished    exit code 3: all workers have ended, and budget is left
    │   └── WriteRefused       the disk stores nothing: it is full or read-only, or a limit is exceeded
    ├── TrialPruned            a function of a trial gives up an unpromising trial
    ├── LeaseLost              another worker owns the trial; the work of this one is discarded
    └── TrialFailed            one trial failed; the sweep continues
        └── TrialLimited       a limit of the configuration ended the trial; the sweep is healthy
            └── ConstraintViolated    a model that a constraint excludes

A message contains the rule, the value received, the nearest valid value, and the place of the error. `suggest` writes
the nearest valid value the same way everywhere.

Other modules define no errors for users. They define exceptions for control flow, which never leave the package, and
`tuner.fatal_errors` derives variants of four errors of the tree, because KerasTuner passes only its own class on.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping

from mnistsweep.printable import message_of


class MnistSweepError(Exception):
    """Base class of all errors for users. The command line prints the message and exits with `exit_code`."""

    exit_code = 2


class ConfigError(MnistSweepError):
    """A key, a value or a preset of the configuration cannot be used."""


class SpaceError(ConfigError):
    """A search space is empty, contradictory or not searchable by the chosen oracle."""


class DataError(MnistSweepError):
    """A data file is missing or damaged, or its arrays do not fit together."""


class StudyError(MnistSweepError):
    """A ledger cannot be used, or it belongs to another search."""


class FilesLost(StudyError):
    """Files of a running sweep were deleted or moved: none of its processes can continue."""


class LedgerUnreachable(StudyError):
    """The database of a ledger does not answer; it may later, and what was asked may be asked again."""


class LedgerMissing(StudyError):
    """There is no ledger, or it does not hold the sweep."""


class LedgerDamaged(StudyError):
    """A line of the journal cannot be read.

    Args:
        line: Number of the line, counted from 1.
        message: Message for the user.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class FileError(MnistSweepError):
    """A file or a folder cannot be read or written."""

    @classmethod
    def at(cls, where: str, error: OSError) -> FileError:
        """Error for an error of the operating system.

        Args:
            where: Path of the file, or a description.
            error: Error of the operating system.
        """
        return cls(f"{where}: cannot be used: {error.strerror or error}.")


class SweepStopped(MnistSweepError):
    """The sweep cannot continue; finished trials stay finished."""

    exit_code = 1


class SweepUnfinished(SweepStopped):
    """All workers have ended without an error, and the sweep has budget left; the same command continues."""

    exit_code = 3


class WriteRefused(SweepStopped):
    """The disk stores nothing: it is full or read-only, or a limit is exceeded. The trial has not failed."""

    @classmethod
    def at(cls, where: str, number: int) -> WriteRefused:
        """Error for a file that could not be written.

        Args:
            where: Path of the file, or a description.
            number: Error number of the operating system, a key of `REMEDIES`.
        """
        remedy = f"{REMEDIES[number]}; then the same command continues."
        return cls(f"{where}: cannot be written: {os.strerror(number)}. {remedy}")


class TrialPruned(MnistSweepError):
    """An unpromising trial is given up; a function of a trial raises it where `Trial.should_stop` is true.

    The trial is recorded as pruned, with the best value that it has reported. The sweep continues.
    """


class LeaseLost(MnistSweepError):
    """Another worker owns the trial, because this one wrote no heartbeat for too long; its work is discarded."""


class TrialFailed(MnistSweepError):
    """One trial failed, for the reason in the message; the sweep continues with the next one."""


class TrialLimited(TrialFailed):
    """A trial exceeded a limit of the configuration (`trial.timeout_minutes`, `trial.max_parameters`)."""


class ConstraintViolated(TrialLimited):
    """A model violates a constraint on its number of parameters, so it is not trained.

    Args:
        message: Reason.
        quantities: Known quantities of the trial.

    Attributes:
        quantities: Known quantities of the trial.
    """

    def __init__(self, message: str, quantities: Mapping[str, float]) -> None:
        super().__init__(message)
        self.quantities = dict(quantities)


# What removes the cause of a refused write, by error number.
REMEDIES = {
    errno.ENOSPC: "Free disk space",
    errno.EDQUOT: "Free space in your disk quota, or raise the quota",
    errno.EFBIG: "Raise the limit of the file size (ulimit -f)",
    errno.EROFS: "Mount the file system for writing",
}

# HDF5 gives the error number only in the message: "(unable to close file, errno = 28, error message = ...".
_HDF5_NUMBER = re.compile(r"errno = (\d+)")


def refused_write(error: BaseException, where: str) -> WriteRefused | None:
    """The refused write that caused an error; None if another cause did.

    Args:
        error: Any exception; its causes and contexts are examined too.
        where: Path or description of what was written, for an error of the operating system.

    Example:
        >>> str(refused_write(OSError(errno.ENOSPC, "No space left on device"), "a.txt"))
        'a.txt: cannot be written: No space left on device. Free disk space; then the same command continues.'
        >>> refused_write(FileNotFoundError(2, "No such file"), "a.txt") is None
        True
    """
    for one in _chain(error):
        if isinstance(one, WriteRefused):
            return one
        in_message = _HDF5_NUMBER.search(message_of(one))
        number = one.errno if isinstance(one, OSError) and one.errno else in_message and int(in_message[1])
        if number in REMEDIES:
            return WriteRefused.at(where, number)
    return None


def refused_access(error: BaseException, folder: str) -> FileError | None:
    """The missing right for a file in a folder that caused an error; None if another cause did.

    Args:
        error: Any exception; its causes and contexts are examined too.
        folder: Path of the folder.
    """
    for one in _chain(error):
        if isinstance(one, PermissionError) and str(one.filename).startswith(folder.rstrip("/") + "/"):
            return FileError.at(_file_of(one, folder), one)
    return None


def names_file_in(error: BaseException, folder: str) -> bool:
    """Whether the message of an error names a file in a folder.

    Args:
        error: Any exception; its causes and contexts are examined too.
        folder: Path of the folder.
    """
    return any(folder.rstrip("/") + "/" in message_of(one) for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, its cause or context, the cause of that, and so on."""
    seen: dict[int, BaseException] = {}  # by identity: a user's exception may define equality
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen[id(following)] = following
        yield following
        following = following.__cause__ or following.__context__


@contextlib.contextmanager
def translate_refused_writes(where: str) -> Iterator[None]:
    """Raise an `OSError` of a refused write as `WriteRefused`; other errors pass unchanged.

    Args:
        where: Path or description of what is written, for errors that do not name a file.

    Raises:
        WriteRefused: The disk is full or read-only, or a limit is exceeded.
    """
    try:
        yield
    except OSError as error:
        refused = refused_write(error, _file_of(error, where))
        if refused is None:
            raise
        raise refused from error


@contextlib.contextmanager
def translate_os_errors(where: str) -> Iterator[None]:
    """Raise every `OSError` as an error with one line for the user, except that of a closed pipe.

    Args:
        where: Path or description of what is read or written, for errors that do not name a file.

    Raises:
        WriteRefused: The disk is full or read-only, or a limit is exceeded.
        FileError: A file or a folder cannot be used for another reason.
    """
    try:
        with translate_refused_writes(where):
            yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError.at(_file_of(error, where), error) from error


def _file_of(error: OSError, where: str) -> str:
    """File of an error; of two files it is the one that the program wanted to create."""
    return str(error.filename2 or error.filename or where)


def suggest(received: str, known: Iterable[str], max_names: int = 12) -> str:
    """Phrase for an error message: the known name that is nearest to the received one, then the known names.

    Args:
        received: Name that the user typed.
        known: Valid names.
        max_names: Maximum number of names to list.

    Returns:
        Phrase, for example ``"did you mean 'adam'? Known: 'adam', 'rmsprop', 'sgd'"``; empty if `known` is empty.

    Example:
        >>> suggest("adm", ["sgd", "adam"])
        "did you mean 'adam'? Known: 'adam', 'sgd'"
    """
    ordered = sorted(known)
    if not ordered:
        return ""
    nearest = difflib.get_close_matches(received, ordered, n=max_names, cutoff=0.5)
    listed = (nearest + [name for name in ordered if name not in nearest])[:max_names]
    names = ", ".join(repr(name) for name in listed) + (", ..." if len(ordered) > max_names else "")
    return f"did you mean {nearest[0]!r}? Known: {names}" if nearest else f"Known: {names}"
