"""Studies over a fake objective, which train nothing: for the tests of search, study and workers."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.search.oracle_factory import make_oracle
from mnistsweep.search.pruners import make_pruner
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.space import Point, SearchSpace
from mnistsweep.study.budget import Budget
from mnistsweep.study.claim import Claim
from mnistsweep.study.leases import LEASE_SECONDS, Lease
from mnistsweep.study.opened_ledger import create_ledger
from mnistsweep.study.records import Result, State, TrialRecord
from mnistsweep.study.running_time import MAX_GAP_SECONDS, RunningTime
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.study.sweep import Sweep

# Runs a real sweep with the given overrides: the fixture `run_sweep`.
RunSweep = Callable[[Sequence[str]], Sweep]

MOMENTUM = Float("optimizer.momentum", 0.0, 0.9, conditions=(Condition("optimizer", ("sgd", "rmsprop")),))

# Every kind of dimension; infinitely many points.
MIXED = SearchSpace(
    (
        Choice("optimizer", ("adam", "sgd", "rmsprop")),
        MOMENTUM,
        Choice("model.layer_size", (32, 64, 128, 256)),
        Choice("trainer.epochs", (2, 4, 6)),
        Choice("model.flag", (True, False)),
        Choice("model.norm", (None, "l2", "batch")),
        Choice("model.filters", ([8, 16], [16])),
        Int("model.dense_layers", 1, 3),
        Int("trainer.batch_size", 8, 512, log=True),
        Float("model.dropout", 0.0, 0.6),
        Float("optimizer.learning_rate", 1e-4, 1e-1, log=True),
    )
)

# Seven points: the last dimension exists at four of them.
SMALL = SearchSpace(
    (
        Choice("optimizer", ("adam", "sgd")),
        Choice("size", (32, 64, 128)),
        Int("layers", 1, 2, conditions=(Condition("optimizer", ("sgd",)), Condition("size", (64,)))),
    )
)

LINE = SearchSpace((Float("x", 0.0, 1.0),))

Objective = Callable[[Point], float]


class ManualClock:
    """Clock that a test sets.

    Args:
        now: Current time in seconds.
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_time(self, seconds: float, *measured: RunningTime) -> None:
        """Let time pass, in which the processes with these running times read the clock often enough."""
        steps = math.ceil(seconds / MAX_GAP_SECONDS)
        for _ in range(steps):
            self.now += seconds / steps
            for running_time in measured:
                running_time.seconds()


def score(point: Point) -> float:
    """A number that depends on every value of a point."""
    return math.fsum(number_of(key, value) for key, value in point.items())


def number_of(key: str, value: Any) -> float:
    """A number in [0, 1) that, unlike a hash, is the same in every process."""
    return sum((index + 1) * ord(letter) for index, letter in enumerate(f"{key}={value}")) * 0.6180339887 % 1


def completed_trial(number: int, objective: float, **point: object) -> TrialRecord:
    """Record of a completed trial."""
    result = Result(objective, best_epoch=2, epochs=3, seconds=1.23456)
    return TrialRecord(number, State.COMPLETED, point or {"optimizer": "adam", "flag": True}, 7, result)


def failed_trial(number: int, reason: str) -> TrialRecord:
    """Record of a failed trial."""
    return TrialRecord(number, State.FAILED, {"optimizer": "None", "flag": False}, 8, Result(reason=reason))


def make_search(
    space: SearchSpace,
    oracle: str = "random",
    *,
    trials: int | None = None,
    seed: int = 0,
    direction: str = "max",
    pruner: str = "none",
    enqueued: Sequence[Mapping[str, Any]] = (),
    **budget: Any,
) -> SearchSettings:
    """Settings of a search, with oracle and pruner by name; trial N has the seed 1000 + N."""
    return SearchSettings(
        space,
        direction,
        WholeTrials(make_oracle({"name": oracle}, space, seed, trials, enqueued)),
        lambda number: 1000 + number,
        make_pruner({"name": pruner}, oracle, 9),
        Budget(trials=trials, **budget),
        "val_accuracy",
    )


@contextlib.contextmanager
def open_study(
    paths: SweepPaths,
    search: SearchSettings,
    storage: str | None = None,
    session: str = "first",
    clock: Callable[[], float] = lambda: 0.0,
    lease_seconds: float = LEASE_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Study]:
    """The study of a worker that exits normally at the end of the context."""
    create_ledger(paths, storage, search.direction, search.objective, {}, search.further)
    with Lease(paths, open_coordinator(paths, storage), lease_seconds) as lease:
        study = Study(paths, search, lease, storage, session, clock)
        study.running_time = RunningTime(study._sessions, lease.coordinator, monotonic)
        yield study


@contextlib.contextmanager
def doomed_study(
    paths: SweepPaths, search: SearchSettings, storage: str | None = None, session: str = "first"
) -> Iterator[Study]:
    """The study of a worker that, to all other workers, seems to crash at the end of the context."""
    create_ledger(paths, storage, search.direction, search.objective, {}, search.further)
    lease = Lease(paths, open_coordinator(paths, storage))
    lease.__enter__()
    try:
        yield Study(paths, search, lease, storage, session, lambda: 0.0)
    finally:
        lease._thread.stop()
        lease._lock.close()


def train(study: Study, claim: Claim, value: float, epochs: int = 0) -> State:
    """Report a rising curve that ends at `value`, and finish as the pruner decides."""
    for epoch in range(1, epochs + 1):
        if study.report(claim, epoch, value - 1 / epoch + 1 / epochs):
            study.finish(claim, State.PRUNED, Result(value - 1 / epoch + 1 / epochs, epoch, epoch, 0.25))
            return State.PRUNED
    study.finish(claim, State.COMPLETED, Result(value, epochs or 1, epochs or 1, 0.25))
    return State.COMPLETED


def run(study: Study, objective: Objective = score, epochs: int = 0) -> list[Claim]:
    """Run trials until the study grants no more."""
    claims: list[Claim] = []
    while (claim := study.claim()) is not None:
        claims.append(claim)
        train(study, claim, objective(claim.point), epochs)
    return claims


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for a condition; the limit is one that only a broken program reaches."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition was still false after {seconds} s"
        time.sleep(0.01)


# Starts processes that inherit nothing of this one. They are forks of a server that has imported the study: to start
# an interpreter and to import Optuna takes a second each time.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["mnistsweep.study.study", "mnistsweep.study.storage.stores"])


def start(target: Callable[..., None], *arguments: Any) -> Any:
    """Start a process that inherits nothing of this one."""
    process = PROCESSES.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def new_event() -> Any:
    """An event that processes of `start` can share."""
    return PROCESSES.Event()


def claim(study: Study) -> Claim:
    found = study.claim()
    assert found is not None
    return found


def fail(study: Study, reason: str = "no luck") -> Claim:
    found = claim(study)
    study.finish(found, State.FAILED, Result(reason=reason))
    return found


def work_through(folder: Path, storage: str | None, oracle: str, trials: int, ready: Any, go: Any) -> None:
    """A worker process that runs fake trials of `MIXED`: it reports that it is ready and waits for the start."""
    ready.release()
    go.wait()
    with open_study(SweepPaths(folder), make_search(MIXED, oracle, trials=trials), storage) as study:
        run(study, epochs=2)


def claim_and_hang(folder: Path, storage: str | None, reported: Any, never: Any) -> None:
    """A worker process that reports two epochs of its trial, sets an event, and waits to be killed."""
    with open_study(SweepPaths(folder), make_search(LINE, trials=3), storage) as study:
        claim = study.claim()
        assert claim is not None
        study.report(claim, 1, 0.25)
        study.report(claim, 2, 0.5)
        reported.set()
        never.wait()


def hold_lock(path: Path, holding: Any, never: Any) -> None:
    """A process that takes a lock, sets an event, and waits to be killed."""
    with exclusive_lock(path):
        holding.set()
        never.wait()


def hold_lease(folder: Path, names: Any, never: Any) -> None:
    """A process that takes a lease, sends the name of its owner, and waits to be killed."""
    paths = SweepPaths(folder)
    with Lease(paths, open_coordinator(paths, None)) as lease:
        names.put(lease.owner)
        never.wait()
