"""What a ledger costs by its number of trials and of workers, for `scale.py`: times, bytes and rows, without training.

One worker is measured, in a process of its own, so that its memory is not that of an earlier ledger. The others exist
only in the ledger: each owns a running trial, has a heartbeat, and reports an epoch between two operations of the
measured worker, as happens when all are equally fast.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
from optuna.storages.journal._storage import JournalOperation

from helpers.claims import open_ledger
from helpers.filling import fill, make_search, result_of, value_of
from mnistsweep.paths import SweepPaths
from mnistsweep.study.coordination import Coordinator
from mnistsweep.study.leases import Lease
from mnistsweep.study.records import State
from mnistsweep.study.storage.journal_file import JournalFile
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study

# The heartbeats of the other workers are not renewed: a measurement that takes long must not take over their trials.
LEASE_SECONDS = 1e6


@dataclass(frozen=True)
class Duration:
    """Time of one operation in seconds, over several.

    Attributes:
        shortest: The shortest; other programs on the machine only add to it.
        median: The median.
    """

    shortest: float
    median: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Duration:
        return cls(min(seconds), statistics.median(seconds))


@dataclass(frozen=True)
class Costs:
    """Costs of one ledger; times in seconds.

    Attributes:
        trials: Number of finished trials in it.
        workers: Number of workers, with the measured one.
        size: Bytes of the journal, or of the tables of trials with their indexes.
        report_size: Bytes of the report of one epoch.
        rows: Rows in these tables; lines of a journal.
        status: Reading all trials, as `mnistsweep status` does.
        opening: Opening the ledger as a new worker does.
        memory: Bytes of memory by which a worker grows when it opens the ledger.
        claim: Holding the ledger lock for a claim.
        finish: Holding it for a finish.
        report: A report, which needs no ledger lock.
        views: Writing ``results.csv`` and ``best.yaml``, which needs no ledger lock.
    """

    trials: int
    workers: int
    size: int
    report_size: float
    rows: int
    status: float
    opening: float
    memory: int
    claim: Duration
    finish: Duration
    report: Duration
    views: float


def measure(folder: Path, url: str | None, trials: int, workers: int, times: int) -> Costs:
    """Fill a ledger, and measure it.

    Args:
        folder: Path of the sweep's folder.
        url: URL of an empty database; None for a journal file.
        trials: Number of finished trials.
        workers: Number of workers.
        times: Number of trials that the measured worker runs.
    """
    owners = [f"elsewhere-00000000-{index}-000000" for index in range(workers - 1)]  # boot id of no machine
    fill(folder, url, trials, owners)
    coordinator = open_coordinator(SweepPaths(folder), url)
    for owner in owners:
        coordinator.write_heartbeat(owner, 1)
    others = Others(SweepPaths(folder), url, range(trials, trials + len(owners)))
    size, rows = others.size(), others.rows()
    status = timed(lambda: open_ledger("mnistsweep", folder, url))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(measure_worker, folder, url, trials, workers, times).result()
    return Costs(trials, workers, size, others.report_size(), rows, status, **found)


def measure_worker(folder: Path, url: str | None, trials: int, workers: int, times: int) -> dict[str, Any]:
    """Open a ledger as a worker, and run trials; the arguments are those of `measure`."""
    paths = SweepPaths(folder)
    coordinator = open_coordinator(paths, url)
    others = Others(paths, url, range(trials, trials + workers - 1))
    search = make_search(trials + workers + times)
    before, began = psutil.Process().memory_info().rss, time.perf_counter()
    with Lease(paths, coordinator, LEASE_SECONDS) as lease:
        study = Study(paths, search, lease, url, "benchmark", time.time)
        opening, memory = time.perf_counter() - began, psutil.Process().memory_info().rss - before
        claims, reports, finishes = map(Duration.of, operations(study, coordinator, others, times))
        views = min(timed(study.write_views) for _ in range(3))
    return {
        "opening": opening, "memory": memory, "claim": claims, "report": reports, "finish": finishes, "views": views,
    }  # fmt: skip


def operations(study: Study, coordinator: Coordinator, others: Others, times: int) -> tuple[list[float], ...]:
    """Durations of claims and finishes under the lock, and of reports; those of the first trial are left out.

    The first trial also opens connections, and reads what is read once.
    """
    claims, reports, finishes = list[float](), list[float](), list[float]()
    for _ in range(times + 1):
        others.report()
        with holding(coordinator, claims):
            claim = study.claim()
        assert claim is not None, "the budget holds a trial for each claim"
        others.report()
        began = time.perf_counter()
        study.report(claim, 1, value_of(claim.number))
        reports.append(time.perf_counter() - began)
        others.report()
        with holding(coordinator, finishes):
            study.finish(claim, State.COMPLETED, result_of(claim.number))
    return claims[1:], reports[1:], finishes[1:]


@contextlib.contextmanager
def holding(coordinator: Coordinator, seconds: list[float]) -> Iterator[None]:
    """Context that appends the time for which the ledger lock is held in it."""
    original, held = coordinator.exclusive, list[float]()

    @contextlib.contextmanager
    def exclusive() -> Iterator[None]:
        began = None
        try:
            with original():
                began = time.perf_counter()
                yield
        finally:
            if began is not None:
                held.append(time.perf_counter() - began)

    with patch.object(coordinator, "exclusive", exclusive):
        yield
    seconds.append(sum(held))


def timed(function: Callable[[], Any]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


class Others:
    """The other workers: what they write, and what the store then holds.

    Args:
        paths: Paths of the sweep's files.
        url: URL of the database; None for a journal file.
        numbers: Numbers of the trials that they run.
    """

    def __init__(self, paths: SweepPaths, url: str | None, numbers: Sequence[int]) -> None:
        self._numbers, self._epoch = numbers, 0
        self._store: _JournalSide | _DatabaseSide = _JournalSide(paths) if url is None else _DatabaseSide(url)
        self.size, self.rows, self.report_size = self._store.size, self._store.rows, self._store.report_size

    def report(self) -> None:
        """Report one epoch of each of their trials."""
        self._epoch += 1
        if self._numbers:
            self._store.report(self._numbers, self._epoch)


class _JournalSide:
    def __init__(self, paths: SweepPaths) -> None:
        self._path, self._file = paths.journal, JournalFile(paths.journal)

    def report(self, numbers: Sequence[int], epoch: int) -> None:
        self._file.append_logs([_report_entry(number, epoch) for number in numbers])

    def report_size(self) -> float:
        lines = [line for line in self._path.read_bytes().splitlines(True) if line.startswith(_REPORT)]
        return statistics.mean(map(len, lines)) if lines else 0.0

    def size(self) -> int:
        return self._path.stat().st_size

    def rows(self) -> int:
        return self._path.read_bytes().count(b"\n")


_REPORT = b'{"op_code":%d,' % JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE


def _report_entry(number: int, epoch: int) -> dict[str, Any]:
    """Entry of a report as Optuna writes it."""
    return {
        "op_code": int(JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE),
        "worker_id": "00000000-0000-0000-0000-000000000000-000000000000000",
        "trial_id": number,
        "step": epoch,
        "intermediate_value": value_of(number + epoch),
    }


_REPORTS = "trial_intermediate_values"
_TABLES = ("trials", "trial_params", "trial_user_attributes", "trial_system_attributes", "trial_values", _REPORTS)


class _DatabaseSide:
    def __init__(self, url: str) -> None:
        from sqlalchemy import create_engine

        self._engine = create_engine(url)

    def report(self, numbers: Sequence[int], epoch: int) -> None:
        from optuna.storages._rdb.models import TrialIntermediateValueModel

        values = ((number + 1, value_of(number + epoch)) for number in numbers)
        rows = [
            {"trial_id": key, "step": epoch, "intermediate_value": value, "intermediate_value_type": "FINITE"}
            for key, value in values
        ]
        with self._engine.begin() as connection:
            connection.execute(TrialIntermediateValueModel.__table__.insert(), rows)  # type: ignore[attr-defined]

    def report_size(self) -> float:
        num = self._number(f"SELECT count(*) FROM {_REPORTS}")
        return self._number(f"SELECT pg_total_relation_size('{_REPORTS}')") / num if num else 0.0

    def size(self) -> int:
        return sum(self._number(f"SELECT pg_total_relation_size('{name}')") for name in _TABLES)

    def rows(self) -> int:
        return sum(self._number(f"SELECT count(*) FROM {name}") for name in _TABLES)

    def _number(self, query: str) -> int:
        from sqlalchemy import text

        with self._engine.connect() as connection:
            return int(connection.execute(text(query)).scalar() or 0)
