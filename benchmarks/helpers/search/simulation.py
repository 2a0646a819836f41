"""A search on recorded learning curves, in simulated time.

A job trains one configuration from its last finished epoch to another. It takes the recorded processor time of its
epochs, and a fixed time at its begin, for building and tracing the model. A worker that still has the model of the
trial in memory spends a part of this time (`benchmarks/continuation.py` measures it). Workers are independent of each
other: each asks for its next job when a job has ended. Decisions take no simulated time.

The points of the space are the recorded configurations. A method that proposes another point gets the nearest
configuration that was not tried yet, see `RecordedSpace.distances`.
"""

from __future__ import annotations

import heapq
import itertools
import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from helpers.search.tables import Table
from mnistsweep.search.scheduler import Curve, Phase
from mnistsweep.space import Point


@dataclass(frozen=True)
class Settings:
    """What a simulated search costs and may spend.

    Attributes:
        total_epochs: Budget: no epoch begins when this number has begun.
        workers: Number of workers.
        restart_epochs: Time at the begin of a job, in typical epochs of the table.
        live_models: Number of models that a worker keeps in memory.
        live_share: Part of that time at the begin of a job of which the worker has the model in memory.
    """

    total_epochs: int
    workers: int = 1
    restart_epochs: float = 1.0
    live_models: int = 8
    live_share: float = 0.3


@dataclass
class Run:
    """One trial of a simulated search.

    Attributes:
        number: Number of the trial.
        configuration: Index of the recorded configuration.
        max_epochs: Number of epochs of the whole training.
        phase: Phase of the trial.
        until: Last epoch of the running job.
        values: Objective after each finished epoch.
        seconds: Processor time of the finished epochs.
    """

    number: int
    configuration: int
    max_epochs: int
    phase: Phase = Phase.RUNNING
    until: int = 0
    values: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.values)

    def curve(self, point: Point) -> Curve:
        """The trial as a scheduler sees it."""
        until = self.until if self.phase is Phase.RUNNING else self.epochs
        values = dict(self.values)
        return Curve(self.number, point, self.phase, self.max_epochs, values, until, self.seconds)


@dataclass(frozen=True)
class Step:
    """A finished epoch.

    Attributes:
        time: Simulated time of its end in seconds.
        configuration: Index of the configuration.
        epoch: Number of the epoch in its training.
        value: Objective after it.
    """

    time: float
    configuration: int
    epoch: int
    value: float


@dataclass(frozen=True)
class Begin:
    """Start a trial of a configuration, until the end of an epoch."""

    configuration: int
    until: int


@dataclass(frozen=True)
class Resume:
    """Continue a trial, until the end of an epoch."""

    number: int
    until: int


class Method(ABC):
    """Decides the jobs of a simulated search."""

    @abstractmethod
    def next_job(self, search: Search, live: frozenset[int]) -> Begin | Resume | None:
        """Return the next job of a worker; None if there is none now.

        Args:
            search: The search so far.
            live: Numbers of the trials of which the worker has the model in memory.
        """

    def epoch_ended(self, run: Run) -> bool:
        """Return whether the job goes on after an epoch. The value of the epoch may be NaN: then the trial failed."""
        return True

    def job_ended(self, run: Run) -> None:  # noqa: B027  # optional
        """Learn that a job has ended: the trial is paused, ended or failed."""


class Search:
    """One simulated search.

    Args:
        table: Recorded curves.
        seed: Seed of the search: which recorded seed each configuration has.
        settings: Costs and budget.

    Attributes:
        table: Recorded curves.
        runs: Trials in the order of their starts.
        steps: Finished epochs in the order of simulated time.
    """

    def __init__(self, table: Table, seed: int, settings: Settings) -> None:
        self.table = table
        self.runs: list[Run] = []
        self.steps: list[Step] = []
        self._settings = settings
        self._seeds = table.drawn_seeds(seed)
        self._untried = np.ones(len(table), bool)
        self._live: list[deque[int]] = [deque(maxlen=settings.live_models) for _ in range(settings.workers)]
        self._events: list[tuple[float, int, int, Run]] = []
        self._order = itertools.count()
        self._reserved = 0

    @property
    def epochs_left(self) -> int:
        """Budget that is left, without the epochs of running jobs."""
        return self._settings.total_epochs - len(self.steps) - self._reserved

    @property
    def may_start(self) -> bool:
        """Whether a configuration was not tried."""
        return bool(self._untried.any())

    def leave_out(self, configurations: Sequence[int]) -> None:
        """Treat some configurations as tried."""
        self._untried[list(configurations)] = False

    def nearest(self, point: Point) -> int | None:
        """Index of the nearest configuration that was not tried; None if all were."""
        if not self.may_start:
            return None
        return int(np.where(self._untried, self.table.space.distances(point), np.inf).argmin())

    def play(self, method: Method) -> list[Step]:
        """Run the search until its budget is spent, or the method has no more jobs.

        Args:
            method: Decides the jobs.

        Returns:
            Finished epochs in the order of simulated time.
        """
        free = deque(range(self._settings.workers))
        now = 0.0
        while True:
            while free and self.epochs_left > 0:
                job = method.next_job(self, self._shown_live(free[0]))
                if job is None:
                    break
                self._start(job, free.popleft(), now)
            if not self._events:
                return self.steps
            now, _, worker, run = heapq.heappop(self._events)
            if not self._end_epoch(run, now, method, worker):
                free.append(worker)

    def _shown_live(self, worker: int) -> frozenset[int]:
        """Trials of which a worker has the model; a search with one worker may not depend on it, see `SearchView`."""
        return frozenset(self._live[worker]) if self._settings.workers > 1 else frozenset()

    def _start(self, job: Begin | Resume, worker: int, now: float) -> None:
        run = self._begin(job.configuration) if isinstance(job, Begin) else self.runs[job.number]
        run.until = min(job.until, run.max_epochs, run.epochs + self.epochs_left)
        run.phase = Phase.RUNNING
        if run.until <= run.epochs:
            raise ValueError(f"trial {run.number} has {run.epochs} epochs; a job until epoch {job.until} is empty")
        self._reserved += run.until - run.epochs
        live = self._live[worker]
        start = self._settings.restart_epochs * self.table.typical_seconds
        start *= self._settings.live_share if run.number in live else 1.0
        if run.number in live:
            live.remove(run.number)
        live.append(run.number)
        self._push_epoch(run, now + start, worker)

    def _begin(self, configuration: int) -> Run:
        self._untried[configuration] = False
        self.runs.append(Run(len(self.runs), configuration, self.table.max_epochs[configuration]))
        return self.runs[-1]

    def _push_epoch(self, run: Run, now: float, worker: int) -> None:
        heapq.heappush(self._events, (now + self._seconds(run), next(self._order), worker, run))

    def _seconds(self, run: Run) -> float:
        """Time of the next epoch; of one that diverged, a typical time."""
        seconds = float(self.table.seconds[run.configuration, self._seeds[run.configuration], run.epochs])
        return seconds if math.isfinite(seconds) else self.table.typical_seconds

    def _end_epoch(self, run: Run, now: float, method: Method, worker: int) -> bool:
        """Record an epoch; return whether its job goes on."""
        run.seconds += self._seconds(run)
        epoch = run.epochs + 1
        value = float(self.table.values[run.configuration, self._seeds[run.configuration], epoch - 1])
        run.values[epoch] = value
        self._reserved -= 1
        self.steps.append(Step(now, run.configuration, epoch, value))
        if math.isfinite(value) and method.epoch_ended(run) and epoch < run.until:
            self._push_epoch(run, now, worker)
            return True
        self._reserved -= run.until - epoch
        stopped = epoch < run.until
        run.phase = Phase.FAILED if not math.isfinite(value) else Phase.ENDED
        if math.isfinite(value) and not stopped and epoch < run.max_epochs:
            run.phase = Phase.PAUSED
        method.job_ended(run)
        return False
