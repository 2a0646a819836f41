"""Text made safe for a terminal, a log, a CSV file and an HTML page; the standard streams."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

# Control characters except tab and line feed (C0, DEL, C1), bidirectional overrides and isolates, lone surrogates.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Return a text with its control characters escaped, as Python's `repr` shows them.

    A terminal executes control sequences, bidirectional overrides change the order of what is shown, lone surrogates
    cannot be encoded. Names, values, paths and messages of users may contain them. A second call changes nothing.

    Args:
        text: Any text; tabs and line feeds are kept.

    Example:
        >>> printable("\x1b[31mred\x1b[0m\r\udc80 caf\u00e9")
        '\\x1b[31mred\\x1b[0m\\x0d\\udc80 café'
    """
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


# Maximum length of a message that is read from an exception, in characters.
MAX_MESSAGE_LENGTH = 10_000


def message_of(error: BaseException) -> str:
    """Return the message of an exception of users' code, which may be huge, or fail to be made.

    Args:
        error: Any exception.

    Returns:
        At most `MAX_MESSAGE_LENGTH` characters, not yet printable.
    """
    try:
        return str.__getitem__(str(error), slice(MAX_MESSAGE_LENGTH))
    except BaseException as failure:  # a `__str__` may raise anything, also SystemExit
        return f"(no message: its __str__ raised {type(failure).__name__})"


def make_streams_safe() -> None:
    """Let the standard streams escape what their encoding cannot represent, in place of an error.

    A process that was started without one of them writes to the null device in its place.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def write_document(text: str) -> None:
    """Write a document, such as a YAML file, to the standard output: unchanged in UTF-8, except to a terminal.

    Args:
        text: Content of the document.
    """
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None or sys.stdout.isatty():
        sys.stdout.write(printable(text))
        return
    sys.stdout.flush()
    buffer.write(text.encode("utf-8", "backslashreplace"))
    buffer.flush()
