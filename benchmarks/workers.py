"""The gain of a second worker on this machine: eight equal trials through the real command line, and its limits.

The trials differ only in a learning rate that is almost the same, so all cost the same. There are four sweeps, in turn:
one worker with all cores; two workers with half of them each (as `workers=2` with the oracles that learn); two workers
with all of them each (as with grid, random and quasi-random search, which give the same table with any number of
workers); and one worker with half of the cores, which separates the causes.

How to read it: the ratio is the wall time of one worker over that of two, for whole commands; 2 would be perfect. Three
causes reduce it. *Cores*: a single training already uses both; the more it gains from the second core, the less is
left. *Sharing*: two trainings at once slow each other (memory bandwidth, caches, other programs): the factor is the
duration of a training beside another one over its duration alone, with the same number of threads. *Start-up*: the time
until a worker claims its first trial (Python, the import of the backend), and the extra time of its first trial (data,
tracing, compiling); each worker pays it.

    python benchmarks/workers.py            # a few minutes
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from helpers import common
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger

NAME = "equal"
VALIDATION = 1000

Span = tuple[float, float]


@dataclass(frozen=True)
class Setup:
    """Number of workers, and of threads for each."""

    name: str
    workers: int
    threads: int


@dataclass(frozen=True)
class Timeline:
    """One sweep, in seconds.

    Attributes:
        wall: Wall time of the whole command.
        busy: Processor time of the whole command.
        start: Time from the start of the command to a worker's first claim, mean over workers.
        first: Extra time of a worker's first trial over its later ones, mean over workers.
        trial: Mean time of a later trial.
        rest: Time from the end of the last trial to the end of the command.
        images: Training images per second of wall time.
    """

    wall: float
    busy: float
    start: float
    first: float
    trial: float
    rest: float
    images: float


def main() -> None:
    options = parse_arguments()
    common.print_heading("keras", "tensorflow")
    cores = common.num_cores()
    half = max(1, cores // 2)
    one, two = Setup("one worker", 1, cores), Setup("two workers", 2, half)
    alone = Setup("one worker, half the cores", 1, half)
    repeatable = Setup("two workers, all cores each", 2, cores)
    size = f"{options.epochs} epochs of {options.images:,} images, {VALIDATION:,} to validate on"
    print(f"{options.trials} trials of {options.model}, {size}")
    print(f"{options.repeats} sweeps each, in turn; median (mean, minimum to maximum, number of sweeps)\n")
    found: dict[Setup, list[Timeline]] = {setup: [] for setup in (one, two, repeatable, alone)}
    for repeat in range(options.repeats):
        for setup in found if repeat % 2 == 0 else reversed(found):
            found[setup].append(measure(setup, options))
    for setup, timelines in found.items():
        describe(setup, timelines)
    print_causes(found[one], found[two], found[alone])
    longer = [a.wall / b.wall for a, b in zip(found[repeatable], found[two], strict=True)]
    print(f"time of two workers with all cores each over that with half of them: {common.spread(longer)}")


def measure(setup: Setup, options: argparse.Namespace) -> Timeline:
    """Run one sweep and read its ledger."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.time()
        finished = common.require(common.run(command(setup, options), folder))
        workers = spans(SweepPaths(folder / "logs" / NAME), began)
    if len(workers) < setup.workers:
        print(f"note: {len(workers)} of {setup.workers} workers had all the trials; give them more --images")
    assert sum(map(len, workers)) == options.trials, finished.output
    return timeline(workers, finished, options.images * options.epochs)


def command(setup: Setup, options: argparse.Namespace) -> list[str | Path]:
    rates = ",".join(f"{0.001 + 0.00001 * step:.5f}" for step in range(options.trials))
    return [
        common.COMMAND, "sweep", f"name={NAME}", "oracle=grid", "pruner=none", f"trials={options.trials}",
        f"optimizer.learning_rate={rates}", f"workers={setup.workers}", f"trainer.threads={setup.threads}",
        f"model={options.model}", f"trainer.epochs={options.epochs}", f"data.train_limit={options.images}",
        f"data.validation={VALIDATION}",
    ]  # fmt: skip


def spans(paths: SweepPaths, began: float) -> list[list[Span]]:
    """Times at which the trials of each worker were claimed and ended, in seconds after the start of the command."""
    by_worker: dict[str, list[Span]] = {}
    storage = JournalStorage(JournalFileBackend(str(paths.journal)))
    trials = optuna.load_study(study_name=paths.name, storage=storage).trials
    for record, trial in zip(Ledger(paths).records(), trials, strict=True):
        assert trial.datetime_start is not None
        assert trial.datetime_complete is not None
        span = (trial.datetime_start.timestamp() - began, trial.datetime_complete.timestamp() - began)
        by_worker.setdefault(record.owner, []).append(span)
    return [sorted(worker) for worker in by_worker.values()]


def timeline(workers: Sequence[Sequence[Span]], finished: common.Finished, images: int) -> Timeline:
    """Divide the time of a sweep into its parts.

    Args:
        workers: Spans of each worker's trials, in order.
        finished: Finished command of the sweep.
        images: Number of training images of each trial, over all epochs.
    """
    later = statistics.mean(end - start for worker in workers for start, end in worker[1:] or worker)
    return Timeline(
        wall=finished.seconds,
        busy=finished.cpu_seconds,
        start=statistics.mean(worker[0][0] for worker in workers),
        first=statistics.mean(worker[0][1] - worker[0][0] for worker in workers) - later,
        trial=later,
        rest=finished.seconds - max(end for worker in workers for _, end in worker),
        images=sum(map(len, workers)) * images / finished.seconds,
    )


def describe(setup: Setup, timelines: Sequence[Timeline]) -> None:
    print(f"{setup.name} ({setup.threads} {'thread' if setup.threads == 1 else 'threads'} each)")
    print(f"  wall time        {common.spread([line.wall for line in timelines], '.1f')} s")
    print(f"  images/s         {common.spread([line.images for line in timelines], ',.0f')}")
    print(f"  until 1st claim  {common.spread([line.start for line in timelines], '.1f')} s")
    print(f"  1st trial more   {common.spread([line.first for line in timelines], '.1f')} s")
    print(f"  a later trial    {common.spread([line.trial for line in timelines], '.2f')} s")
    print(f"  after the last   {common.spread([line.rest for line in timelines], '.1f')} s")
    print(f"  cores busy       {common.spread([line.busy / line.wall for line in timelines], '.2f')}\n")


def print_causes(one: Sequence[Timeline], two: Sequence[Timeline], alone: Sequence[Timeline]) -> None:
    """Print the ratio and its causes; all from medians, except the spread of the ratio."""

    def middle(found: Sequence[Timeline], pick: Callable[[Timeline], float]) -> float:
        return statistics.median(map(pick, found))

    def trial(found: Sequence[Timeline]) -> float:
        return middle(found, lambda line: line.trial)

    def share(found: Sequence[Timeline]) -> float:
        return 100 * middle(found, lambda line: (line.start + line.first) / line.wall)

    ratios = [a.wall / b.wall for a, b in zip(one, two, strict=True)]
    threads, sharing = trial(alone) / trial(one), trial(two) / trial(alone)
    print(f"ratio of the wall times, one worker / two workers: {common.spread(ratios)}")
    print("what limits it (2 would be perfect):")
    print(
        f"  cores     all of them train {threads:.2f} times as fast as half of them: leaves {min(2, 2 / threads):.2f}"
    )
    print(
        f"  sharing   beside another a training takes {sharing:.2f} times as long: leaves {2 / threads / sharing:.2f}"
    )
    print(f"  start-up  {share(one):.0f} % of the wall time with one worker, {share(two):.0f} % with two")


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__)
    parser.add_argument("--model", default="fast_conv", help="a preset of conf/model (default fast_conv)")
    parser.add_argument("--trials", type=common.whole(2), default=8, help="of each sweep (default 8)")
    parser.add_argument("--images", type=common.whole(1), default=20_000, help="to train on (default 20000)")
    parser.add_argument("--epochs", type=common.whole(1), default=2, help="of each trial (default 2)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
