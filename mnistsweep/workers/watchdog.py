"""What a worker does beside its trials: it hears `mnistsweep stop`, ends a trial that hangs, and minds its memory."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mnistsweep.study.claim import Claim
from mnistsweep.study.records import Result, State
from mnistsweep.study.study import Study
from mnistsweep.workers.stopping import StopSignal

# A trial that is past its time ends by itself at its next batch; one that does not within so many seconds hangs.
HUNG_SECONDS = 60.0

# A training that was asked to stop does so at its next batch; one that has not after so many seconds is ended.
DEAF_SECONDS = 7.0


class Running(Protocol):
    """What runs now."""

    claim: Claim | None


@dataclass
class Watchdog:
    """Called several times a lease, on the thread of the lease.

    Args:
        study: The ledger.
        running: Knows the trial that runs.
        stop: Is told when the sweep was asked to stop.
        timeout_minutes: Of a trial; None: no limit.
        monotonic: The clock, in seconds.
        end_process: Ends this process at once.
    """

    study: Study
    running: Running
    stop: StopSignal
    timeout_minutes: float | None
    monotonic: Callable[[], float] = time.monotonic
    end_process: Callable[[], None] = lambda: os.kill(os.getpid(), signal.SIGKILL)
    _asked: float | None = field(default=None, init=False)
    _claim: Claim | None = field(default=None, init=False)
    _since: float = field(default=0.0, init=False)

    def __call__(self) -> None:
        """Look after everything once; what the ledger is not needed for comes first."""
        claim, now = self.running.claim, self.monotonic()
        if claim is not self._claim:
            self._claim, self._since = claim, now
        most = math.inf if self.timeout_minutes is None else 60 * self.timeout_minutes + HUNG_SECONDS
        if claim is not None and now - self._since > most:
            self._end_hung(claim)
        if self._asked is not None and now - self._asked > DEAF_SECONDS:
            self._end_deaf()
        if self._asked is None and self.stop():
            self._asked = now
        if self.study.is_stopped():
            self.stop.ask()
        self.study.observe_workers()

    def _end_hung(self, claim: Claim) -> None:
        """Record the trial as failed, and end the process: nothing else ends a training that does not come back."""
        rule = f"trial.timeout_minutes={self.timeout_minutes:g}"
        reason = f"hung: past its time ({rule}) it did not come back to be stopped, so its process was ended"
        with contextlib.suppress(Exception):  # recorded or not (a full disk), another's or not: it is ended
            self.study.finish(claim, State.FAILED, Result(reason=reason, limited=True))
        if self.running.claim is claim:
            self.end_process()

    def _end_deaf(self) -> None:
        """End a process whose training does not hear that it should stop; its trial has not died of it."""
        with contextlib.suppress(Exception):
            if self.running.claim is not None:
                self.study.release(self.running.claim)
        self.end_process()
