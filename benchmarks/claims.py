"""What `store.py` times: workers whose trials train nothing, over a ledger that already holds many trials.

Each side is filled in one go, with trials as a worker leaves them, and then opened by each worker process by itself.
"""

from __future__ import annotations

import datetime
import random
import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import optuna
from faulty import OBJECTIVE, SPACE
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from mnistsweep import algorithms
from mnistsweep.algorithms import distribution, encode
from mnistsweep.journal import JournalFile
from mnistsweep.leases import Lease
from mnistsweep.ledger import Ledger, create_ledger
from mnistsweep.paths import SweepPaths
from mnistsweep.results import Result, State
from mnistsweep.stores import open_registry, open_storage
from mnistsweep.study import Budget, Claim, Search, Study

SEED = 0


@dataclass(frozen=True)
class Task:
    """What one worker does.

    Attributes:
        side: ``mnistsweep`` or ``optuna``.
        folder: Of the sweep.
        url: Of the database; None for a journal file.
        budget: Trials in all, those that are there already included.
        times: How many trials this worker runs.
        think: Seconds that each takes, on average; 0: none at all.
        index: Which worker it is.
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
    """In seconds; `began` and `ended` of the monotonic clock, which all processes of a machine share."""

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
    """As `mnistsweep.worker` has it."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        paths = SweepPaths(task.folder)
        lease = self.enter_context(Lease(paths, open_registry(paths, task.url)))
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
        self._shapes = {dimension.key: distribution(dimension) for dimension in SPACE.dimensions}

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
        task: What to do.
        wait: Called when the ledger is open, to begin together with the others.
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


def make_search(budget: int) -> Search:
    oracle = algorithms.make_oracle({"name": "random"}, SPACE, SEED, budget, ())
    return Search(SPACE, "max", oracle, lambda number: SEED + number, budget=Budget(trials=budget), objective=OBJECTIVE)


def value_of(number: int) -> float:
    """Some objective."""
    return number * 0.6180339887 % 1


def result_of(number: int) -> Result:
    return Result(value_of(number), 1, 1, 0.25)


def fill(folder: Path, url: str | None, trials: int) -> None:
    """Make a ledger that holds so many finished trials."""
    paths = SweepPaths(folder)
    create_ledger(paths, url, "max", OBJECTIVE)
    if url is not None:
        add_trials(open_storage(paths, url), paths.name, trials, whole=True)
        return
    file = JournalFile(paths.journal)
    memory = Memory(list(file.read_logs(0)))
    before = len(memory.logs)
    add_trials(JournalStorage(memory), paths.name, trials, whole=False)
    file.append_logs(memory.logs[before:])
    file.flush()


class Memory(BaseJournalBackend):
    """A journal in memory."""

    def __init__(self, logs: list[dict[str, Any]]) -> None:
        self.logs = logs

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        yield from self.logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self.logs.extend(logs)


def add_trials(storage: BaseStorage, name: str, trials: int, whole: bool) -> None:
    """Add finished trials.

    Args:
        storage: Of the ledger.
        name: Of the study.
        trials: How many.
        whole: Whether in one step each, which is quicker; else in the four of a worker: claim, report, result, end.
    """
    study_id = storage.get_study_id_from_name(name)
    for template in templates(trials, TrialState.COMPLETE if whole else TrialState.RUNNING):
        number = template.user_attrs["seed"] - SEED
        trial_id = storage.create_new_trial(study_id, template)
        if not whole:
            storage.set_trial_intermediate_value(trial_id, 1, value_of(number))
            storage.set_trial_user_attr(trial_id, "result", asdict(result_of(number)))
            storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [value_of(number)])


def templates(trials: int, state: TrialState) -> Iterator[FrozenTrial]:
    search, now = make_search(trials), datetime.datetime.now()
    study = optuna.create_study(storage=JournalStorage(Memory([])))
    shapes = {dimension.key: distribution(dimension) for dimension in SPACE.dimensions}
    done = state.is_finished()
    for number in range(trials):
        proposal = search.oracle.propose(number, study)
        assert proposal is not None
        point = proposal.point
        attrs = {"point": point, "seed": search.seed_of(number), "lease": {"owner": "", "deaths": 0, "epoch": 0}}
        yield FrozenTrial(
            number=-1, trial_id=-1, state=state, value=value_of(number) if done else None, datetime_start=now,
            datetime_complete=now if done else None, system_attrs=proposal.system_attrs,
            params={key: encode(SPACE[key], shapes[key], value) for key, value in point.items()}, distributions=shapes,
            user_attrs={**attrs, "result": asdict(result_of(number))} if done else attrs,
            intermediate_values={1: value_of(number)} if done else {},
        )  # fmt: skip


def open_ledger(side: str, folder: Path, url: str | None) -> int:
    """Open a ledger and read all trials, as `status` does; how many there are."""
    if side == "mnistsweep":
        return len(Ledger(SweepPaths(folder), url).records())
    return len(load_plain(folder).trials)


def load_plain(folder: Path, sampler: optuna.samplers.BaseSampler | None = None) -> optuna.Study:
    """Plain Optuna's study."""
    storage = JournalStorage(JournalFileBackend(str(SweepPaths(folder).journal)))
    return optuna.load_study(study_name=folder.name, storage=storage, sampler=sampler)
