"""The log line that names the engine of a training, and why it was chosen."""

from __future__ import annotations

import logging

LOGGER = logging.getLogger("mnistsweep.engine")
"""Logger of these lines, level INFO; a worker writes them to its log."""

_written: list[str] = []


def announce_engine(name: str, reason: str) -> None:
    """Log which engine trains, unless the last line was the same.

    Args:
        name: Name of the engine.
        reason: Why it was chosen.

    Example:
        ``engine: resident (arrays of 52.1 MB fit the device)``
    """
    text = f"engine: {name} ({reason})"
    if _written != [text]:
        _written[:] = [text]
        LOGGER.info(text)
