"""What the framework adds to a trial, in milliseconds, with trials that train nothing, beside KerasTuner and Optuna.

Ours is a worker as a sweep runs it (`mnistsweep.worker.work` over a study in a journal file): claim, the trial's
configuration composed and written, TensorBoard's records, three epochs with their reports, curves and the pruner's
answer, the result, `results.csv`, `best.yaml`. Only `Training.run` is replaced, by one that hands the callbacks of a
trial three epochs of made-up numbers at once. The space has five dimensions, a config group among them.

Beside it, in the same process and on the same disk: KerasTuner's `RandomSearch` and `BayesianOptimization` (to 50
trials only, it is slow) with a `run_trial` that returns a number at once, so no reports, configuration, table or curves;
and plain Optuna on a journal file: ask, three reports, tell, so no configuration, table or curves either.

How to read it: the time from opening the ledger to the last trial's record, divided by the number of trials; what a
sweep pays once (planning it, `sweep.yaml`) is given apart. "last tenth" is the cost of the last trials alone, where
growth shows first; "processor" is the processor time a trial, which waiting for the disk and for other programs on the
machine is no part of. Importing TensorFlow, resetting Keras between trainings and saving a model are not counted; the
latter two are timed at the end.

    python benchmarks/overhead.py                          # some minutes
    python benchmarks/overhead.py --profile auto           # where the time of one oracle goes
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import cProfile
import math
import pstats
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import common
import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from mnistsweep import devices
from mnistsweep.algorithms import distribution
from mnistsweep.config.compose import Recipe
from mnistsweep.planning import Plan, plan_sweep
from mnistsweep.results import Result, State, load_sweep
from mnistsweep.signals import StopSignal
from mnistsweep.sweeping import open_sweep
from mnistsweep.worker import work

with devices.quiet_start():
    import keras
    import keras_tuner

    from mnistsweep import callbacks, models
    from mnistsweep.training import Outcome
    from mnistsweep.tuner import search
    from mnistsweep.tuner.hyperparameters import to_hyperparameters

ORACLES = ("random", "quasi_random", "tpe", "auto")
MOST_MILLISECONDS = 10.0
MOST_GROWTH = 1.5
MOST_BAYESIAN = 50



@dataclass(frozen=True)
class Side:
    """One of those compared: `run` takes a folder, the number of trials and a seed."""

    name: str
    run: Callable[[Path, int, int], Marks]
    required: bool = False
    most_trials: int = sys.maxsize


@dataclass(frozen=True)
class Cost:
    """Milliseconds a trial of one run: on average, over the last tenth of its trials, and of processor time."""

    average: float
    last_tenth: float
    processor: float

    @classmethod
    def of(cls, marks: Marks) -> Cost:
        """From the moments of a run."""
        clock, trials = marks.clock, len(marks.clock) - 1
        last = max(1, trials // 10)
        processor = marks.processor[-1] - marks.processor[0]
        return cls(*(1000 * cost for cost in (
            (clock[-1] - clock[0]) / trials, (clock[-1] - clock[-1 - last]) / last, processor / trials,
        )))  # fmt: skip


def main() -> None:
    options = parse_arguments()
    common.print_heading("keras-tuner", "optuna", "hydra-core", "tensorboard", "keras", "tensorflow")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        print(f"a write that waits for the disk of {folder.parent}: {common.sync_milliseconds(folder):.2f} ms")
        if options.profile:
            profile(folder, options.profile, max(options.trials))
            return
        print(f"{options.repeats} runs each, in turn; ms a trial: median (mean, least to largest, number of runs)\n")
        report(measure(folder, make_sides(options.oracles), options.trials, options.repeats))
        print_start(folder, options.repeats)
        print_uncounted(folder, options.repeats)


def make_sides(oracles: Sequence[str]) -> list[Side]:
    ours = [Side(f"mnistsweep, {oracle}", sweep_with(oracle), required=True) for oracle in oracles]
    return [
        *ours,
        Side("KerasTuner RandomSearch", kerastuner_with(keras_tuner.RandomSearch)),
        Side(
            "KerasTuner BayesianOptimization",
            kerastuner_with(keras_tuner.BayesianOptimization),
            most_trials=MOST_BAYESIAN,
        ),
        Side("Optuna RandomSampler", optuna_with(lambda seed: optuna.samplers.RandomSampler(seed=seed))),
        Side("Optuna TPESampler", optuna_with(lambda seed: optuna.samplers.TPESampler(seed=seed))),
    ]


def measure(folder: Path, sides: Sequence[Side], sizes: Sequence[int], repeats: int) -> dict[tuple[Side, int], list[Cost]]:
    """Run every side in turn, so that a busy minute of the machine hits all of them."""
    costs: dict[tuple[Side, int], list[Cost]] = {}
    for side in sides:  # once each, not counted: first imports and first calls
        run_once(side, folder, min(sizes), repeats)
    for repeat in range(repeats):
        for trials in sizes:
            for side in sides:
                if trials <= side.most_trials:
                    costs.setdefault((side, trials), []).append(run_once(side, folder, trials, repeat))
    return costs


def run_once(side: Side, folder: Path, trials: int, seed: int) -> Cost:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        marks = side.run(Path(name), trials, seed)
    ended = len(marks.clock) - 1
    assert ended == trials, f"{side.name}: {ended} of {trials} trials were run"
    return Cost.of(marks)


def report(costs: Mapping[tuple[Side, int], Sequence[Cost]]) -> None:
    sizes = sorted({trials for _, trials in costs})
    sides = list(dict.fromkeys(side for side, _ in costs))
    for trials in sizes:
        print(f"{trials} trials")
        for side in sides:
            if found := costs.get((side, trials)):
                late, busy = (statistics.median(getattr(c, name) for c in found) for name in ("last_tenth", "processor"))
                spread = common.spread([cost.average for cost in found])
                print(f"  {side.name:32} {spread:44} last tenth {late:7.2f}  processor {busy:7.2f}")
    few, many = sizes[0], sizes[-1]
    print(f"\nrequired of mnistsweep: at most {MOST_MILLISECONDS:g} ms; at {many} trials at most {MOST_GROWTH:g} times {few}")
    for side in sides:
        if (side, many) in costs:
            print(f"  {side.name:32} {_judge(side, costs[side, few], costs[side, many])}")


def _judge(side: Side, few: Sequence[Cost], many: Sequence[Cost]) -> str:
    before, after = (statistics.median(cost.average for cost in found) for found in (few, many))
    growth = after / before
    if not side.required:
        return f"{after:.2f} / {before:.2f} ms = {growth:.2f}"
    cheap, level = common.verdict(max(before, after) <= MOST_MILLISECONDS), common.verdict(growth <= MOST_GROWTH)
    return f"{after:.2f} / {before:.2f} ms = {growth:.2f}; cost {cheap}, growth {level}"


def print_start(folder: Path, repeats: int) -> None:
    """What a sweep pays once, before its first worker: planning and opening it."""
    taken = []
    for seed in range(repeats):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            began = time.perf_counter()
            open_sweep(make_plan(Path(name), "auto", 50, seed))
            taken.append(1000 * (time.perf_counter() - began))
    print(f"\nonce a sweep, not counted above: planning and opening it {common.spread(taken, '.0f')} ms")


def print_uncounted(folder: Path, repeats: int) -> None:
    """What a real training pays beside, with any tuner: a clean Keras, and the best model saved."""
    model = models.build({"_target_": "mnistsweep.models.fast_conv", **_fast_conv()}, (28, 28, 1), 10)
    cleared, saved = [], []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        keras.utils.clear_session()
        cleared.append(1000 * (time.perf_counter() - began))
        began = time.perf_counter()
        model.save(folder / "model.keras")
        saved.append(1000 * (time.perf_counter() - began))
    print("once a trial, not counted above, for it belongs to a model:")
    print(f"  keras.utils.clear_session        {common.spread(cleared[1:], '.0f')} ms")
    print(f"  saving the default convolution   {common.spread(saved[1:], '.0f')} ms")


def _fast_conv() -> dict[str, Any]:
    composed: Any = Recipe().compose().model
    return {key: value for key, value in composed.items() if key != "_target_"}


def profile(folder: Path, oracle: str, trials: int) -> None:
    """Print where the time of our side goes."""
    run_once(Side(oracle, sweep_with(oracle)), folder, 5, 0)
    profiler = cProfile.Profile()
    profiler.enable()
    run_once(Side(oracle, sweep_with(oracle)), folder, trials, 0)
    profiler.disable()
    print(f"\n{trials} trials, oracle={oracle}; the profiler itself makes everything slower")
    pstats.Stats(profiler).sort_stats("cumulative").print_stats("mnistsweep", 40)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__)
    parser.add_argument("--trials", type=common.at_least(1), nargs="+", default=[50, 500], help="(default 50 500)")
    parser.add_argument("--oracles", nargs="+", choices=ORACLES, default=ORACLES, help="of mnistsweep (default: all)")
    parser.add_argument("--folder", type=Path, help="where to write, to choose the disk (default: the system's for that)")
    parser.add_argument("--profile", choices=ORACLES, help="profile one oracle instead, at the largest number of trials")
    return parser.parse_args()


if __name__ == "__main__":
    main()
