"""The workers that `store.py` times, ours and plain Optuna's: their trials train nothing."""

from __future__ import annotations

import random
import time
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from helpers.faulty import SPACE
from helpers.filling import make_search, result_of, value_of
from mnistsweep.paths import SweepPaths
from mnistsweep.search.distributions import stored
from mnistsweep.study.claim import Claim
from mnistsweep.study.leases import Lease
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study


@dataclass(frozen=True)
class Task:
    """The task of one worker.

    Attributes:
        side: ``mnistsweep`` or ``optuna``.
        folder: Path of the sweep's folder.
        url: URL of the database; None for a journal file.
        budget: Number of all trials, including those already in the ledger.
        times: Number of trials that this worker runs.
        think: Mean duration of a trial, in seconds; 0 for no pause.
        index: Index of the worker.
    """

    side: str
    folder: Path
    url: str | None
    budget: int
    times: int
    think: float
    index: int = 0


@dataclass(frozen=True)
class Times:
    """Durations in seconds; `began` and `ended` are times of the monotonic clock, which all processes share."""

    began: float
    ended: float
    claims: list[float]
    finishes: list[float]


class Side(AbstractContextManager["Side"], Protocol):
    """A worker's access to a ledger."""

    def claim(self) -> Any: ...

    def report(self, claim: Any) -> None: ...

    def finish(self, claim: Any) -> None: ...


class Ours(ExitStack):
    """Access like that of `mnistsweep.workers.worker`."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        paths = SweepPaths(task.folder)
        lease = self.enter_context(Lease(paths, open_coordinator(paths, task.url)))
        self._study = Study(paths, make_search(task.budget), lease, task.url, "benchmark", time.time)

    def claim(self) -> Claim:
        claim = self._study.claim()
        assert claim is not None, "the budget holds a trial for each claim"
        return claim

    def report(self, claim: Claim) -> None:
        self._study.report(claim, 1, value_of(claim.number))

    def finish(self, claim: Claim) -> None:
        self._study.finish(claim, State.COMPLETED, result_of(claim.number))


class Plain(ExitStack):
    """Plain Optuna: ask and tell, without a budget, leases or a table; its own lock."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = load_plain(task.folder, optuna.samplers.RandomSampler(seed=task.index))
        self._shapes = {dimension.key: stored(dimension).distribution for dimension in SPACE.dimensions}

    def claim(self) -> optuna.Trial:
        return self._study.ask(self._shapes)

    def report(self, claim: optuna.Trial) -> None:
        claim.report(value_of(claim.number), 1)

    def finish(self, claim: optuna.Trial) -> None:
        self._study.tell(claim, value_of(claim.number))


SIDES = {"mnistsweep": Ours, "optuna": Plain}


def run(task: Task, wait: Any = None) -> Times:
    """Run one worker's trials.

    Args:
        task: Task of the worker.
        wait: Function called when the ledger is open; it returns when all workers are ready.
    """
    chance = random.Random(task.index)
    claims, finishes = list[float](), list[float]()
    with SIDES[task.side](task) as side:
        if wait is not None:
            wait()
        began = time.monotonic()
        time.sleep(chance.uniform(0, task.think))
        for _ in range(task.times):
            moments = [time.perf_counter()]
            claim = side.claim()
            moments.append(time.perf_counter())
            side.report(claim)
            time.sleep(chance.uniform(0.5 * task.think, 1.5 * task.think))
            moments.append(time.perf_counter())
            side.finish(claim)
            claims.append(moments[1] - moments[0])
            finishes.append(time.perf_counter() - moments[2])
        return Times(began, time.monotonic(), claims, finishes)


def open_ledger(side: str, folder: Path, url: str | None) -> int:
    """Open a ledger and read all trials, as `status` does; returns their number."""
    if side == "mnistsweep":
        return len(Ledger(SweepPaths(folder), url).records())
    return len(load_plain(folder).trials)


def load_plain(folder: Path, sampler: optuna.samplers.BaseSampler | None = None) -> optuna.Study:
    """The study of plain Optuna in a folder."""
    storage = JournalStorage(JournalFileBackend(str(SweepPaths(folder).journal)))
    return optuna.load_study(study_name=folder.name, storage=storage, sampler=sampler)
