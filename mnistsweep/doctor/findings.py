"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Attributes:
        level: How much it matters. A fault makes sweeps fail, or their results wrong; a note may surprise.
        subject: What was checked, in one or two words.
        text: What was found; for a fault also what to do.
    """

    level: Level
    subject: str
    text: str


def ok(subject: str, text: str) -> Finding:
    """A finding without a fault.

    Args:
        subject: What was checked.
        text: What was found.
    """
    return Finding(Level.OK, subject, text)


def note(subject: str, text: str) -> Finding:
    """A finding that may surprise.

    Args:
        subject: What was checked.
        text: What was found.
    """
    return Finding(Level.NOTE, subject, text)


def fault(subject: str, text: str) -> Finding:
    """A finding that makes sweeps fail, or their results wrong.

    Args:
        subject: What was checked.
        text: What was found, and what to do.
    """
    return Finding(Level.FAULT, subject, text)
