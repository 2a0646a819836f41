"""The cost of the ledger with sixteen workers: trials that train nothing, over a ledger that already holds many trials.

Each worker is a separate process that claims a trial, reports one epoch and finishes it, twenty times, with the random
oracle. Our side does everything that a worker does to the ledger: budget, leases, the ledger lock, results.csv; on a
journal file, and on PostgreSQL (a private server on this machine that waits for its disk; skipped if none is
installed), with `--stores sqlite` on SQLite. What each step asks of a database is also counted. The peer is plain
Optuna, ask and tell, on a journal file with its own lock: no budget, leases or table.

There are two modes. *Paced*: each trial takes a random time around half a second, so sixteen workers run about thirty
trials a second. *Saturated*: a trial takes no time, and the sixteen processes compete; on few cores this measures the
queue for a core. Therefore the paced times are judged: with 1,000 trials in the ledger, 99 % of the claims take less
than 50 ms on the journal, and on PostgreSQL.

The columns are milliseconds, over the claims (finishes) of all workers together. The first claim of a worker may do
more than later ones, such as reading the points of all earlier trials; it is counted, and "later" is the p99 without
it. "open" is the time to open the ledger and read all its trials in a process with all imports done, before the
workers start. The last two columns are the claims' p90 and maximum.

    python benchmarks/store.py                                              # about ten minutes
    python benchmarks/store.py --stores postgresql --trials 1000 --peer REVISION --repeats 3
    python benchmarks/store.py --profile --trials 10000 --stores journal    # profile of one worker
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import itertools
import multiprocessing
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from helpers import claims, common, servers, statements, versions
from helpers.claims import Task, Times
from helpers.filling import fill

MAX_MILLISECONDS = 50.0
JUDGED_TRIALS = 1000
JUDGED = ("journal", "PostgreSQL")
THINK_SECONDS = 0.5
PATIENCE_SECONDS = 300.0
# In a worker process, where all of them wait for each other.
BARRIER: list[Any] = []

MODES = {"paced": THINK_SECONDS, "saturated": 0.0}

# Gives the URL of a fresh database, or None for a journal file.
NewStore = Callable[[], str | None]


@dataclass(frozen=True)
class Row:
    """One run: milliseconds, except the rate (trials per second of all workers together)."""

    rate: float
    claim: float
    claim_p99: float
    later_p99: float
    finish: float
    finish_p99: float
    claim_p90: float
    claim_maximum: float

    @classmethod
    def of(cls, found: Sequence[Times]) -> Row:
        claims_, finishes = ([x for times in found for x in getattr(times, name)] for name in ("claims", "finishes"))
        later = [x for times in found for x in times.claims[1:]] or claims_
        seconds = max(times.ended for times in found) - min(times.began for times in found)
        middle = statistics.median
        return cls(
            len(claims_) / seconds, 1000 * middle(claims_), 1000 * p99(claims_), 1000 * p99(later),
            1000 * middle(finishes), 1000 * p99(finishes), 1000 * upper(claims_, 10), 1000 * max(claims_),
        )  # fmt: skip

    def __str__(self) -> str:
        claim = f"{self.claim:9.2f}{self.claim_p99:9.1f}{self.later_p99:9.1f}"
        return f"{self.rate:9.1f}{claim}{self.finish:9.2f}{self.finish_p99:9.1f}"


HEAD = "".join(f"{name:>9}" for name in ("trials/s", "claim", "p99", "later", "finish", "p99"))


def main() -> None:
    options = parse_arguments()
    common.print_heading("optuna", "sqlalchemy", "psycopg")
    if options.peer:
        compare_versions(options)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        print(f"a write that waits for the disk of {folder.parent}: {common.sync_milliseconds(folder):.2f} ms")
        print(f"{options.workers} workers, {options.times} trials each; ms: median and p99\n")
        judged: dict[str, float | None] = {}
        for title, side, new_store in open_stores(options.stores, folder, stack):
            if options.profile:
                profile(folder / title, side, new_store(), max(options.trials), options.times)
            else:
                judged[title] = measure(folder, title, side, new_store, options)
        if not options.profile:
            for title in JUDGED:
                judge(title, judged.get(f"mnistsweep, {title}"))


def judge(store: str, milliseconds: float | None) -> None:
    """Print whether the p99 of the claims is what it must be."""
    print(f"\nclaim, p99, on {store} with {JUDGED_TRIALS:,} trials, paced; ", end="")
    if milliseconds is None:
        print("not measured")
        return
    met = common.verdict(milliseconds < MAX_MILLISECONDS)
    print(f"required under {MAX_MILLISECONDS:g} ms: {milliseconds:.1f} {met}")


def compare_versions(options: argparse.Namespace) -> None:
    """Run this benchmark of another version and of this one in turn, and compare the p99 of the claims."""
    arguments = ["--workers", str(options.workers), "--times", str(options.times)]
    arguments += ["--trials", *map(str, options.trials), "--stores", *options.stores]
    arguments += ["--folder", str(options.folder.resolve())] if options.folder else []
    line = r"^ +([\d,]+ trials, \w+) +[0-9.]+ +[0-9.]+ +([0-9.]+)"
    heading = r"^(\S.*?) +trials/s"
    versions.compare(Path(__file__).name, options.peer, arguments, line, heading, options.repeats)


def open_stores(names: Sequence[str], folder: Path, stack: contextlib.ExitStack) -> Iterator[tuple[str, str, NewStore]]:
    """The sides of the comparison: title, name in `claims.SIDES`, and function that makes a place for a ledger."""
    for name in names:
        if name == "journal":
            yield "mnistsweep, journal", "mnistsweep", lambda: None
            yield "plain Optuna, journal", "optuna", lambda: None
            continue
        if name == "sqlite":
            files = itertools.count()
            yield "mnistsweep, SQLite", "mnistsweep", lambda: f"sqlite:///{folder}/{next(files)}.db"  # noqa: B023
            continue
        new_database = servers.start_postgresql(stack)
        if new_database is not None:
            yield "mnistsweep, PostgreSQL", "mnistsweep", new_database


def measure(folder: Path, title: str, side: str, new_store: NewStore, options: argparse.Namespace) -> float | None:
    """Print the rows of one side.

    Returns:
        p99 of a claim, if the requirement is judged at this side and size; otherwise None.
    """
    print(f"{title:32}{HEAD}{'open':>9}{'p90':>9}{'max':>9}")
    judged = None
    for trials in options.trials:
        for mode, think in MODES.items():
            with tempfile.TemporaryDirectory(dir=folder) as name:
                place, url = Path(name) / "sweep", new_store()
                fill(place, url, trials)
                opening = time_to_open(side, place, url)
                budget = trials + options.workers * options.times
                row = Row.of(run_all(Task(side, place, url, budget, options.times, think), options.workers))
                assert claims.open_ledger(side, place, url) == budget, "each worker had its trials, and no more"
            tail = f"{row.claim_p90:9.1f}{row.claim_maximum:9.1f}"
            print(f"  {trials:>7,} trials, {mode:14}{row}{opening:9.0f}{tail}", flush=True)
            if side == "mnistsweep" and trials == JUDGED_TRIALS and mode == "paced":
                judged = row.claim_p99
    if (url := new_store()) is not None:
        print_counts(folder / "counted", url, max(options.trials), options.workers)
    return judged


def print_counts(folder: Path, url: str, trials: int, workers: int) -> None:
    """Print what the steps of one worker ask of the database."""
    fill(folder, url, trials)
    print(f"  with {trials:,} trials, {workers - 1} others running{statements.HEAD}")
    for name, counts in statements.count(folder, url, trials, workers).items():
        print(f"    {name:38}{counts}", flush=True)


def time_to_open(side: str, folder: Path, url: str | None) -> float:
    """Milliseconds to open a ledger and to read all its trials."""
    began = time.perf_counter()
    claims.open_ledger(side, folder, url)
    return 1000 * (time.perf_counter() - began)


def run_all(task: Task, workers: int) -> list[Times]:
    """Run the workers in separate processes; all start when all have opened the ledger."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(workers)
    with ProcessPoolExecutor(workers, context, initializer=share, initargs=(barrier,)) as pool:
        return list(pool.map(run_one, (replace(task, index=index) for index in range(workers))))


def share(barrier: Any) -> None:
    """Initialize a worker process."""
    BARRIER.append(barrier)


def run_one(task: Task) -> Times:
    return claims.run(task, lambda: BARRIER[0].wait(PATIENCE_SECONDS))


def upper(values: Sequence[float], one_in: int) -> float:
    """The value that one in so many values exceeds."""
    ordered = sorted(values)
    return ordered[len(ordered) - 1 - len(ordered) // one_in]


def p99(values: Sequence[float]) -> float:
    """The value that 1 % of the values exceed.

    Example:
        >>> p99([float(x) for x in range(1, 301)])
        297.0
    """
    return upper(values, 100)


def profile(folder: Path, side: str, url: str | None, trials: int, times: int) -> None:
    """Print the functions in which one worker spends its time."""
    fill(folder, url, trials)
    profiler = cProfile.Profile()
    profiler.runcall(claims.run, Task(side, folder, url, trials + times, times, 0.0))
    print(
        f"{folder.name}: {times} trials of one worker with {trials:,} in the ledger; the profiler slows all of it down"
    )
    pstats.Stats(profiler).sort_stats("cumulative").print_stats("mnistsweep", 30)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(20)


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__)
    parser.add_argument("--workers", type=common.whole(1), default=16, help="(default 16)")
    parser.add_argument("--times", type=common.whole(1), default=20, help="trials of each worker (default 20)")
    parser.add_argument(
        "--trials", type=common.whole(0), nargs="+", default=[100, 1000, 10_000],
        help="that the ledger holds before (default 100 1000 10000)",
    )  # fmt: skip
    parser.add_argument(
        "--stores", nargs="+", choices=("journal", "sqlite", "postgresql"), default=["journal", "postgresql"]
    )
    parser.add_argument("--folder", type=Path, help="where to write, to choose the disk (default the system's)")
    parser.add_argument("--profile", action="store_true", help="profile one worker, at the largest number of trials")
    versions.add_peer(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
