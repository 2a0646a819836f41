"""Cost of a continuation, beside the cost of a start and of an epoch: what a job takes beyond its epochs.

A trial is started for one epoch, and continued for one epoch at a time: with the model that the worker has kept in
memory (`search.live_models`), at once and after the start of another trial, for which TensorFlow forgets how it had
optimized the functions of the first one; and from its checkpoint alone. Each job is a real one, with all callbacks and
files of a sweep; the ledger is not used (`store.py` measures it). The cost is the time of the job minus the time of an
epoch of the same model that traces nothing. Processor time depends less on what else the machine does.

The last lines compare the results: trials that were continued in both ways, and one that was not interrupted.

    python benchmarks/continuation.py --repeats 5        # about three minutes
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import csv
import gc
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from helpers import common

from mnistsweep import devices

with devices.quiet_start():
    import keras_tuner

    from mnistsweep import data
    from mnistsweep.config.compose import compose, to_config
    from mnistsweep.config.recipe import Recipe
    from mnistsweep.paths import TrialPaths
    from mnistsweep.training.live_models import LiveModels
    from mnistsweep.training.resume_file import read_resume_file, resume_fingerprint
    from mnistsweep.training.trainer import Hooks
    from mnistsweep.tuner.hypermodel import ConfiguredHyperModel
    from mnistsweep.tuner.hypermodel_training import make_training

VALIDATION = 1000
KEPT = 8
CASES = {
    "default convolution, batch 128": ["model=fast_conv", "trainer.batch_size=128"],
    "perceptron 64-64, batch 32": [
        "model=perceptron", "model.dense_layers=2", "model.layer_size=64", "model.activation=relu",
        "trainer.batch_size=32",
    ],
}  # fmt: skip
START, CHECKPOINT, LIVE, LATER = SIDES = ("start", "from the checkpoint", "live", "live, after a start")


@dataclass
class Measured:
    """Measurements of one model.

    Attributes:
        wall: Wall time of each job of one epoch in seconds, by side.
        processor: Processor time of the same jobs.
        epochs: Wall time and processor time of epochs that trace nothing, in seconds.
        are_equal: Whether the continued trials have the learning curves of an uninterrupted one.
        megabytes: Resident memory that a model takes, in MB.
    """

    wall: dict[str, list[float]] = field(default_factory=lambda: {side: [] for side in SIDES})
    processor: dict[str, list[float]] = field(default_factory=lambda: {side: [] for side in SIDES})
    epochs: list[tuple[float, float]] = field(default_factory=list)
    are_equal: bool = True
    megabytes: float = 0.0


class Jobs:
    """Runs jobs of trials of one configuration."""

    def __init__(self, overrides: list[str], images: int, folder: Path) -> None:
        own = [*overrides, "trainer.epochs=100", f"data.train_limit={images}", f"data.validation={VALIDATION}"]
        self._overrides = ("objective=val_accuracy", *own)
        self._dataset = data.load(to_config(compose(Recipe(self._overrides))).data)
        self._folder = folder
        self.live = LiveModels(KEPT)

    def run(self, number: int, until: int) -> tuple[float, float]:
        """Run a job; returns its wall time and its processor time in seconds."""
        config = to_config(compose(Recipe((*self._overrides, f"seed={number // 2}"))))
        paths = TrialPaths(self._folder / str(number))
        paths.folder.mkdir(exist_ok=True)
        began, cpu = time.perf_counter(), time.process_time()
        state = read_resume_file(paths.resume, resume_fingerprint(config))
        hypermodel, hp = ConfiguredHyperModel(config, self._dataset), keras_tuner.HyperParameters()
        make_training(hypermodel, hp, "max", paths, Hooks(), paths.resume, until, self.live, number).run(state)
        return time.perf_counter() - began, time.process_time() - cpu

    def restart(self, number: int) -> None:
        """Remove what a trial has trained."""
        shutil.rmtree(self._folder / str(number))

    def rows(self, number: int) -> list[dict[str, str]]:
        """The learning curve of a trial."""
        with TrialPaths(self._folder / str(number)).history.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def main() -> None:
    options = parse_arguments()
    common.print_heading("keras", "tensorflow")
    size = f"jobs of one epoch of {options.images:,} images, {VALIDATION:,} to validate on"
    print(f"{size}; median (mean, minimum to maximum, number)\n", flush=True)
    gc.collect()
    gc.freeze()  # as a worker does
    failed = False
    for name, overrides in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            measured = measure(Jobs(overrides, options.images, Path(folder)), options.repeats)
        describe(name, measured)
        failed |= not measured.are_equal
    sys.exit(1 if failed else 0)


def measure(jobs: Jobs, repeats: int) -> Measured:
    """Run a trial in jobs of each kind, and one that is not interrupted, for each repeat."""
    found = Measured()
    jobs.run(2 * repeats, 1)  # the first training of a process takes longer
    jobs.live.clear()
    for repeat in range(repeats):
        continued, whole = 2 * repeat, 2 * repeat + 1
        record(found, START, jobs.run(continued, 1))
        record(found, LIVE, jobs.run(continued, 2))
        record(found, START, jobs.run(whole, 1))
        record(found, LATER, jobs.run(continued, 3))
        record(found, LIVE, jobs.run(continued, 4))
        jobs.live.clear()
        record(found, CHECKPOINT, jobs.run(continued, 5))
        jobs.restart(whole)
        jobs.run(whole, 5)
        curves = [[{**row, "seconds": ""} for row in jobs.rows(number)] for number in (continued, whole)]
        found.are_equal &= curves[0] == curves[1]
        one, three = jobs.run(whole, 6), jobs.run(whole, 9)
        found.epochs.append(((three[0] - one[0]) / 2, (three[1] - one[1]) / 2))
    found.megabytes = memory_of_a_model(jobs, 2 * repeats + 2)
    return found


def memory_of_a_model(jobs: Jobs, first: int) -> float:
    """Memory that is returned to the system per model when all of them are removed, in MB."""
    for number in range(first, first + KEPT):
        jobs.run(number, 1)
    jobs.run(first, 2)  # so that the buffers of a training are there before and after
    before = psutil.Process().memory_info().rss
    jobs.live.clear()
    return (before - psutil.Process().memory_info().rss) / KEPT / 1e6


def record(found: Measured, side: str, times: tuple[float, float]) -> None:
    found.wall[side].append(times[0])
    found.processor[side].append(times[1])


def describe(name: str, found: Measured) -> None:
    print(name)
    kinds = ("wall", found.wall), ("processor", found.processor)
    for index, (kind, times) in enumerate(kinds):
        epochs = [one[index] for one in found.epochs]
        epoch = statistics.median(epochs)
        print(f"  {kind} time\n    an epoch             {common.spread(epochs)} s")
        for side in SIDES:
            costs = [seconds - epoch for seconds in times[side]]
            share = statistics.median(costs) / epoch
            print(f"    {side:20} {common.spread(costs)} s beyond the epoch: {share:.2f} epochs")
        median = {side: statistics.median(times[side]) - epoch for side in SIDES}
        ratios = " and ".join(f"{median[side] / median[CHECKPOINT]:.2f}" for side in (LIVE, LATER))
        print(f"    live / checkpoint    {ratios}, after a start")
    print(f"  memory of a live model {found.megabytes:.0f} MB")
    print(f"  learning curves        {'equal' if found.are_equal else 'DIFFERENT'}\n", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__, repeats=5)
    parser.add_argument("--images", type=common.whole(1), default=10_000, help="to train on (default 10000)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
