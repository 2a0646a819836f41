"""Any exception as one printable line for the user: class and message, without secrets and tracebacks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from mnistsweep.errors import MnistSweepError
from mnistsweep.printable import message_of, printable
from mnistsweep.redaction import mask

# TensorFlow starts a message with the operation that failed: "{{function_node __wrapped__...:CPU:0}} OOM ...". Keras
# colors parts of a message for a terminal.
_NOISE = re.compile(r"\{\{\w+ [^}]*\}\}|\x1b\[[0-9;]*m")

# TensorFlow appends the traceback of a Python function that it called, such as a generator of examples.
_TRACEBACK = "Traceback (most recent call last)"

MAX_DESCRIPTION_LENGTH = 300

# Number of exceptions in a group that its description lists.
MAX_DESCRIBED_MEMBERS = 3


def describe_error(error: BaseException) -> str:
    """Describe an error in one printable line of at most `MAX_DESCRIPTION_LENGTH` characters.

    Args:
        error: Any exception. The class name is part of the description unless mnistsweep raised the error on purpose.
            The first members of an exception group follow its message.

    Example:
        >>> describe_error(ValueError("units must be positive,\\nreceived 0"))
        'ValueError: units must be positive, received 0'
    """
    line = printable("; ".join(map(_one_line, (error, *itertools.islice(_members(error), MAX_DESCRIBED_MEMBERS)))))
    return line if len(line) <= MAX_DESCRIPTION_LENGTH else line[: MAX_DESCRIPTION_LENGTH - 3] + "..."


def _one_line(error: BaseException) -> str:
    """The class and the message of an error, without the traceback that TensorFlow appends to it."""
    message = _NOISE.sub("", mask(message_of(error))).partition(_TRACEBACK)[0]
    text = " ".join(message.split())
    if isinstance(error, MemoryError) and not text:
        text = "the process ran out of memory"
    return text if isinstance(error, MnistSweepError) else f"{type(error).__name__}: {text}".removesuffix(": ")


def _members(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in an exception group; groups in it are replaced by their members."""
    for one in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _members(one) if isinstance(one, BaseExceptionGroup) else (one,)
