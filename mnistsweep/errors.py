"""Every error that mnistsweep raises on purpose, one small tree.

::

    MnistSweepError            exit code 2: something the user can mend
    ├── ConfigError            a key, a value or a preset that cannot be used
    │   └── SpaceError         a range that is empty, contradictory or not searchable
    ├── DataError              a data file that is missing, damaged or does not fit
    ├── StudyError             a ledger that cannot be opened or belongs to another sweep
    ├── SweepStopped           the sweep cannot go on (too many failures in a row, ...)
    │   └── DiskFull           nothing can be written any more
    ├── LeaseLost              this trial belongs to another worker now; its work here is dropped
    └── TrialFailed            this trial failed; the sweep goes on
        └── TrialLimited       by a limit of the configuration, which is no sign that the sweep is broken

A message gives the rule, the value received, the nearest right one and where it was found. `suggest` writes the
"nearest right one" part the same way everywhere.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import re
from collections.abc import Iterable, Iterator


class MnistSweepError(Exception):
    """Base of all errors raised on purpose; the command line prints it and exits with `exit_code`."""

    exit_code = 2


class ConfigError(MnistSweepError):
    """A key, a value or a preset in the configuration that cannot be used."""


class SpaceError(ConfigError):
    """A search space that is empty, contradictory or not searchable by the chosen oracle."""


class DataError(MnistSweepError):
    """A data file that is missing, damaged, or whose arrays do not fit together."""


class StudyError(MnistSweepError):
    """A ledger that cannot be opened, or that belongs to another search."""


class SweepStopped(MnistSweepError):
    """The sweep cannot go on; what has finished stays finished."""

    exit_code = 1


class DiskFull(SweepStopped):
    """Nothing can be written any more: no trial is to blame, and the same command continues when there is room."""

    @classmethod
    def at(cls, where: str, error: OSError) -> DiskFull:
        """The error for a file that could not be written.

        Args:
            where: The file, or what it is.
            error: What the operating system said.
        """
        return cls(f"{where}: cannot be written: {error.strerror or error}. Make room; the same command continues.")


class LeaseLost(MnistSweepError):
    """The trial belongs to another worker now: this one was away for too long, and drops its work."""


class TrialFailed(MnistSweepError):
    """One trial failed for the reason given; the sweep goes on with the next."""


class TrialLimited(TrialFailed):
    """A trial went past a limit of the configuration (`trial.timeout_minutes`, `trial.max_parameters`)."""


# No room left, quota used up, largest size of a file reached, file system read-only.
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)

# HDF5 hides the number in the text of some of its errors: "(unable to close file, errno = 28, error message = ...".
_HDF5_NUMBER = re.compile(r"errno = (\d+)")

# TensorFlow starts a message with the operation that failed: "{{function_node __wrapped__...:CPU:0}} OOM ...".
_TENSORFLOW_NODE = re.compile(r"\{\{\w+ [^}]*\}\}")

MAX_DESCRIPTION_LENGTH = 300


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, comes from a disk, or a share of it, that takes nothing more.

    Example:
        >>> is_disk_full(OSError(errno.ENOSPC, "No space left on device"))
        True
        >>> is_disk_full(FileNotFoundError(2, "No such file"))
        False
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        hidden = _HDF5_NUMBER.search(str(error))
        number = error.errno if isinstance(error, OSError) and error.errno else hidden and int(hidden[1])
        if isinstance(error, DiskFull) or number in _DISK_FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


@contextlib.contextmanager
def translate_disk_full(where: str) -> Iterator[None]:
    """Turn an error of the operating system into a `DiskFull`, where it is one.

    Args:
        where: What could not be written, if the error does not say.
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


def suggest(received: str, known: Iterable[str], most: int = 12) -> str:
    """Say which known name is nearest to the one received, then list the known ones.

    Args:
        received: What the user typed.
        known: The names that would have been right.
        most: How many names to list at the most.

    Returns:
        A phrase to append to an error message, for example
        ``"did you mean 'adam'? Known: 'adam', 'rmsprop', 'sgd'"``; empty where nothing is known.

    Example:
        >>> suggest("adm", ["sgd", "adam"])
        "did you mean 'adam'? Known: 'adam', 'sgd'"
    """
    ordered = sorted(known)
    if not ordered:
        return ""
    nearest = difflib.get_close_matches(received, ordered, n=most, cutoff=0.5)
    listed = (nearest + [name for name in ordered if name not in nearest])[:most]
    names = ", ".join(repr(name) for name in listed) + (", ..." if len(ordered) > most else "")
    return f"did you mean {nearest[0]!r}? Known: {names}" if nearest else f"Known: {names}"
