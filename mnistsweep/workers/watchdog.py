"""The watchdog of a worker: notices `mnistsweep stop`, and ends a process whose training hangs or does not stop."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mnistsweep.errors import StudyError
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.claim import Claim
from mnistsweep.study.records import Result, State
from mnistsweep.study.study import Study
from mnistsweep.workers.messages import FILES_LOST
from mnistsweep.workers.stopping import unresponsive_seconds

HUNG_SECONDS = 60.0
"""Time past its timeout after which a trial counts as hung; any other trial stops by itself at its next batch."""


class ClaimHolder(Protocol):
    """Object that holds the claim on the trial that the worker runs now; None between trials."""

    claim: Claim | None


def _kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Watchdog:
    """Checks of a worker, called with every heartbeat, on the heartbeat thread.

    Args:
        study: Study that the worker claims its trials from.
        holder: Holder of the claim on the trial that runs now.
        stop: Request to stop, which the watchdog makes when the ledger has one.
        timeout_minutes: Maximum training time of a trial in minutes; None: no limit.
        monotonic: Clock in seconds.
        kill: Function that kills this process, whose supervisor then starts it again.
        exit_process: Function that ends this process with an exit code at once.
        unresponsive_seconds: Seconds after a request to stop, or after files were lost, after which the process
            is ended.
        check_files: Function that raises `StudyError` if files of the sweep were deleted or moved.
    """

    study: Study
    holder: ClaimHolder
    stop: StopSignal
    timeout_minutes: float | None
    monotonic: Callable[[], float] = time.monotonic
    kill: Callable[[], None] = _kill_this_process
    exit_process: Callable[[int], None] = os._exit
    unresponsive_seconds: float = field(default_factory=unresponsive_seconds)
    check_files: Callable[[], None] = lambda: None
    _lost_at: float | None = field(default=None, init=False)
    _claim: Claim | None = field(default=None, init=False)
    _claimed_at: float = field(default=0.0, init=False)

    def __call__(self) -> None:
        """Make every check once; those that do not need the ledger come first."""
        self._check_timeout()
        self._check_files()
        if self.stop() and self.stop.seconds_since_request > self.unresponsive_seconds:
            self._end_unresponsive()
        if self.study.is_stop_requested():
            self.stop.request()
        self.study.observe_workers()

    def _check_files(self) -> None:
        """End the process if files of the sweep are lost and its training does not notice it."""
        try:
            self.check_files()
        except StudyError:
            now = self.monotonic()
            self._lost_at = now if self._lost_at is None else self._lost_at
            if now - self._lost_at > self.unresponsive_seconds:
                self.study.lease.remove_traces()
                self.exit_process(FILES_LOST)
        else:
            self._lost_at = None

    def _check_timeout(self) -> None:
        claim, now = self.holder.claim, self.monotonic()
        if claim is not self._claim:
            self._claim, self._claimed_at = claim, now
        if claim is None or self.timeout_minutes is None:
            return
        if now - self._claimed_at > 60 * self.timeout_minutes + HUNG_SECONDS:
            self._end_hung(claim, self.timeout_minutes)

    def _end_hung(self, claim: Claim, timeout_minutes: float) -> None:
        """Record the trial as failed, and kill the process: nothing else ends a training that does not return."""
        rule = f"trial.timeout_minutes={timeout_minutes:g}"
        reason = f"hung: it exceeded its timeout ({rule}) and did not return, so its process was killed"
        with contextlib.suppress(Exception):  # full disk, or another worker's trial: the process is killed in any case
            self.study.finish(claim, State.FAILED, Result(reason=reason, limited=True))
        if self.holder.claim is claim:
            self.kill()

    def _end_unresponsive(self) -> None:
        """Release the trial, and end the process: its training did not stop after the request to stop."""
        with contextlib.suppress(Exception):  # the next claim takes over a trial that is not released
            if self.holder.claim is not None:
                self.study.release(self.holder.claim)
        self.study.lease.remove_traces()
        self.exit_process(self.stop.exit_code)
