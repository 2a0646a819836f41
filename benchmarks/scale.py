"""What many workers and many trials ask of the ledger, on a journal file and on PostgreSQL, and where each stops.

First, one ledger after another is filled without training, and measured: its size, the time and the memory that a
worker needs to open it, and for how long a claim and a finish hold the ledger lock, by the number of trials and by the
number of workers. The other workers exist only in the ledger, with a running trial, a heartbeat, and an epoch reported
between any two operations. PostgreSQL is a private server on this machine that waits for its disk. The times of a
claim, a finish and a report are the shortest of `--times`, because other programs on the machine only add to them; the
median is in brackets.

Then up to 1,000 workers are simulated with the shortest times. A trial takes a random time, 0.5 to 1.5 times
`--seconds`, plus its reports; then the worker holds the lock for its finish, and for the claim of its next trial. The
lock serves one worker after the other; a report needs no lock. The numbers are: the share of time for which the lock is
held, how long a claim waits for it, the trials per second, and the share of a worker's time that it waits for the lock.
A ledger *serves* a number of workers if they hold its lock for at most 80 % of the time.

Not measured: a network between worker and ledger, a network file system, and workers that share cores.

    python benchmarks/scale.py --markdown                    # the tables of docs/scale.md, about seven minutes
    python benchmarks/scale.py --stores journal --trials 1000 10000
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from helpers import common, servers
from helpers.ledger_costs import Costs, Duration, measure
from helpers.lock_queue import Load, Step, simulate

MAX_BUSY = 0.8
SIMULATED_WORKERS = (16, 100, 300, 1000)
REQUESTS_PER_WORKER = 40
MIN_REQUESTS = 8000
SEED = 0

STORES = {"journal": "the journal", "postgresql": "PostgreSQL"}


class Tables:
    """Prints tables, as aligned text or in Markdown."""

    def __init__(self, is_markdown: bool) -> None:
        self._is_markdown = is_markdown

    def title(self, text: str) -> None:
        print(f"\n### {text}\n" if self._is_markdown else f"\n{text}")

    def text(self, text: str) -> None:
        print(text if not self._is_markdown else f"\n{text}")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        if self._is_markdown:
            lines = [head, ["---:"] * len(head), *rows]
            print("\n".join(f"| {' | '.join(line)} |" for line in lines), flush=True)
            return
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        for line in (head, *rows):
            print("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)), flush=True)


class HoldTimes:
    """Times for which the ledger lock is held, by the number of workers, in a ledger of a certain size.

    What a worker does under the lock has two parts. One grows with the number of trials: it was measured with one
    worker. The other grows with the number of workers, whose news it reads: it was measured with fewer trials.

    Args:
        by_trials: Costs with one worker.
        by_workers: Costs with several numbers of workers and the same number of trials; the first is of one worker.
        trials: Number of trials in the ledger.
        kind: The shortest or the median times, an attribute of `Duration`.
    """

    def __init__(self, by_trials: Sequence[Costs], by_workers: Sequence[Costs], trials: int, kind: str) -> None:
        self._base = next(costs for costs in by_trials if costs.trials == trials)
        self._by_workers = by_workers
        self._kind = kind

    def claim(self, workers: int) -> float:
        return self._at(workers, lambda costs: costs.claim)

    def finish(self, workers: int) -> float:
        return self._at(workers, lambda costs: costs.finish)

    def report(self, workers: int) -> float:
        return self._at(workers, lambda costs: costs.report)

    def busy(self, workers: int, seconds: float, epochs: int) -> float:
        """Share of time for which the lock would be held if no worker had to wait; above 1 they have to."""
        held = self.claim(workers) + self.finish(workers)
        return workers * held / (seconds + epochs * self.report(workers) + held)

    def max_workers(self, seconds: float, epochs: int) -> int:
        """The largest number of workers, up to the largest that was measured, that the ledger serves."""
        numbers = range(1, self._by_workers[-1].workers + 1)
        return next((n - 1 for n in numbers if self.busy(n, seconds, epochs) > MAX_BUSY), numbers[-1])

    def _at(self, workers: int, duration: Callable[[Costs], Duration]) -> float:
        def cost(costs: Costs) -> float:
            return float(getattr(duration(costs), self._kind))

        known = [costs.workers for costs in self._by_workers]
        added = [cost(costs) - cost(self._by_workers[0]) for costs in self._by_workers]
        return max(0.0, cost(self._base) + float(np.interp(workers, known, added)))


def main() -> None:
    options = parse_arguments()
    common.print_heading("optuna", "sqlalchemy", "psycopg")
    with tempfile.TemporaryDirectory(dir=options.folder) as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        print(f"a write that waits for the disk of {folder.parent}: {common.sync_milliseconds(folder):.2f} ms")
        for store in options.stores:
            new_database = servers.start_postgresql(stack) if store == "postgresql" else None
            if store == "journal" or new_database is not None:
                answer(STORES[store], folder / store, new_database, options)


def answer(title: str, folder: Path, new_database: Callable[[], str] | None, options: argparse.Namespace) -> None:
    """Measure one kind of ledger, simulate its workers, and print all of it."""
    numbers = itertools.count()

    def costs(trials: int, workers: int) -> Costs:
        url = None if new_database is None else new_database()
        return measure(folder / str(next(numbers)), url, trials, workers, options.times)

    tables, heading = Tables(options.markdown), title[0].upper() + title[1:]
    tables.title(f"{heading}: one worker, by the number of trials")
    by_trials = [costs(trials, 1) for trials in options.trials]
    head = "trials", "MB", "bytes a trial", "rows a trial", "opening, s", "memory, MB", "status, s", "tables, s", \
        "claim, ms", "finish, ms"  # fmt: skip
    tables.table(head, [row_by_trials(one) for one in by_trials])
    tables.title(f"{heading}: {options.at:,} trials, by the number of workers")
    by_workers = [costs(options.at, workers) for workers in options.workers]
    rows = [(f"{one.workers:,}", *map(both, (one.claim, one.finish, one.report))) for one in by_workers]
    tables.table(("workers", "claim, ms", "finish, ms", "report, ms"), rows)
    tables.text(f"An epoch more takes {by_workers[-1].report_size:.0f} bytes.")
    most = max(options.trials)
    holds, slow = (HoldTimes(by_trials, by_workers, most, kind) for kind in ("shortest", "median"))
    tables.title(f"{heading}: simulated workers, {most:,} trials in the ledger, {options.epochs} epochs a trial")
    head = "trial, s", "workers", "lock held", "claim waits, p50, ms", "p99, ms", "trials/s", "worker waits"
    simulated = [
        row_of_load(run(holds, seconds, workers, options.epochs), seconds, workers)
        for seconds in options.seconds
        for workers in SIMULATED_WORKERS
        if workers <= max(options.workers)
    ]
    tables.table(head, simulated)
    for seconds in options.seconds:
        limits = [times.max_workers(seconds, options.epochs) for times in (holds, slow)]
        tables.text(summary(title, seconds, limits, max(options.workers)))


def row_by_trials(costs: Costs) -> tuple[str, ...]:
    return (
        f"{costs.trials:,}", f"{costs.size / 1e6:.1f}", f"{costs.size / costs.trials:,.0f}",
        f"{costs.rows / costs.trials:.1f}", f"{costs.opening:.2f}", f"{costs.memory / 1e6:,.0f}",
        f"{costs.status:.2f}", f"{costs.views:.2f}", both(costs.claim), both(costs.finish),
    )  # fmt: skip


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.1f}"


def both(duration: Duration) -> str:
    """The shortest time and the median in milliseconds."""
    return f"{milliseconds(duration.shortest)} ({milliseconds(duration.median)})"


def run(holds: HoldTimes, seconds: float, workers: int, epochs: int) -> Load:
    """Simulate workers; each finishes a trial, and claims the next one."""
    chance = random.Random(SEED)
    claim, finish, reports = holds.claim(workers), holds.finish(workers), epochs * holds.report(workers)
    steps = [
        Step(lambda: chance.uniform(0.5, 1.5) * seconds + reports, lambda: finish),
        Step(lambda: 0.0, lambda: claim),
    ]
    return simulate(steps, workers, max(MIN_REQUESTS, REQUESTS_PER_WORKER * workers))


def row_of_load(load: Load, seconds: float, workers: int) -> tuple[str, ...]:
    claims = load.waits[1]
    quantiles = (milliseconds(float(np.quantile(claims, q))) for q in (0.5, 0.99))
    waiting = sum(map(np.mean, load.waits)) * load.cycles / workers
    return f"{seconds:g}", f"{workers:,}", f"{load.busy:.1%}", *quantiles, f"{load.cycles:.1f}", f"{waiting:.1%}"


def summary(title: str, seconds: float, limits: Sequence[int], most: int) -> str:
    """The answer for trials of a length, in a sentence.

    Args:
        title: Name of the store.
        seconds: Length of a trial.
        limits: Number of workers that it serves, with the shortest times and with the medians.
        most: Number of workers that were measured.
    """
    first, second = (f"at least {most:,}" if limit == most else f"{limit:,}" for limit in limits)
    return f"With trials of {seconds:g} s, {title} serves {first} workers (with the medians: {second})."


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    whole = partial(common.whole, 1)
    parser.add_argument("--stores", nargs="+", choices=tuple(STORES), default=list(STORES))
    parser.add_argument(
        "--trials", type=whole(), nargs="+", default=[1000, 10_000, 100_000],
        help="that the ledger holds, measured with one worker (default 1000 10000 100000)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=whole(), nargs="+", default=[1, 100, 300, 1000],
        help="measured with --at trials; the first must be 1 (default 1 100 300 1000)",
    )  # fmt: skip
    parser.add_argument("--at", type=whole(), default=1000, help="trials in the ledger for --workers (default 1000)")
    parser.add_argument("--times", type=whole(), default=20, help="trials that the measured worker runs (default 20)")
    parser.add_argument(
        "--seconds", type=float, nargs="+", default=[10.0, 60.0, 600.0], help="of a trial (default 10 60 600)"
    )
    parser.add_argument("--epochs", type=whole(), default=10, help="reported by each trial (default 10)")
    parser.add_argument("--folder", type=Path, help="where to write, to choose the disk (default the system's)")
    parser.add_argument("--markdown", action="store_true", help="print the tables in Markdown")
    options = parser.parse_args()
    if options.workers[0] != 1 or sorted(options.workers) != options.workers:
        parser.error("--workers: must begin with 1 and increase")
    return options


if __name__ == "__main__":
    main()
