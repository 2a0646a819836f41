"""Sessions: the starts of a sweep, recorded in its ledger.

A session is one start of the sweep with all its workers. Its record limits what concerns it: failures and stop requests
before the start do not count. The running times of all sessions add up to the hours of the sweep.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from optuna.storages import BaseStorage

# Prefix of the study attributes that hold sessions.
_PREFIX = "session:"

# Resolution of the recorded running time, so that waiting workers do not fill the ledger.
_RESOLUTION_SECONDS = 5.0


@dataclass(frozen=True)
class Session:
    """One start of a sweep.

    Attributes:
        started: Time of the start, in seconds since the epoch.
        last_active: Last recorded time at which the session was running, in seconds since the epoch.
        num_failed_before: Number of failed trials before the start.
        num_stops_before: Number of stop requests before the start.
    """

    started: float
    last_active: float
    num_failed_before: int = 0
    num_stops_before: int = 0

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Session:
        """Session as the ledger stores it.

        Args:
            stored: Mapping with the keys `begun`, `last`, `failures_before` and `stops`.
        """
        failed, stops = int(stored.get("failures_before", 0)), int(stored.get("stops", 0))
        return cls(stored["begun"], stored["last"], failed, stops)

    def to_json(self) -> dict[str, Any]:
        """Mapping that the ledger stores."""
        return {
            "begun": self.started,
            "last": self.last_active,
            "failures_before": self.num_failed_before,
            "stops": self.num_stops_before,
        }


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
        attrs = self._storage.get_study_user_attrs(self._study_id)
        return {
            key.removeprefix(_PREFIX): Session.from_json(stored)
            for key, stored in attrs.items()
            if key.startswith(_PREFIX)
        }

    def write(self, name: str, session: Session) -> None:
        """Record a session. The caller holds the ledger lock.

        Args:
            name: Name of the session.
            session: Session to record; it replaces the one of that name.
        """
        self._storage.set_study_user_attr(self._study_id, f"{_PREFIX}{name}", session.to_json())

    def record_activity(self, name: str, now: float) -> None:
        """Record that a session is running, at most every five seconds. The caller holds the ledger lock.

        Args:
            name: Name of the session.
            now: Current time in seconds since the epoch.
        """
        session = self.read()[name]
        if now - session.last_active >= _RESOLUTION_SECONDS:
            self.write(name, replace(session, last_active=now))

    def hours(self) -> float:
        """Running time over all sessions, in hours. Time in which two sessions ran at once counts once."""
        seconds, until = 0.0, -math.inf
        for session in sorted(self.read().values(), key=lambda session: (session.started, session.last_active)):
            seconds += max(0.0, session.last_active - max(session.started, until))
            until = max(until, session.last_active)
        return seconds / 3600
