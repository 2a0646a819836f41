"""What the framework adds to a trial, in milliseconds, with trials that train nothing; peers: KerasTuner and Optuna.

Our side is a worker as in a real sweep (`mnistsweep.workers.worker.work` over a study in a journal file). It claims the
trial, composes and writes the trial's configuration, writes TensorBoard's records, reports three epochs with their
curves, asks the pruner, records the result, and writes `results.csv` and `best.yaml`. Only the training is replaced: it
reports three epochs of made-up numbers at once. The space has five dimensions; one is a config group.

The peers run in the same process and on the same disk:

- KerasTuner's `RandomSearch` and `BayesianOptimization` with a `run_trial` that returns a number at once: no reports,
  configurations, table or curves. `BayesianOptimization` runs up to 50 trials only: it takes seconds for each;
- plain Optuna on a journal file: ask, three reports, tell; no configurations, table or curves.

How to read it: the time from opening the ledger to the record of the last trial, divided by the number of trials. It
includes what a worker pays once, such as composing each preset of the group, so that a trial costs more where there are
few. "last tenth" is the cost of the last trials alone, where growth shows first. "processor" is processor time per
trial, without waiting for the disk and without other programs on the machine. The cost of the command before the first
worker (planning the sweep, writing `sweep.yaml`) is printed apart. Not counted are the import of TensorFlow, resetting
Keras between trainings, and saving a model after a trial or a resume file after an epoch; they are timed at the end.

An oracle that pauses trials decides after each job, not once a trial. The decisions of freeze_thaw are timed apart,
over made-up curves of trials that reported 100 to 10,000 epochs: processor time of a decision with all that it needs.

    python benchmarks/overhead.py                   # ten minutes, most of them for BayesianOptimization
    python benchmarks/overhead.py --no-bayesian
    python benchmarks/overhead.py --peer HEAD~50    # beside another version of this project
    python benchmarks/overhead.py --profile tpe     # functions in which one oracle spends its time
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import cProfile
import functools
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from helpers import common, versions
from helpers.decisions import decision_milliseconds
from helpers.untrained import ORACLES, RANGES, Marks, make_plan, run_sweep

from mnistsweep.config.compose import compose
from mnistsweep.config.recipe import Recipe
from mnistsweep.planning.opening import open_sweep

MAX_MILLISECONDS = 10.0
MAX_GROWTH = 1.5
MAX_BAYESIAN = 50
WARM_UP = 5


@dataclass(frozen=True)
class Side:
    """One side of the comparison; `run` takes a folder, the number of trials and a seed."""

    name: str
    run: Callable[[Path, int, int], Marks]
    required: bool = False
    most_trials: int = sys.maxsize


@dataclass(frozen=True)
class Cost:
    """Milliseconds per trial of one run: the mean, the mean of the last tenth of the trials, and processor time."""

    average: float
    last_tenth: float
    processor: float

    @classmethod
    def of(cls, marks: Marks) -> Cost:
        """The cost that follows from the moments of a run."""
        clock, trials = marks.clock, len(marks.clock) - 1
        last = max(1, trials // 10)
        average = (clock[-1] - clock[0]) / trials
        last_tenth = (clock[-1] - clock[-1 - last]) / last
        return cls(1000 * average, 1000 * last_tenth, 1000 * (marks.processor[-1] - marks.processor[0]) / trials)


Costs = dict[tuple[Side, int], list[Cost]]


def main() -> None:
    options = parse_arguments()
    common.print_heading("keras-tuner", "optuna", "hydra-core", "tensorboard", "keras", "tensorflow")
    if options.peer:
        compare_versions(options)
        return
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        print(f"a write that waits for the disk of {folder.parent}: {common.sync_milliseconds(folder):.2f} ms")
        if options.profile:
            profile(folder, options.profile, max(options.trials))
            return
        print(f"{options.repeats} runs each, in turn; ms a trial: median (mean, minimum to maximum, number of runs)\n")
        report(measure(folder, make_sides(options.oracles, options.bayesian), options.trials, options.repeats))
        print_decisions(options.observations, options.repeats)
        print_start(folder, options.repeats)
        print_uncounted(folder, options.repeats)


def compare_versions(options: argparse.Namespace) -> None:
    """Run this benchmark of another version and of this one in turn; other programs' sides serve as a control."""
    trials = ["--trials", *map(str, options.trials)]
    arguments = ["--repeats", "1", "--no-bayesian", *trials, "--oracles", *options.oracles]
    arguments += ["--folder", str(options.folder.resolve())] if options.folder else []
    line = r"^  (\S.*?) +([0-9.]+) \(n=1\) +last tenth"
    versions.compare(Path(__file__).name, options.peer, arguments, line, r"^(\d+ trials)$", options.repeats)


def make_sides(oracles: Sequence[str], bayesian: bool) -> list[Side]:
    import keras_tuner
    from helpers.peers import run_kerastuner, run_optuna
    from optuna.samplers import RandomSampler, TPESampler

    bind = functools.partial
    slow = Side(
        "KerasTuner BayesianOptimization", bind(run_kerastuner, keras_tuner.BayesianOptimization), False, MAX_BAYESIAN
    )
    return [
        *(Side(f"mnistsweep, {oracle}", bind(run_sweep, oracle), required=True) for oracle in oracles),
        Side("KerasTuner RandomSearch", bind(run_kerastuner, keras_tuner.RandomSearch)),
        *([slow] if bayesian else []),
        Side("Optuna RandomSampler", bind(run_optuna, lambda seed: RandomSampler(seed=seed))),
        Side("Optuna TPESampler", bind(run_optuna, lambda seed: TPESampler(seed=seed))),
    ]


def measure(folder: Path, sides: Sequence[Side], sizes: Sequence[int], repeats: int) -> Costs:
    """Run the sides in turn, so that a busy minute of the machine affects all of them."""
    costs: Costs = {}
    for side in sides:  # once each, not counted: first imports and first calls
        run_once(side, folder, WARM_UP, repeats)
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


def report(costs: Costs) -> None:
    sizes = sorted({trials for _, trials in costs})
    sides = list(dict.fromkeys(side for side, _ in costs))
    for trials in sizes:
        print(f"{trials} trials")
        for side in sides:
            if (side, trials) in costs:
                print(f"  {side.name:32} {describe(costs[side, trials])}")
    few, many = sizes[0], sizes[-1]
    print(f"\naverage at {many} trials / at {few}, medians; required of mnistsweep: at most {MAX_MILLISECONDS:g} ms,")
    print(f"and at {many} trials at most {MAX_GROWTH:g} times that at {few}")
    for side in sides:
        if (side, many) in costs:
            print(f"  {side.name:32} {judge(side, costs[side, few], costs[side, many])}")


def describe(found: Sequence[Cost]) -> str:
    late, busy = (statistics.median(getattr(cost, name) for cost in found) for name in ("last_tenth", "processor"))
    average = common.spread([cost.average for cost in found])
    return f"{average:46} last tenth {late:8.2f}  processor {busy:8.2f}"


def judge(side: Side, few: Sequence[Cost], many: Sequence[Cost]) -> str:
    before, after = (statistics.median(cost.average for cost in found) for found in (few, many))
    growth = after / before
    if not side.required:
        return f"{after:.2f} / {before:.2f} ms = {growth:.2f}"
    cheap = common.verdict(max(before, after) <= MAX_MILLISECONDS)
    return f"{after:.2f} / {before:.2f} ms = {growth:.2f}; cost {cheap}, growth {common.verdict(growth <= MAX_GROWTH)}"


def print_decisions(observations: Sequence[int], repeats: int) -> None:
    """Time the decisions of freeze_thaw, by the number of epochs that were reported before."""
    print(f"\nmnistsweep, freeze_thaw: ms a decision after so many epochs; required: at most {MAX_MILLISECONDS:g} ms")
    for count in observations:
        taken = [one for seed in range(repeats) for one in decision_milliseconds(RANGES, count, seed)]
        cheap = common.verdict(statistics.mean(taken) <= MAX_MILLISECONDS)
        print(f"  {count:>8,} {common.spread(taken, '.1f')}; mean {cheap}")


def print_start(folder: Path, repeats: int) -> None:
    """Time what a sweep pays once, before its first worker: planning and opening it."""
    taken = []
    for seed in range(repeats):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            taken.append(milliseconds(lambda: open_sweep(make_plan(Path(name), "tpe", 50, seed))))  # noqa: B023
    print(f"\nonce a sweep, not counted above: planning and opening it {common.spread(taken, '.0f')} ms")


def print_uncounted(folder: Path, repeats: int) -> None:
    """Time what is not counted: resetting Keras and saving the best model (any tuner), resume files (ours)."""
    import keras

    from mnistsweep.models import builders

    settings: Mapping[str, Any] = dict(compose(Recipe()).model)
    model = builders.build(settings, (28, 28, 1), 10)
    save = functools.partial(model.save, folder / "model.keras")
    print("once a trial, not counted above, for it belongs to a model:")
    for name, action in (("keras.utils.clear_session", keras.utils.clear_session), ("saving the default model", save)):
        action()
        print(f"  {name:32} {common.spread([milliseconds(action) for _ in range(repeats)], '.0f')} ms")
    print("once an epoch, likewise:")
    large = builders.build(dict(compose(Recipe(("model=conv_dense",))).model), (28, 28, 1), 10)
    for built in (model, large):
        taken = [milliseconds(functools.partial(keep, built, folder)) for _ in range(10 * repeats)]
        print(f"  a resume file, {built.count_params():9,} weights {common.spread(taken, '.1f')} ms")


def keep(model: Any, folder: Path) -> None:
    """Write a resume file, as after each epoch of a trial; `throughput.py` includes it among its callbacks."""
    from mnistsweep.training.callbacks.backup_and_resume import BackupAndResume
    from mnistsweep.training.callbacks.best_weights import BestWeights
    from mnistsweep.training.resume_file import TrainingState

    if not model.compiled:
        model.compile("adam", "sparse_categorical_crossentropy")
        model.optimizer.build(model.trainable_variables)
    best = BestWeights("val_accuracy", "max")
    best.weights = model.get_weights()
    point = BackupAndResume(folder / "resume.npy", TrainingState(""), lambda: 0.0, [best])
    point.set_model(model)
    point.on_train_begin()
    point.on_epoch_end(0, {})


def milliseconds(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - began)


def profile(folder: Path, oracle: str, trials: int) -> None:
    """Print the functions in which our side spends its time."""
    side = Side(oracle, functools.partial(run_sweep, oracle))
    run_once(side, folder, WARM_UP, 0)
    profiler = cProfile.Profile()
    profiler.runcall(run_once, side, folder, trials, 0)
    print(f"\n{trials} trials, oracle={oracle}; the profiler itself makes everything slower")
    pstats.Stats(profiler).sort_stats("cumulative").print_stats("mnistsweep", 40)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__)
    parser.add_argument("--trials", type=common.whole(1), nargs="+", default=[50, 500], help="(default 50 500)")
    parser.add_argument(
        "--observations", type=common.whole(1), nargs="+", default=[100, 1000, 10000],
        help="epochs before the timed decisions of freeze_thaw (default 100 1000 10000)",
    )  # fmt: skip
    parser.add_argument("--oracles", nargs="+", choices=ORACLES, default=ORACLES, help="of mnistsweep (default all)")
    parser.add_argument(
        "--bayesian", action=argparse.BooleanOptionalAction, default=True, help="with BayesianOptimization, minutes"
    )
    parser.add_argument("--folder", type=Path, help="where to write, to choose the disk (default the system's)")
    parser.add_argument("--profile", choices=ORACLES, help="profile one oracle, at the largest number of trials")
    versions.add_peer(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
