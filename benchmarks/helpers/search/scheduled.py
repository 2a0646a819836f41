"""Our schedulers, oracles and pruners in a simulated search: the real classes, over an Optuna study in memory.

The study's format is that of a sweep's ledger (`mnistsweep.study.stored_trials`). Leases, files and processes are not
simulated.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import optuna
from optuna.pruners import BasePruner, NopPruner
from optuna.storages import InMemoryStorage

from helpers.search.simulation import Begin, Method, Resume, Run, Search
from mnistsweep.search.former import FormerTrial
from mnistsweep.search.oracle_factory import PAUSING
from mnistsweep.search.pruners import make_pruner
from mnistsweep.search.scheduler import Curve, Phase, Scheduler, SearchView, Start
from mnistsweep.search.scheduler_factory import make_scheduler
from mnistsweep.space import Point
from mnistsweep.study.ownership import Ownership
from mnistsweep.study.records import Result, State
from mnistsweep.study.stored_trials import StoredTrials


def ours(search: Search, oracle: str, seed: int, former: Sequence[FormerTrial] = ()) -> Scheduled:
    """One of our oracles, with the pruner that belongs to it.

    Args:
        search: Search that it decides.
        oracle: Name of the oracle; `auto` is what it is where trainings cannot be paused.
        seed: Seed of the search.
        former: Trials of a former search.
    """
    table = search.table
    longest = max(table.max_epochs)

    def epochs_of(point: Point) -> int:
        return int(point.get("trainer.epochs", longest))

    scheduler = make_scheduler(
        {"name": oracle}, table.space, seed, None,
        direction=table.direction, epochs_of=epochs_of, can_pause=lambda: oracle in PAUSING, former=former,
    )  # fmt: skip
    pruner = "none" if scheduler.pauses else "auto"
    return Scheduled(search, scheduler, make_pruner({"name": pruner}, oracle, longest))


class Scheduled(Method):
    """A scheduler, and a pruner that stops trials.

    Args:
        search: Search that it decides.
        scheduler: Decides the jobs.
        pruner: Stops unpromising trials for good.
    """

    def __init__(self, search: Search, scheduler: Scheduler, pruner: BasePruner | None = None) -> None:
        self._table = search.table
        self._scheduler = scheduler
        self._pruner = pruner or NopPruner()
        storage = InMemoryStorage()
        direction = "maximize" if search.table.direction == "max" else "minimize"
        self._study = optuna.create_study(storage=storage, study_name="simulated", direction=direction)
        self._stored = StoredTrials(storage, storage.get_study_id_from_name("simulated"))
        self._curves: list[Curve] = []
        self._num_ended = 0

    def next_job(self, search: Search, live: frozenset[int]) -> Begin | Resume | None:
        """Ask the scheduler; a start at a point becomes one at the nearest untried configuration."""
        view = SearchView(self._view(search.runs), search.may_start, search.epochs_left, live)
        self._scheduler.prepare(view)
        job = self._scheduler.next_job(view, self._study)
        if job is None:
            return None
        if not isinstance(job, Start):
            return Resume(job.number, job.until)
        configuration = search.nearest(job.proposal.point)
        if configuration is None:
            return None
        proposal = replace(job.proposal, point=self._table.points[configuration])
        self._stored.create(len(search.runs), proposal, self._table.space, 0, Ownership("worker"), time.time())
        return Begin(configuration, job.until)

    def epoch_ended(self, run: Run) -> bool:
        """Report the epoch, and ask the pruner."""
        self._stored.report(run.number, run.epochs, run.values[run.epochs])
        return isinstance(self._pruner, NopPruner) or not self._pruner.prune(self._study, self._stored.read(run.number))

    def job_ended(self, run: Run) -> None:
        """Record the result of a trial that has ended."""
        if run.phase is Phase.PAUSED:
            return
        state = State.COMPLETED if run.epochs == run.max_epochs else State.PRUNED
        best = (max if self._table.direction == "max" else min)(run.values, key=run.values.__getitem__)
        result = Result(run.values[best], best, run.epochs)
        if run.phase is Phase.FAILED:
            state, result = State.FAILED, Result(epochs=run.epochs)
        self._stored.finish(run.number, state, result, self._num_ended)
        self._num_ended += 1

    def _view(self, runs: list[Run]) -> list[Curve]:
        """All trials as curves; those that have not changed are not made again."""
        for run in runs:
            if run.number == len(self._curves):
                self._curves.append(run.curve(self._table.points[run.configuration]))
            known = self._curves[run.number]
            if known.phase is not run.phase or known.epochs != run.epochs or known.until != max(run.until, run.epochs):
                self._curves[run.number] = run.curve(self._table.points[run.configuration])
        return list(self._curves)
