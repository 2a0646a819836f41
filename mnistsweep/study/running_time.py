"""The running time of a sweep, which `hours` limits: the time in which at least one of its processes runs.

The ledger holds it as one number of seconds, over all sessions. Time in which several processes run, of one session or
of several, counts once.

The command and each worker measure with a monotonic clock, which no change of the date or time affects. Monotonic
clocks of different hosts cannot be compared. They need not be: a process that read *s* seconds in the ledger and has
run for *d* seconds since then knows that the running time is at least *s + d*. It replaces the number in the ledger if
its own is larger. The number therefore never exceeds the true running time. A process that exits records its time
exactly. The number falls short only where a process is killed, or ends while others run: by the `RESOLUTION_SECONDS`
at which they record it, plus a tick.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable
from types import TracebackType

from mnistsweep.repeating_thread import RepeatingThread
from mnistsweep.study.coordination import Coordinator
from mnistsweep.study.sessions import Sessions

RESOLUTION_SECONDS = 10.0
"""Running time after which a process records it, so that long trials do not fill the ledger."""

TICK_SECONDS = 2.0
"""Time between two readings of the clock."""

MAX_GAP_SECONDS = 10.0
"""Maximum time that counts between two readings of the clock: a longer gap means that the process was stopped."""

EXIT_SECONDS = 5.0
"""Maximum time that a process waits at its exit to record its time: a suspended worker may hold the ledger lock."""


class Stopwatch:
    """The time in which this process has run.

    The monotonic clock of Linux stands still while the machine is suspended. It continues while the process is stopped
    (SIGSTOP, a paused container, SLURM's SUSPEND), so a gap between two readings counts as at most `MAX_GAP_SECONDS`.

    Args:
        monotonic: Monotonic clock in seconds; it is read at least every `TICK_SECONDS`.

    Example:
        >>> readings = iter([7.0, 9.0, 5000.0])
        >>> stopwatch = Stopwatch(lambda: next(readings))
        >>> stopwatch.read(), stopwatch.read()
        (2.0, 12.0)
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last_reading = monotonic()
        self._seconds = 0.0

    def read(self) -> float:
        """Time in which the process has run since this object was made, in seconds."""
        now = self._monotonic()
        self._seconds += min(now - self._last_reading, MAX_GAP_SECONDS)
        self._last_reading = now
        return self._seconds


class RunningTime:
    """Running time of a sweep as one of its processes measures it.

    As a context manager it records the time from a thread of its own, and exactly at the end.

    Args:
        sessions: Sessions of the sweep, which hold the recorded running time.
        coordinator: Holder of the ledger lock.
        monotonic: Monotonic clock in seconds.
    """

    def __init__(
        self, sessions: Sessions, coordinator: Coordinator, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._sessions = sessions
        self._coordinator = coordinator
        self._stopwatch = Stopwatch(monotonic)
        self._recorded = 0.0
        self._offset = -math.inf
        self._measuring = threading.Lock()
        self._thread = RepeatingThread("running time", TICK_SECONDS, self._try_to_record, self._try_to_record_exactly)
        self.seconds()

    def seconds(self) -> float:
        """Current running time in seconds, over all processes and sessions."""
        recorded = self._sessions.running_seconds()
        with self._measuring:  # the stopwatch is read after the ledger: the sum is never too large
            own = self._stopwatch.read()
            self._recorded = max(self._recorded, recorded)
            self._offset = max(self._offset, recorded - own)
            return self._offset + own

    def record(self, exactly: bool = False) -> None:
        """Record the running time. The caller holds the ledger lock.

        Args:
            exactly: Whether to record also what is less than `RESOLUTION_SECONDS`.
        """
        if not (exactly or self._is_due()):
            return
        seconds = self.seconds()  # another process may have recorded it
        if seconds > self._recorded and (exactly or self._is_due()):
            self._sessions.write_running_seconds(seconds)
            self._recorded = seconds

    def __enter__(self) -> RunningTime:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.stop(EXIT_SECONDS)

    def _is_due(self) -> bool:
        """Whether the time must be recorded, unless another process has done so; the ledger is not read."""
        with self._measuring:
            return self._offset + self._stopwatch.read() - self._recorded >= RESOLUTION_SECONDS

    def _try_to_record(self) -> None:
        with contextlib.suppress(Exception):  # a disk or database that recovers costs nothing
            self._record_if_due()

    def _try_to_record_exactly(self) -> None:
        with contextlib.suppress(Exception), self._coordinator.exclusive():  # what was recorded before stays
            self.record(exactly=True)

    def _record_if_due(self) -> None:
        if self._is_due():
            self.seconds()  # without the lock: usually another process has recorded it
            if self._is_due():
                with self._coordinator.exclusive():
                    self.record()
