"""The study: the durable ledger in which workers meet. They know nothing of one another.

A worker claims a trial, reports each epoch, and finishes it; all of it goes to an Optuna store (a journal file under
``logs/<sweep>/``, or a database), which optuna-dashboard can open. What Optuna leaves open is done here: a trial's
number, values, seed and owner are written in one step; the budget is exact; a trial whose worker is gone is given,
under its own number, to whoever asks next; a worker that comes back late can write no result; and the views for people
(``results.csv``, ``best.yaml``) follow after every trial.

Nothing here asks for the time or for Keras by itself: the clocks are arguments.
"""

from __future__ import annotations

import contextlib
import datetime
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import NopPruner
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.errors import LeaseLost
from mnistsweep.paths import SweepPaths
from mnistsweep.search.distributions import encode, to_distribution
from mnistsweep.study.claim import Claim
from mnistsweep.study.leases import HeartbeatMonitor, Lease
from mnistsweep.study.ledger import OPTUNA_STATES, Ledger
from mnistsweep.study.records import Result, State, TrialRecord
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.storage.stores import flush
from mnistsweep.study.views import Views

# A configuration whose process dies so often (out of memory, a segmentation fault), without finishing an epoch in
# between, is recorded as failed.
MAX_CRASHES = 2

# How exactly hours are counted.
TICK_SECONDS = 5.0


class Study(Ledger):
    """The study as a worker uses it: claim, verify, report, finish.

    Args:
        paths: The sweep's files.
        search: What is searched and how.
        lease: The worker's sign of life.
        storage: A database URL; None for the journal file.
        session: Names one start of the sweep, to add up its hours over continued runs.
        clock: Seconds since the epoch.

    Attributes:
        lease: As given.
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
        self.others_are_running = False
        self.lease = lease
        self._coordinator = lease.coordinator
        self._monitor = HeartbeatMonitor(paths, lease.coordinator, lease.seconds, lease.monotonic)
        self._session = session
        self._clock = clock
        name = self._storage.get_study_name_from_id(self._study_id)  # a folder may have been renamed
        self._optuna = optuna.Study(name, self._storage, pruner=search.pruner)
        self._views = Views(paths, search.space, search.direction, search.objective)
        before = self.read()  # what takes a while with a long ledger is done before anybody has to wait for it
        self._views.add_finished(before)
        search.oracle.prepare(len(before.records))
        with self._coordinator.exclusive():
            self._begun = self._start_session(session, clock())

    def claim(self) -> Claim | None:
        """A trial to run, or None where there is none: see `others_are_running`.

        A trial that was interrupted comes before a new one, under its own number.

        Raises:
            SweepStopped: Too many trials have failed; the first reason is quoted.
        """
        with self._coordinator.exclusive():
            claim = self._claim()
        if claim is None and not self.others_are_running:
            self.write_views()  # the last worker may have died before it did
        return claim

    def observe_workers(self) -> None:
        """Look at the other workers' signs of life: once this worker is free it then knows which of them are gone."""
        for record in self.running():
            self._monitor.is_alive(record.owner)

    def verify(self, claim: Claim) -> None:
        """See that a trial is still this worker's.

        Raises:
            LeaseLost: It is another's, or has ended.
        """
        trial = self._storage.get_trial(claim.trial_id)
        owner = trial.user_attrs["lease"]["owner"]
        if trial.state.is_finished():
            raise LeaseLost(f"trial {claim.number} has ended already")
        if owner != self.lease.owner:
            whose = f"worker {owner}" if owner else "whoever asks next"
            lapse = f"{self.lease.seconds:g} s"
            raise LeaseLost(f"trial {claim.number} belongs to {whose}: this worker gave no sign of life for {lapse}")
        self.lease.had_late_heartbeat = False

    def report(self, claim: Claim, epoch: int, value: float) -> bool:
        """Record the objective after an epoch (counted from 1); True if the training is not worth going on with."""
        self._storage.set_trial_intermediate_value(claim.trial_id, epoch, value)
        if isinstance(self.search.pruner, NopPruner):
            return False
        return self.search.pruner.prune(self._optuna, self._storage.get_trial(claim.trial_id))

    def finish(self, claim: Claim, state: State, result: Result) -> None:
        """Record how a trial ended, once, and bring the views up to date.

        Raises:
            LeaseLost: The trial is another worker's; nothing is recorded.
        """
        if result.objective is not None and not math.isfinite(result.objective):
            reason = result.reason or f"{self.search.objective} is {result.objective}"
            state, result = State.FAILED, replace(result, objective=None, reason=reason)
        elif result.objective is None and state is State.COMPLETED:
            state, result = State.FAILED, replace(result, reason=f"no {self.search.objective} was measured")
        with self._coordinator.exclusive():
            self.verify(claim)
            if not result.epochs:  # a failure does not say how far it came
                result = replace(result, epochs=self._storage.get_trial(claim.trial_id).last_step or 0)
            self._end(claim.trial_id, state, result)
            self._record_session_time()
        flush(self._storage)
        self.write_views()

    def release(self, claim: Claim) -> None:
        """Give a trial back unfinished; the next free worker takes it, under its own number."""
        with self._coordinator.exclusive(), contextlib.suppress(LeaseLost):
            self.verify(claim)
            lease = self._storage.get_trial(claim.trial_id).user_attrs["lease"]
            self._write_owner(claim.trial_id, {**lease, "owner": ""})

    def write_views(self) -> None:
        """Bring ``results.csv`` and ``best.yaml`` up to date with the ledger."""
        self._views.refresh(self.read)

    def is_stopped(self) -> bool:
        """Whether `mnistsweep stop` was asked for since this session of the sweep began."""
        return self.stops() > self._begun.get("stops", 0)

    def _claim(self) -> Claim | None:
        self._record_session_time()
        for record in self.read().running:
            if not self._monitor.is_alive(record.owner) and (claim := self._take_over(record)) is not None:
                return claim
        now = self.read()
        budget, failures = self.search.budget, int(self._begun["failures_before"])
        budget.check_failures(now.records, failures, lambda number: self.paths.trial(number).error)
        claim = None
        if not budget.is_spent(now.records, 0.0 if budget.hours is None else self.hours()):
            claim = self._create(len(now.records))
        self.others_are_running = claim is None and any(record.owner != self.lease.owner for record in now.running)
        return claim

    def _take_over(self, record: TrialRecord) -> Claim | None:
        """Sign a trial whose worker is gone, or end it where it has killed too many."""
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, record.number)
        lease = self._storage.get_trial(trial_id).user_attrs["lease"]
        epoch = record.result.epochs
        done = [epoch, self._resume_time(record.number)]
        deaths = (lease["deaths"] if done == lease.get("done") else 0) + self._monitor.has_died(record.owner)
        claim = None
        if deaths < MAX_CRASHES:
            self._write_owner(trial_id, {"owner": self.lease.owner, "deaths": deaths, "done": done})
            claim = Claim(record.number, record.point, record.seed, trial_id)
        else:
            where = f"after epoch {epoch}" if epoch else "before it had finished an epoch"
            reason = f"the worker's process died {deaths} times while it ran this trial, {where} (out of memory?)"
            self._end(trial_id, State.FAILED, replace(record.result, reason=reason))
        self._monitor.clean_up_after(record.owner)
        if claim is None:
            self.write_views()
        return claim

    def _resume_time(self, number: int) -> int:
        """When a trial's resume point was written, which repeats do too that report nothing; 0: there is none."""
        try:
            return self.paths.trial(number).resume.stat().st_mtime_ns
        except OSError:
            return 0

    def _end(self, trial_id: int, state: State, result: Result) -> None:
        values = None if result.objective is None or state is State.FAILED else [result.objective]
        self._storage.set_trial_user_attr(trial_id, "result", asdict(result))
        self._storage.set_trial_state_values(trial_id, OPTUNA_STATES[state], values)

    def _write_owner(self, trial_id: int, lease: dict[str, Any]) -> None:
        """Say whose a trial is: in one step, so that no death is counted twice.

        Args:
            trial_id: Of the trial.
            lease: Its `owner`; how many `deaths` there were since it got as far as `done` says.
        """
        self._storage.set_trial_user_attr(trial_id, "lease", lease)

    def _create(self, number: int) -> Claim | None:
        proposal = self.search.oracle.propose(number, self._optuna)
        if proposal is None:
            return None
        shapes: dict[str, BaseDistribution] = {}
        params: dict[str, Any] = {}
        for key, value in proposal.point.items():
            dimension = self.search.space[key]
            shapes[key] = to_distribution(dimension)
            params[key] = encode(dimension, shapes[key], value)
        seed = self.search.seed_of(number)
        lease = {"owner": self.lease.owner, "deaths": 0, "done": [0, 0]}
        template = FrozenTrial(
            number=number, trial_id=-1, state=TrialState.RUNNING, value=None,
            datetime_start=datetime.datetime.fromtimestamp(self._clock()), datetime_complete=None,
            params=params, distributions=shapes, system_attrs=proposal.system_attrs, intermediate_values={},
            user_attrs={"point": proposal.point, "seed": seed, "lease": lease},
        )  # fmt: skip
        trial_id = self._storage.create_new_trial(self._study_id, template)
        return Claim(self._storage.get_trial_number_from_id(trial_id), proposal.point, seed, trial_id)

    def _record_session_time(self) -> None:
        """Note that this session is alive, now and then: the hours of a sweep are summed over its sessions."""
        if self.search.budget.hours is None:
            return
        noted, now = self.sessions()[self._session], self._clock()
        if now - noted["last"] >= TICK_SECONDS:
            self._write_session(self._session, {**noted, "last": now})
