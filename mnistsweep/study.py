"""The study: the durable ledger in which workers meet. They know nothing of one another.

A worker claims a trial, reports each epoch, and finishes it; all of it goes to an Optuna store (a journal file under
``logs/<sweep>/``, or a database), which optuna-dashboard can open. What Optuna leaves open is done here: a trial's number,
values and seed are written in one step; the budget is exact; a trial whose worker is gone is given, under its own number, to
whoever asks next; and the views for people (``results.csv``, ``best.yaml``) follow after every trial.

Nothing here asks for the time or for Keras by itself: the clock is an argument.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import optuna
from filelock import FileLock
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, NopPruner
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.algorithms import Oracle, distribution, encode
from mnistsweep.errors import StudyError, SweepStopped
from mnistsweep.leases import Lease
from mnistsweep.paths import SweepPaths
from mnistsweep.results import Result, ResultsTable, State, TrialRecord, best_of, write_best
from mnistsweep.space import Point, SearchSpace

# A configuration whose process dies so often (out of memory, a segmentation fault) is recorded as failed.
MOST_CRASHES = 2

_STATES = {
    TrialState.RUNNING: State.RUNNING,
    TrialState.WAITING: State.RUNNING,
    TrialState.COMPLETE: State.COMPLETED,
    TrialState.PRUNED: State.PRUNED,
    TrialState.FAIL: State.FAILED,
}
_OPTUNA_STATES = {state: key for key, state in _STATES.items() if key is not TrialState.WAITING}


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
    pruner: BasePruner = NopPruner()
    budget: Budget = Budget()
    objective: str = "objective"


class Ledger:
    """The study as it stands, read only: for `status`, the live table and the reporter.

    Args:
        paths: The sweep's files.
        storage: A database URL; None for the journal file.

    Raises:
        StudyError: There is no ledger, or it cannot be read.
    """

    def __init__(self, paths: SweepPaths, storage: str | None = None) -> None:
        self.paths = paths
        if storage is None and not paths.journal.is_file():
            raise StudyError(f"{paths.journal}: the ledger is missing.")
        with _explained(storage or str(paths.journal)):
            self._storage = open_storage(paths, storage)
            self._study_id = self._storage.get_study_id_from_name(paths.name)
        self._finished: dict[int, TrialRecord] = {}

    def records(self) -> list[TrialRecord]:
        """All trials in the order of their numbers; those that have ended are read once."""
        return [self._record(trial) for trial in self._trials()]

    def _trials(self) -> list[FrozenTrial]:
        return self._storage.get_all_trials(self._study_id, deepcopy=False)

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        if trial.number not in self._finished:
            record = _to_record(trial)
            if not record.state.finished:
                return record
            self._finished[trial.number] = record
        return self._finished[trial.number]


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
        self._lock = FileLock(paths.ledger_lock)
        self._optuna = optuna.Study(paths.name, self._storage, pruner=search.pruner)
        self._table = ResultsTable(paths.results, search.space)
        self._best: int | None = None
        self._failures_before = sum(record.state is State.FAILED for record in self.records())

    def claim(self) -> Claim | None:
        """A trial to run, or None where the budget is spent or the space used up.

        A trial that was interrupted comes before a new one, under its own number.

        Raises:
            SweepStopped: Too many trials in a row have failed; the first reason is quoted.
        """
        with self._lock:
            trials = self._trials()
            self._tick()
            for trial in trials:
                if trial.state is TrialState.RUNNING and not Lease.is_held(
                    self.paths, trial.user_attrs.get("owner", "")
                ):
                    claim = self._take_over(trial)
                    if claim is not None:
                        return claim
            self._stop_if_failing()
            if is_spent([self._record(trial) for trial in trials], self.search.budget):
                return None
            if self.search.budget.hours is not None and self._hours() >= self.search.budget.hours:
                return None
            return self._create(len(trials))

    def report(self, claim: Claim, epoch: int, value: float) -> bool:
        """Record the objective after an epoch (counted from 1); True if the training is not worth going on with."""
        self._storage.set_trial_intermediate_value(claim.trial_id, epoch, value)
        if isinstance(self.search.pruner, NopPruner):
            return False
        return self.search.pruner.prune(self._optuna, self._storage.get_trial(claim.trial_id))

    def finish(self, claim: Claim, state: State, result: Result) -> None:
        """Record how a trial ended, and bring the views up to date."""
        values = None if result.objective is None or state is State.FAILED else [result.objective]
        self._storage.set_trial_user_attr(claim.trial_id, "result", asdict(result))
        self._storage.set_trial_state_values(claim.trial_id, _OPTUNA_STATES[state], values)
        with self._lock:
            self._tick()
            self.write_views()

    def release(self, claim: Claim) -> None:
        """Give a trial back unfinished; the next free worker takes it, under its own number."""
        self._storage.set_trial_user_attr(claim.trial_id, "owner", "")

    def write_views(self) -> None:
        """Bring ``results.csv`` and ``best.yaml`` up to date with the ledger."""
        records = self.records()
        self._table.write(records)
        best = best_of(records, self.search.direction)
        if best is not None and best.number != self._best and self.paths.trial(best.number).config.is_file():
            write_best(self.paths, best, self.search.objective)
            self._best = best.number

    def _take_over(self, trial: FrozenTrial) -> Claim | None:
        crashes = trial.user_attrs.get("crashes", 0) + bool(trial.user_attrs.get("owner"))
        claim = Claim(trial.number, trial.user_attrs["point"], trial.user_attrs["seed"], trial._trial_id)
        self._storage.set_trial_user_attr(trial._trial_id, "crashes", crashes)
        if crashes < MOST_CRASHES:
            self._storage.set_trial_user_attr(trial._trial_id, "owner", self._lease.owner)
            return claim
        reason = f"the worker's process died {crashes} times while it ran this trial (out of memory?)"
        result = replace(_to_record(trial).result, objective=None, reason=reason)
        self._storage.set_trial_user_attr(trial._trial_id, "result", asdict(result))
        self._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        self.write_views()
        return None

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
            user_attrs={"point": proposal.point, "seed": seed, "owner": self._lease.owner},
        )  # fmt: skip
        trial_id = self._storage.create_new_trial(self._study_id, template)
        return Claim(self._storage.get_trial_number_from_id(trial_id), proposal.point, seed, trial_id)

    def _stop_if_failing(self) -> None:
        most = self.search.budget.failed_in_a_row
        ended = sorted((r for r in self.records() if r.state.finished), key=lambda record: record.number)
        failures = [record for record in ended if record.state is State.FAILED]
        if most is None or len(failures) - self._failures_before < most:
            return
        if all(record.state is State.FAILED for record in ended[-most:]):
            first = ended[-most]
            raise SweepStopped(
                f"{most} trials in a row have failed (max_consecutive_failed_trials={most}). The first of them, trial "
                f"{first.number}: {first.result.reason} See {self.paths.trial(first.number).error}."
            )

    def _tick(self) -> None:
        """Note that this session is alive: the hours of a sweep are summed over its sessions."""
        if self.search.budget.hours is None:
            return
        now, key = self._clock(), f"session:{self._session}"
        begun = self._storage.get_study_user_attrs(self._study_id).get(key, [now])[0]
        self._storage.set_study_user_attr(self._study_id, key, [begun, now])

    def _hours(self) -> float:
        attrs = self._storage.get_study_user_attrs(self._study_id)
        return sum(last - first for key, (first, last) in attrs.items() if key.startswith("session:")) / 3600


def create_ledger(paths: SweepPaths, storage: str | None, direction: str, objective: str) -> None:
    """Create the ledger of a sweep, if it is not there yet.

    Raises:
        StudyError: The database does not answer, or the file cannot be written.
    """
    paths.workers.mkdir(parents=True, exist_ok=True)
    with _explained(storage or str(paths.journal)), FileLock(paths.ledger_lock):
        study = optuna.create_study(
            storage=open_storage(paths, storage),
            study_name=paths.name,
            direction="maximize" if direction == "max" else "minimize",
            load_if_exists=True,
        )
        if not study.metric_names:
            study.set_metric_names([objective])


def open_storage(paths: SweepPaths, storage: str | None) -> BaseStorage:
    """The store of a ledger: the sweep's journal file, or a database."""
    optuna.logging.set_verbosity(logging.WARNING)
    if storage is None:
        return JournalStorage(JournalFileBackend(str(paths.journal)))
    return RDBStorage(storage)


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    try:
        yield
    except (ImportError, OSError, ValueError, KeyError, sqlite3.Error, optuna.exceptions.StorageInternalError) as error:
        raise StudyError(f"storage: the ledger {where} cannot be opened: {error}") from error


def is_spent(records: Sequence[TrialRecord], budget: Budget) -> bool:
    """Whether no new trial may be begun, by the number of trials and epochs."""
    if budget.trials is not None and len(records) >= budget.trials:
        return True
    return budget.total_epochs is not None and sum(record.result.epochs for record in records) >= budget.total_epochs


def _to_record(trial: FrozenTrial) -> TrialRecord:
    attrs = trial.user_attrs
    if "result" in attrs and trial.state.is_finished():
        result = Result(**attrs["result"])
    else:
        result = Result(epochs=trial.last_step or 0)
    return TrialRecord(
        trial.number, _STATES[trial.state], attrs["point"], attrs["seed"], result, attrs.get("owner", "")
    )
