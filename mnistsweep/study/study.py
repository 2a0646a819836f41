"""The study: how a worker claims, reports and finishes trials in the ledger that all workers of a sweep share.

Workers have no other connection with each other. The ledger is an Optuna storage (a journal file under
``logs/<sweep>/``, or a database), which optuna-dashboard can open. This module adds what Optuna does not guarantee:

- The number, values, seed and owner of a trial are written in one step.
- The budget is met exactly. After the search, its best trials are repeated with other seeds (`confirmation`).
- A job of a trial ends after the epoch that the scheduler has set; then the trial is paused, with its result so far and
  without an owner, until a later job continues it.
- A trial of a worker that has exited or died is granted, under its own number, to the next worker that claims one.
- A worker whose trial was taken over cannot write a result.
- The exported views (``results.csv``, ``best.yaml``) are updated after every trial.

This module neither reads the time itself nor imports Keras: the clocks are arguments.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from dataclasses import replace

import optuna
from optuna.pruners import NopPruner

from mnistsweep.errors import LeaseLost, SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.study.claim import Claim
from mnistsweep.study.heartbeat_monitor import HeartbeatMonitor
from mnistsweep.study.jobs import Jobs
from mnistsweep.study.leases import Lease
from mnistsweep.study.ledger import Ledger, LedgerState
from mnistsweep.study.nested_epochs import result_before_failure
from mnistsweep.study.ownership import Ownership
from mnistsweep.study.recorded_results import judged, require_objective
from mnistsweep.study.records import Result, State
from mnistsweep.study.running_time import RunningTime
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.search_view import SearchViewer
from mnistsweep.study.storage.stores import flush
from mnistsweep.study.takeovers import Takeovers
from mnistsweep.study.views import Views


class Study(Ledger):
    """The ledger as one worker uses it: claim, verify, report, finish.

    Args:
        paths: Paths of the sweep's files.
        search: Settings of the search.
        lease: Lease of the worker.
        storage: Database URL; None for the journal file in the sweep's folder.
        session: Name of this start of the sweep.
        clock: Current time in seconds since the epoch; only for display, because a clock may be wrong.

    Attributes:
        search: Settings of the search.
        lease: Lease of the worker.
        running_time: Running time of the sweep, as this worker measures it.
        others_are_running: Whether trials of other workers were running when the last claim found none to run. Such a
            trial must be run again if its worker dies.
    """

    def __init__(
        self,
        paths: SweepPaths,
        search: SearchSettings,
        lease: Lease,
        storage: str | None,
        session: str,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(paths, storage)
        self.search = search
        self.lease, self.others_are_running = lease, False
        self._coordinator = lease.coordinator
        self._monitor = HeartbeatMonitor(paths, lease.coordinator, lease.seconds, lease.monotonic)
        self._clock = clock
        self.running_time = RunningTime(self._sessions, lease.coordinator, lease.monotonic)
        name = self._storage.get_study_name_from_id(self._study_id)  # the folder may have been renamed
        self._optuna = optuna.Study(name, self._storage, pruner=search.pruner)
        self._views = Views(
            paths, search.space, search.direction, search.objective, search.train_command, search.constraints,
            search.further, search.nested_epochs,
        )  # fmt: skip
        self._viewer = SearchViewer(paths, search)
        self._jobs = Jobs(paths, search, self._trials, self._viewer, lease.owner)
        self._takeovers = Takeovers(paths, self._trials, self._monitor, lease.owner)
        self._views.add_finished(before := self.read())  # slow with a long ledger: done before the lock is held
        search.scheduler.prepare(self._viewer.view(before))
        with self._exclusive(self._coordinator):
            self._session = self._start_session(session, clock())

    def claim(self, live: frozenset[int] = frozenset(), is_repeated: bool = False) -> Claim | None:
        """Claim a trial to run; None if there is none, see `others_are_running`.

        An interrupted trial comes before the next job of the scheduler, and keeps its number and its last epoch.

        Args:
            live: Numbers of the trials of which this worker has the model in memory.
            is_repeated: Whether the answer to an earlier call may be lost; the worker holds no trial.

        Raises:
            SweepStopped: Too many trials have failed; the message quotes the first reason.
        """
        if self.search.scheduler.pauses:
            self.search.scheduler.prepare(self._viewer.view(self.read()))
        claim, stopped = None, None
        with self._exclusive(self._coordinator):
            try:
                claim = self._claim(live, is_repeated)
            except SweepStopped as stop:
                stopped = stop  # what was written before is kept
        if self._takeovers.clean_up() or (claim is None and not self.others_are_running):
            self.write_views()  # the last worker may have died before it wrote them
        if stopped is not None:
            raise stopped
        return claim

    def observe_workers(self) -> None:
        """Read the heartbeats of the other workers, so that the next claim knows which of them are not alive."""
        self._monitor.alive_among(record.owner for record in self.running())

    def verify(self, claim: Claim) -> None:
        """Check that this worker still owns a trial.

        Args:
            claim: Trial of this worker.

        Raises:
            LeaseLost: Another worker owns the trial, or it has ended.
        """
        self._verified_ownership(claim)

    def report(self, claim: Claim, epoch: int, value: float, is_mean: bool = False) -> bool:
        """Record the objective after an epoch, or the mean over the finished folds of a cross-validation.

        Args:
            claim: Trial of this worker.
            epoch: Number of the epoch, counted from 1.
            value: Objective after the epoch.
            is_mean: Whether the value is a mean over folds. Then the pruner sees this value alone: a pruner may take
                the best value of a trial's curve, and an epoch of a single fold is better than the mean by chance.

        Returns:
            Whether the pruner decides to end the trial.
        """
        self._trials.report(claim.trial_id, epoch, value)
        if isinstance(self.search.pruner, NopPruner) or claim.confirms is not None:
            return False
        trial = self._trials.read(claim.trial_id)
        if is_mean:
            trial = copy.copy(trial)  # the storage may have returned its own record
            trial.intermediate_values = {epoch: value}
        return self.search.pruner.prune(self._optuna, trial)

    def finish(self, claim: Claim, state: State, result: Result) -> None:
        """Record how a trial ended, once, and update the exported views.

        A completed trial without a finite objective is recorded as failed.

        Args:
            claim: Trial of this worker.
            state: State of a trial that has ended.
            result: Result of the trial.

        Raises:
            LeaseLost: Another worker owns the trial, or it has ended; nothing is recorded.
        """
        state, result = require_objective(state, result, self.search.objective, self.search.further)
        result = replace(result, seconds=round(result.seconds, 3))  # as in `results.csv`, from which it can be rebuilt
        with self._exclusive(self._coordinator):
            ownership = self._verified_ownership(claim)
            # the result of a failure does not contain the number of epochs
            epochs = (result.epochs or self._trials.last_epoch(claim.trial_id)) + ownership.repeated
            result = judged(state, replace(result, epochs=epochs), self.search.constraints)
            self._trials.finish(claim.trial_id, state, result, self.read().num_finished, self.search.further)
            self.running_time.record()
        flush(self._storage)
        self.write_views()

    def result_before_failure(self, claim: Claim, failed: Result) -> Result | None:
        """Result of a failed training up to its failure, see `nested_epochs`; None if the trial has none.

        A repetition that fails has none: it would be compared with whole trainings.

        Args:
            claim: Trial of this worker.
            failed: Result of the failed training.
        """
        if claim.confirms is not None:
            return None
        values = self._trials.read(claim.trial_id).intermediate_values
        return result_before_failure(failed, values, self.search.nested_epochs, self.search.direction, claim.paused)

    def pause(self, claim: Claim, result: Result) -> None:
        """Record that a trial has reached the last epoch of its job, in one write, and update the exported views.

        The trial has no owner then. Checkpoints of paused trials that take too much space are removed.

        Args:
            claim: Trial of this worker; its resume file has been written.
            result: Result so far, with a finite objective.

        Raises:
            LeaseLost: Another worker owns the trial, or it has ended; nothing is recorded.
        """
        result = replace(result, seconds=round(result.seconds, 3))
        result = judged(State.PAUSED, result, self.search.constraints)
        with self._exclusive(self._coordinator):
            ownership = self._verified_ownership(claim)
            self._trials.write_ownership(claim.trial_id, ownership.when_paused(result))
            self.running_time.record()
            self._jobs.bound_checkpoints(self.read())
        flush(self._storage)
        self.write_views()

    def restart(self, claim: Claim) -> bool:
        """Record that a job trains from the first epoch, because the checkpoint of its trial cannot be used.

        Args:
            claim: Trial of this worker.

        Returns:
            Whether the budget of epochs allows it. If not, the trial is paused again, without a checkpoint.

        Raises:
            LeaseLost: Another worker owns the trial, or it has ended.
        """
        with self._exclusive(self._coordinator):
            return self._jobs.restart(claim, self._verified_ownership(claim), self.read())

    def free_space(self) -> bool:
        """Remove the checkpoints of half of the paused trials, because the disk is full; whether there was any.

        Only files are removed: nothing is written to the ledger.
        """
        with self._exclusive(self._coordinator):
            return self._jobs.free_space(self.read())

    def release(self, claim: Claim) -> None:
        """Give up an unfinished trial, which the next claim of any worker resumes; has no effect on a lost trial.

        Args:
            claim: Trial of this worker.
        """
        with self._exclusive(self._coordinator), contextlib.suppress(LeaseLost):
            ownership = self._verified_ownership(claim)
            self._trials.write_ownership(claim.trial_id, replace(ownership, owner=""))

    def write_views(self) -> None:
        """Update ``results.csv`` and ``best.yaml`` from the ledger."""
        self._views.refresh(self.read, lambda: self.has_ended(self.search.budget))

    def is_stop_requested(self) -> bool:
        """Whether `mnistsweep stop` was called since this session started."""
        return self._num_stop_requests() > self._session.num_stops_before

    def _claim(self, live: frozenset[int], is_repeated: bool) -> Claim | None:
        self.running_time.record()
        state = self.read()
        for record in self._takeovers.interrupted(state, is_repeated):
            claim = self._takeovers.take(record, state.num_finished)
            if claim is not None:
                return claim
            state = self.read()
        claim = self._next_job(state, live)
        self.others_are_running = claim is None and any(r.owner != self.lease.owner for r in state.running)
        return claim

    def _next_job(self, state: LedgerState, live: frozenset[int]) -> Claim | None:
        """Claim the next job; None if the budget is spent or granted, or there is no job now."""
        budget = self.search.budget
        failures = budget.too_many_failures(state.records, self._session.num_failed_before, self._traceback_of)
        if failures is not None:
            raise SweepStopped(f"{failures.reason}.")
        seconds = 0.0 if budget.hours is None else self.running_time.seconds()
        ending = budget.ending(state.records, seconds)
        if ending is None and (claim := self._next_search_job(state, live)) is not None:
            return claim
        for hours in (budget.search_hours, budget.hours):
            if hours is not None and self.running_seconds() < 3600 * hours <= seconds:
                self.running_time.record(exactly=True)  # so that every reader of the ledger finds the budget spent
        if any(record.confirms is None for record in state.running):
            return None  # its result may be one of the best
        confirmed = budget.next_confirmed(state.records, seconds)
        return None if confirmed is None else self._jobs.confirm(len(state.records), confirmed, self._clock())

    def _next_search_job(self, state: LedgerState, live: frozenset[int]) -> Claim | None:
        """Claim the next job of the scheduler; None if it has none now."""
        claim, scheduler = self._jobs.next(state, live, self._optuna, self._clock()), self.search.scheduler
        if claim is None and not scheduler.pauses:
            self._record_no_job(scheduler.no_job_reason, None)
        elif claim is None and all(record.confirms is not None for record in state.running):
            self._record_no_job(scheduler.no_job_reason, self.search.budget)
        return claim

    def _verified_ownership(self, claim: Claim) -> Ownership:
        return self.lease.verified(self._trials.read_ownership(claim.trial_id), claim.number)
