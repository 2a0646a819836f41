"""Errors that mnistsweep raises for its users, one small tree.

::

    MnistSweepError            exit code 2: an error that the user can correct
    ├── ConfigError            a key, a value or a preset that cannot be used
    │   └── SpaceError         a search space that is empty, contradictory or not searchable
    ├── DataError              a data file that is missing, damaged or does not fit the others
    ├── StudyError             a ledger that cannot be used or belongs to another search
    ├── SweepStopped           exit code 1: the sweep cannot continue (too many failed trials, ...)
    │   └── DiskFull           no file can be written
    ├── LeaseLost              another worker owns the trial; the work of this one is discarded
    └── TrialFailed            one trial failed; the sweep continues
        └── TrialLimited       a limit of the configuration ended the trial; the sweep is healthy

A message contains the rule, the value received, the nearest valid value, and the place of the error. `suggest` writes
the nearest valid value the same way everywhere.

Other modules define no errors for users. They define exceptions for control flow, which never leave the package, and
`tuner.fatal_errors` derives variants of two errors of the tree, because KerasTuner passes only its own class on.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import re
from collections.abc import Iterable, Iterator


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


class SweepStopped(MnistSweepError):
    """The sweep cannot continue; finished trials stay finished."""

    exit_code = 1


class DiskFull(SweepStopped):
    """No file can be written. The trial has not failed; the same command continues when there is free disk space."""

    @classmethod
    def at(cls, where: str, error: OSError) -> DiskFull:
        """Error for a file that could not be written.

        Args:
            where: Path of the file, or a description.
            error: Error of the operating system.
        """
        reason = error.strerror or error
        return cls(f"{where}: cannot be written: {reason}. Free disk space; then the same command continues.")


class LeaseLost(MnistSweepError):
    """Another worker owns the trial, because this one wrote no heartbeat for too long; its work is discarded."""


class TrialFailed(MnistSweepError):
    """One trial failed, for the reason in the message; the sweep continues with the next one."""


class TrialLimited(TrialFailed):
    """A trial exceeded a limit of the configuration (`trial.timeout_minutes`, `trial.max_parameters`)."""


# Disk full, quota exceeded, maximum file size exceeded, file system mounted read-only.
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)

# HDF5 gives the error number only in the message: "(unable to close file, errno = 28, error message = ...".
_HDF5_NUMBER = re.compile(r"errno = (\d+)")

# TensorFlow starts a message with the operation that failed: "{{function_node __wrapped__...:CPU:0}} OOM ...".
_TENSORFLOW_NODE = re.compile(r"\{\{\w+ [^}]*\}\}")

MAX_DESCRIPTION_LENGTH = 300


def is_disk_full(error: BaseException | None) -> bool:
    """Whether a full or read-only disk, or an exceeded quota, caused an error.

    Args:
        error: Any exception; its causes and contexts are examined too.

    Example:
        >>> is_disk_full(OSError(errno.ENOSPC, "No space left on device"))
        True
        >>> is_disk_full(FileNotFoundError(2, "No such file"))
        False
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        in_message = _HDF5_NUMBER.search(str(error))
        number = error.errno if isinstance(error, OSError) and error.errno else in_message and int(in_message[1])
        if isinstance(error, DiskFull) or number in _DISK_FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


@contextlib.contextmanager
def translate_disk_full(where: str) -> Iterator[None]:
    """Raise an `OSError` of a full disk as `DiskFull`; other errors pass unchanged.

    Args:
        where: Path or description of what is written, for errors that do not name a file.

    Raises:
        DiskFull: The disk is full.
    """
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DiskFull.at(str(error.filename or where), error) from error


def describe_error(error: BaseException) -> str:
    """Describe an error in one line of at most `MAX_DESCRIPTION_LENGTH` characters.

    Args:
        error: Any exception. The class name is part of the description unless mnistsweep raised the error on purpose.

    Example:
        >>> describe_error(ValueError("units must be positive,\\nreceived 0"))
        'ValueError: units must be positive, received 0'
    """
    text = " ".join(_TENSORFLOW_NODE.sub("", str(error)).split())
    line = text if isinstance(error, MnistSweepError) else f"{type(error).__name__}: {text}".removesuffix(": ")
    return line if len(line) <= MAX_DESCRIPTION_LENGTH else line[: MAX_DESCRIPTION_LENGTH - 3] + "..."


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
