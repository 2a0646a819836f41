"""Writing to a disk that may be full: checkpoints of other trials can make room."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mnistsweep.errors import refused_write

T = TypeVar("T")


def with_space(write: Callable[[], T], free_space: Callable[[], bool]) -> T:
    """Call a function that writes a file; while the disk refuses it, make room and call it again.

    Args:
        write: Function that writes a file as a whole.
        free_space: Function that removes files which are not needed; returns whether it has removed any.

    Returns:
        What `write` returns.

    Raises:
        OSError: The disk refuses the file, and nothing is left to remove.

    Example:
        >>> with_space(lambda: "written", lambda: False)
        'written'
    """
    while True:
        try:
            return write()
        except OSError as error:
            if refused_write(error, "") is None or not free_space():
                raise
