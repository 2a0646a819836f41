"""A database that does not answer for a while: workers wait for it, and trainings go on meanwhile."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from mnistsweep.errors import LedgerUnreachable
from mnistsweep.text import format_duration

LOGGER = logging.getLogger("mnistsweep")

MAX_OUTAGE_SECONDS = 600.0
"""Time that a worker without anything else to do waits for a database: a restart of a server, also of a slow one."""

RETRY_SECONDS = 2.0
"""Time between two attempts."""

Returned = TypeVar("Returned")


class Outage:
    """Repeats what a worker asks of the ledger until its database answers, for a limited time.

    Args:
        max_seconds: Maximum time to wait in seconds; 0: an outage is an error at once.
        should_stop: Whether the worker is asked to stop; then it does not wait.
        monotonic: Monotonic clock in seconds.
        wait: Function that waits for a number of seconds.

    Attributes:
        num_failures: Number of attempts so far that got no answer.
    """

    def __init__(
        self,
        max_seconds: float = 0.0,
        should_stop: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.num_failures = 0
        self._max_seconds = max_seconds
        self._should_stop = should_stop
        self._monotonic = monotonic
        self._wait = wait
        self._since: float | None = None
        self._last_attempt = -RETRY_SECONDS

    def wait_for(self, ask: Callable[[], Returned]) -> Returned:
        """Call a function until the database answers.

        Args:
            ask: Function that may be called again after `LedgerUnreachable`.

        Returns:
            What it returned.

        Raises:
            LedgerUnreachable: The database has not answered for the maximum time, or the worker is asked to stop.
        """
        start = self._monotonic()
        while True:
            try:
                answer = ask()
            except LedgerUnreachable as error:
                self._note(error)
                if self._should_stop() or not self._max_seconds:
                    raise
                if self._monotonic() - start >= self._max_seconds:
                    waited = format_duration(self._monotonic() - start)
                    raise LedgerUnreachable(
                        f"{error} (for {waited}). Start the database; then the same command continues"
                    ) from error
                self._wait(RETRY_SECONDS)
            else:
                self._note_answer()
                return answer

    def try_to(self, ask: Callable[[], Returned]) -> Returned | None:
        """Call a function if an attempt is due; None if it is not, or if the database does not answer.

        Args:
            ask: Function that may be called again after `LedgerUnreachable`.

        Raises:
            LedgerUnreachable: The database does not answer, and this object does not wait.
        """
        if self._since is not None and self._monotonic() - self._last_attempt < RETRY_SECONDS:
            return None
        try:
            answer = ask()
        except LedgerUnreachable as error:
            self._note(error)
            if not self._max_seconds:
                raise
            return None
        self._note_answer()
        return answer

    def _note(self, error: LedgerUnreachable) -> None:
        self.num_failures += 1
        if not self._max_seconds:
            return
        self._last_attempt = self._monotonic()
        if self._since is None:
            self._since = self._last_attempt
            limit = format_duration(self._max_seconds)
            LOGGER.warning("%s. A training goes on; then the worker waits for at most %s", error, limit)

    def _note_answer(self) -> None:
        if self._since is not None:
            LOGGER.warning("the ledger answers again after %s", format_duration(self._monotonic() - self._since))
        self._since = None
