"""Ownership of a running trial: the worker that runs it, and how often its workers have crashed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_CRASHES = 2
"""Number of worker crashes without progress in between after which a trial is recorded as failed.

Such a configuration exhausts the memory or causes a segmentation fault.
"""

Progress = tuple[int, int]
"""Progress of a trial: its last reported epoch, and the modification time of its resume file in nanoseconds.

The resume file is also written by repeats, which report no epochs; its time is 0 if there is no file.
"""


@dataclass(frozen=True)
class Ownership:
    """Ownership of a running trial. It is always written as a whole, so that no crash is counted twice.

    Attributes:
        owner: Name of the worker that runs the trial; empty if no worker does.
        num_crashes: Number of worker crashes since the trial reached `progress`.
        progress: Progress of the trial when the owner took it over; None if unknown.
    """

    owner: str
    num_crashes: int = 0
    progress: Progress | None = (0, 0)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Ownership:
        """Ownership as the ledger stores it.

        Args:
            stored: Mapping with the keys `owner`, `deaths` and, usually, `done`.
        """
        done = stored.get("done")
        return cls(stored["owner"], stored["deaths"], None if done is None else (done[0], done[1]))

    def to_json(self) -> dict[str, Any]:
        """Mapping that the ledger stores."""
        return {"owner": self.owner, "deaths": self.num_crashes, "done": self.progress and list(self.progress)}

    def taken_over(self, owner: str, progress: Progress, has_crashed: bool) -> Ownership:
        """Ownership after another worker has taken the trial over.

        Args:
            owner: Name of the new owner.
            progress: Progress of the trial now. Progress since the last take-over resets the number of crashes.
            has_crashed: Whether the previous owner has crashed.
        """
        crashes_before = self.num_crashes if progress == self.progress else 0
        return Ownership(owner, crashes_before + has_crashed, progress)
