"""Sessions: the starts of a sweep, and the running time over all of them, recorded in its ledger.

A session is one start of the sweep with all its workers. Its record holds the numbers of failures and stop
requests before the start, because these do not count in the session.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.storages import BaseStorage

# Prefix of the study attributes that hold sessions.
_PREFIX = "session:"

# Study attribute that holds the running time in seconds (see `running_time`).
_RUNNING_SECONDS = "running_seconds"


@dataclass(frozen=True)
class Session:
    """One start of a sweep.

    Attributes:
        started: Time of the start, in seconds since the epoch; only for display, because a clock may be wrong.
        num_failed_before: Number of failed trials before the start.
        num_stops_before: Number of stop requests before the start.
    """

    started: float
    num_failed_before: int = 0
    num_stops_before: int = 0

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Session:
        """Session as the ledger stores it.

        Args:
            stored: Mapping with the keys `begun`, `failures_before` and `stops`.
        """
        return cls(stored["begun"], int(stored.get("failures_before", 0)), int(stored.get("stops", 0)))

    def to_json(self) -> dict[str, Any]:
        """Mapping that the ledger stores."""
        return {"begun": self.started, "failures_before": self.num_failed_before, "stops": self.num_stops_before}


class Sessions:
    """Sessions of one sweep, by name.

    Args:
        storage: Optuna storage of the ledger.
        study_id: Identifier of the study in the storage.
    """

    def __init__(self, storage: BaseStorage, study_id: int) -> None:
        self._storage = storage
        self._study_id = study_id

    def read(self) -> dict[str, Session]:
        """All sessions by name."""
        return {name: Session.from_json(stored) for name, stored in _stored_sessions(self._attrs()).items()}

    def last(self) -> Session | None:
        """The session that started last, by what had happened before; None before the first start."""
        return max(self.read().values(), key=lambda s: (s.num_stops_before, s.num_failed_before), default=None)

    def write(self, name: str, session: Session) -> None:
        """Record a session. The caller holds the ledger lock.

        Args:
            name: Name of the session.
            session: Session to record; it replaces the one of that name.
        """
        self._storage.set_study_user_attr(self._study_id, f"{_PREFIX}{name}", session.to_json())

    def running_seconds(self) -> float:
        """Recorded running time over all sessions, in seconds."""
        attrs = self._attrs()
        recorded = attrs.get(_RUNNING_SECONDS)
        return _seconds_by_wall_clock(_stored_sessions(attrs)) if recorded is None else float(recorded)

    def write_running_seconds(self, seconds: float) -> None:
        """Record the running time. The caller holds the ledger lock.

        Args:
            seconds: Running time over all sessions, in seconds.
        """
        self._storage.set_study_user_attr(self._study_id, _RUNNING_SECONDS, seconds)

    def _attrs(self) -> dict[str, Any]:
        return self._storage.get_study_user_attrs(self._study_id)


def _stored_sessions(attrs: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {key.removeprefix(_PREFIX): stored for key, stored in attrs.items() if key.startswith(_PREFIX)}


def _seconds_by_wall_clock(sessions: Mapping[str, Mapping[str, Any]]) -> float:
    """Running time of the sessions of version 0.1, which recorded the time of their last activity."""
    seconds, until = 0.0, -math.inf
    for begun, last in sorted((s["begun"], s["last"]) for s in sessions.values() if "last" in s):
        seconds += max(0.0, last - max(begun, until))
        until = max(until, last)
    return seconds
