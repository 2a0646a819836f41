"""Why a sweep ended or was stopped; claims, summaries and `status` use the same reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

SAME_COMMAND = "the same command continues"
ANOTHER_SEARCH = "another search: name=NAME"


class Limit(Enum):
    """What ends or stops a sweep."""

    TRIALS = "trials"
    POINTS = "points of the search space"
    HOURS = "hours"
    TOTAL_EPOCHS = "total_epochs"
    ORACLE = "points of the oracle"
    FAILED_TRIALS = "failed trials"
    STOP_REQUEST = "request to stop"


@dataclass(frozen=True)
class Ending:
    """Why a sweep ended or was stopped.

    Attributes:
        limit: What ended the sweep.
        reason: Reason with its numbers, without a full stop.
        remedy: How to go on, without a full stop.

    Example:
        >>> str(Ending(Limit.TRIALS, "the budget of 20 trials (trials=20) was used", "more: trials=N"))
        'ended: the budget of 20 trials (trials=20) was used; more: trials=N.'
    """

    limit: Limit
    reason: str
    remedy: str

    @property
    def is_stopped(self) -> bool:
        """Whether the sweep was stopped before it had nothing left to do."""
        return self.limit in (Limit.FAILED_TRIALS, Limit.STOP_REQUEST)

    @property
    def is_request(self) -> bool:
        """Whether `mnistsweep stop` stopped the sweep."""
        return self.limit is Limit.STOP_REQUEST

    def __str__(self) -> str:
        return f"{'stopped' if self.is_stopped else 'ended'}: {self.reason}; {self.remedy}."
