"""Trials of workers that have exited or died: the next worker that claims a trial takes one of them over."""

from __future__ import annotations

from dataclasses import replace

from mnistsweep.paths import SweepPaths
from mnistsweep.study.claim import Claim
from mnistsweep.study.heartbeat_monitor import HeartbeatMonitor
from mnistsweep.study.jobs import resume_file_time
from mnistsweep.study.ledger import LedgerState
from mnistsweep.study.ownership import MAX_CRASHES
from mnistsweep.study.recorded_results import result_of_crashes
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.stored_trials import StoredTrials


class Takeovers:
    """Takes over trials for one worker. The caller of `take` holds the ledger lock.

    Args:
        paths: Paths of the sweep's files.
        trials: Trials in the storage.
        monitor: Knows which other workers are alive.
        owner: Name of the worker.
    """

    def __init__(self, paths: SweepPaths, trials: StoredTrials, monitor: HeartbeatMonitor, owner: str) -> None:
        self._paths = paths
        self._trials = trials
        self._monitor = monitor
        self._owner = owner
        self._left: list[str] = []

    def interrupted(self, state: LedgerState, own: bool = False) -> list[TrialRecord]:
        """Running trials that have no live worker, in the order of their numbers.

        Args:
            state: State of the ledger.
            own: Whether this worker holds no trial, so that one it owns is one that it does not know of.
        """
        self._left = []
        alive = self._monitor.alive_among(record.owner for record in state.running)
        if own:
            alive.discard(self._owner)
        return [record for record in state.running if record.owner not in alive]

    def take(self, record: TrialRecord, num_finished: int) -> Claim | None:
        """Take over a trial; None if it has ended, or is recorded as failed because its processes have crashed.

        Args:
            record: Trial that has no live worker.
            num_finished: Number of trials that have ended.
        """
        trial_id = self._trials.find(record.number)
        before = self._trials.read_ownership(trial_id)
        if before is None:
            return None
        progress = (record.result.epochs, resume_file_time(self._paths, record.number))
        ownership = before.taken_over(self._owner, progress, self._monitor.has_crashed(record.owner))
        claim = None
        if ownership.num_crashes < MAX_CRASHES:
            self._trials.write_ownership(trial_id, ownership)
            claim = Claim(record.number, record.point, record.seed, trial_id, ownership.until, ownership.paused)
            claim = replace(claim, confirms=record.confirms)
        else:
            result = result_of_crashes(record, ownership.num_crashes)
            self._trials.finish(trial_id, State.FAILED, result, num_finished)
        if record.owner != self._owner:
            self._left.append(record.owner)
        return claim

    def clean_up(self) -> bool:
        """Remove what the workers left of which trials were taken over, once the ledger holds that.

        Returns:
            Whether there was one.
        """
        left, self._left = self._left, []
        for owner in left:
            self._monitor.clean_up_after(owner)
        return bool(left)
