"""Ownership of a running trial: the worker that runs it, and how often its workers have crashed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mnistsweep.study.records import Result, from_stored, to_stored

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
        until: Last epoch of the job that the owner runs; None: the last epoch of the training.
        paused: Result when the trial was paused last; None if it was never paused.
        is_paused: Whether the trial is paused now; then it has no owner.
        repeated: Number of epochs that were trained again because the checkpoint was gone.
        base: Epoch after which the job continues, from a checkpoint; 0 if it trains from the first epoch.
    """

    owner: str
    num_crashes: int = 0
    progress: Progress | None = (0, 0)
    until: int | None = None
    paused: Result | None = None
    is_paused: bool = False
    repeated: int = 0
    base: int = 0

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Ownership:
        """Ownership as the ledger stores it.

        Args:
            stored: Mapping with the keys `owner`, `deaths` and, usually, `done`; `until`, `paused`, `is_paused`,
                `repeated` and `base` if they are set.
        """
        done, paused = stored.get("done"), stored.get("paused")
        return cls(
            stored["owner"],
            stored["deaths"],
            None if done is None else (done[0], done[1]),
            stored.get("until"),
            None if paused is None else from_stored(paused),
            stored.get("is_paused", False),
            stored.get("repeated", 0),
            stored.get("base", 0),
        )

    def to_json(self) -> dict[str, Any]:
        """Mapping that the ledger stores; without the parts that only a search with pauses needs, if they are unset."""
        pause = {
            "until": self.until,
            "paused": None if self.paused is None else to_stored(self.paused),
            "is_paused": self.is_paused or None,
            "repeated": self.repeated or None,
            "base": self.base or None,
        }
        stored = {"owner": self.owner, "deaths": self.num_crashes, "done": self.progress and list(self.progress)}
        return stored | {key: value for key, value in pause.items() if value is not None}

    def when_paused(self, result: Result) -> Ownership:
        """Ownership of a trial that has reached the last epoch of its job: it has no owner.

        Args:
            result: Result so far.
        """
        return Ownership("", paused=result, is_paused=True, repeated=self.repeated)

    def taken_over(self, owner: str, progress: Progress, has_crashed: bool) -> Ownership:
        """Ownership after another worker has taken the trial over.

        Args:
            owner: Name of the new owner.
            progress: Progress of the trial now. Progress since the last take-over resets the number of crashes.
            has_crashed: Whether the previous owner has crashed.
        """
        crashes_before = self.num_crashes if progress == self.progress else 0
        return replace(self, owner=owner, num_crashes=crashes_before + has_crashed, progress=progress)
