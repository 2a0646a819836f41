"""The study: the durable ledger in which workers meet. They know nothing of one another.

A worker claims a trial, reports each epoch, and finishes it; all of it goes to an Optuna store (a journal file under
``logs/<sweep>/``, or a database), which optuna-dashboard can open. What Optuna leaves open is done here: a trial's
number, values and seed are written in one step; the budget is exact; a trial whose worker is gone is given, under its
own number, to whoever asks next; and the views for people (``results.csv``, ``best.yaml``) follow after every trial.

Nothing here asks for the time or for Keras by itself: the clock is an argument.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner, NopPruner
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.algorithms import Oracle, distribution, encode
from mnistsweep.errors import SweepStopped
from mnistsweep.leases import Lease, locked
from mnistsweep.ledger import OPTUNA_STATES, SESSION, Ledger, create_ledger
from mnistsweep.paths import SweepPaths
from mnistsweep.results import Result, ResultsTable, State, TrialRecord, best_of, write_best
from mnistsweep.space import Point, SearchSpace

# A configuration whose process dies so often (out of memory, a segmentation fault) is recorded as failed.
MOST_DEATHS = 2


__all__ = ["Budget", "Claim", "Ledger", "Search", "Study", "create_ledger", "is_spent"]


@dataclass(frozen=True)
class Budget:
    """How far a sweep goes; whichever comes first. None: no such limit.

    Attributes:
        trials: Finished trials of any kind.
        hours: Of running time, summed over continued runs. A trial that runs is finished.
        total_epochs: Of training, summed over trials. A trial that runs is finished.
        failed_in_a_row: So many failed trials in a row stop the sweep.
    """

    trials: int | None = None
    hours: float | None = None
    total_epochs: int | None = None
    failed_in_a_row: int | None = None


@dataclass(frozen=True)
class Claim:
    """A trial that a worker has been granted."""

    number: int
    point: Point
    seed: int
    trial_id: int


@dataclass(frozen=True)
class Search:
    """What is searched and how: the parts of a study that do not change while it runs."""

    space: SearchSpace
    direction: str
    oracle: Oracle
    seed_of: Callable[[int], int]
    pruner: BasePruner = field(default_factory=NopPruner)
    budget: Budget = field(default_factory=Budget)
    objective: str = "objective"


class Study(Ledger):
    """The study as a worker uses it: claim, report, finish.

    Args:
        paths: The sweep's files.
        search: What is searched and how.
        lease: The worker's sign of life.
        storage: A database URL; None for the journal file.
        session: Names one start of the sweep, to add up its hours over continued runs.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        paths: SweepPaths,
        search: Search,
        lease: Lease,
        storage: str | None,
        session: str,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(paths, storage)
        self.search = search
        self._lease = lease
        self._session = session
        self._clock = clock
        self._optuna = optuna.Study(paths.name, self._storage, pruner=search.pruner)
        self._table = ResultsTable(paths.results, search.space)
        self._best: int | None = None
        with locked(self.paths.ledger_lock):
            self._failures_before = self._begin_session()

    def claim(self) -> Claim | None:
        """A trial to run, or None where the budget is spent or the space used up.

        A trial that was interrupted comes before a new one, under its own number.

        Raises:
            SweepStopped: Too many trials in a row have failed; the first reason is quoted.
        """
        with locked(self.paths.ledger_lock):
            self._tick()
            records = self.records()
            for record in records:
                if record.state is State.RUNNING and not Lease.is_held(self.paths, record.owner):
                    claim = self._take_over(record)
                    if claim is not None:
                        return claim
                    records = self.records()
            self._stop_if_failing(records)
            if is_spent(records, self.search.budget, self.hours()):
                return None
            return self._create(len(records))

    def report(self, claim: Claim, epoch: int, value: float) -> bool:
        """Record the objective after an epoch (counted from 1); True if the training is not worth going on with."""
        self._storage.set_trial_intermediate_value(claim.trial_id, epoch, value)
        if isinstance(self.search.pruner, NopPruner):
            return False
        return self.search.pruner.prune(self._optuna, self._storage.get_trial(claim.trial_id))

    def finish(self, claim: Claim, state: State, result: Result) -> None:
        """Record how a trial ended, and bring the views up to date."""
        if result.objective is not None and not math.isfinite(result.objective):
            reason = result.reason or f"{self.search.objective} is {result.objective}"
            state, result = State.FAILED, replace(result, objective=None, reason=reason)
        elif result.objective is None and state is State.COMPLETED:
            state, result = State.FAILED, replace(result, reason=f"no {self.search.objective} was measured")
        self._end(claim.trial_id, state, result)
        with locked(self.paths.ledger_lock):
            self._tick()
            self.write_views()

    def release(self, claim: Claim) -> None:
        """Give a trial back unfinished; the next free worker takes it, under its own number."""
        with contextlib.suppress(UpdateFinishedTrialError):  # it ended, and only a view could not be written
            self._sign(claim.trial_id, "", self._deaths(claim.trial_id))

    def write_views(self) -> None:
        """Bring ``results.csv`` and ``best.yaml`` up to date with the ledger."""
        records = self.records()
        self._table.write(records)
        best = best_of(records, self.search.direction)
        if best is not None and best.number != self._best and self.paths.trial(best.number).config.is_file():
            write_best(self.paths, best, self.search.objective)
            self._best = best.number

    def _take_over(self, record: TrialRecord) -> Claim | None:
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, record.number)
        deaths = self._deaths(trial_id) + bool(record.owner)
        Lease.forget(self.paths, record.owner)
        if deaths < MOST_DEATHS:
            self._sign(trial_id, self._lease.owner, deaths)
            return Claim(record.number, record.point, record.seed, trial_id)
        reason = f"the worker's process died {deaths} times while it ran this trial (out of memory?)"
        self._end(trial_id, State.FAILED, replace(record.result, reason=reason))
        self.write_views()
        return None

    def _end(self, trial_id: int, state: State, result: Result) -> None:
        values = None if result.objective is None or state is State.FAILED else [result.objective]
        self._storage.set_trial_user_attr(trial_id, "result", asdict(result))
        self._storage.set_trial_state_values(trial_id, OPTUNA_STATES[state], values)

    def _deaths(self, trial_id: int) -> int:
        """How many workers died while they ran a trial."""
        return int(self._storage.get_trial(trial_id).user_attrs["lease"]["deaths"])

    def _sign(self, trial_id: int, owner: str, deaths: int) -> None:
        """Say whose a trial is: in one step, so that no death is counted twice."""
        self._storage.set_trial_user_attr(trial_id, "lease", {"owner": owner, "deaths": deaths})

    def _create(self, number: int) -> Claim | None:
        proposal = self.search.oracle.propose(number, self._optuna)
        if proposal is None:
            return None
        shapes: dict[str, BaseDistribution] = {}
        params: dict[str, Any] = {}
        for key, value in proposal.point.items():
            dimension = self.search.space[key]
            shapes[key] = distribution(dimension)
            params[key] = encode(dimension, shapes[key], value)
        seed = self.search.seed_of(number)
        template = FrozenTrial(
            number=-1, trial_id=-1, state=TrialState.RUNNING, value=None,
            datetime_start=datetime.datetime.fromtimestamp(self._clock()), datetime_complete=None,
            params=params, distributions=shapes, system_attrs=proposal.system_attrs, intermediate_values={},
            user_attrs={"point": proposal.point, "seed": seed, "lease": {"owner": self._lease.owner, "deaths": 0}},
        )  # fmt: skip
        trial_id = self._storage.create_new_trial(self._study_id, template)
        return Claim(self._storage.get_trial_number_from_id(trial_id), proposal.point, seed, trial_id)

    def _stop_if_failing(self, records: Sequence[TrialRecord]) -> None:
        most = self.search.budget.failed_in_a_row
        if most is None:
            return
        last = list(itertools.islice((record for record in reversed(records) if record.state.finished), most))
        if len(last) < most or any(record.state is not State.FAILED for record in last):
            return
        if sum(record.state is State.FAILED for record in records) - self._failures_before >= most:
            first = last[-1]
            raise SweepStopped(
                f"{most} trials in a row have failed (max_consecutive_failed_trials={most}). The first of them, trial "
                f"{first.number}: {first.result.reason} See {self.paths.trial(first.number).error}."
            )

    def _begin_session(self) -> int:
        """How many trials had failed before this session: one that is continued gets a fresh allowance of failures."""
        if self._session not in self.sessions():
            failures = sum(record.state is State.FAILED for record in self.records())
            now = self._clock()
            self._write_session({"begun": now, "last": now, "failures_before": failures})
        return int(self.sessions()[self._session]["failures_before"])

    def _tick(self) -> None:
        """Note that this session is alive: the hours of a sweep are summed over its sessions."""
        if self.search.budget.hours is not None:
            self._write_session({**self.sessions()[self._session], "last": self._clock()})

    def _write_session(self, session: dict[str, float]) -> None:
        self._storage.set_study_user_attr(self._study_id, f"{SESSION}{self._session}", session)


def is_spent(records: Sequence[TrialRecord], budget: Budget, hours: float) -> bool:
    """Whether no new trial may be begun.

    Args:
        records: All trials.
        budget: What may be spent.
        hours: The running time so far, as `Ledger.hours` has it.
    """
    if budget.hours is not None and hours >= budget.hours:
        return True
    if budget.trials is not None and len(records) >= budget.trials:
        return True
    return budget.total_epochs is not None and sum(record.result.epochs for record in records) >= budget.total_epochs
