"""Whether `mnistsweep sweep quickstart` is as good as in another version: accuracy and time, over seeds, both in turn.

Each run is the real command in a new folder, with its own seed, on MNIST. The accuracy is the validation accuracy that
the first line of `best.yaml` names. The time is that of the whole command, from its start to its end. With `--peer`,
another version of this project runs the same seeds, one after the other, in an order that changes from seed to seed.

How to read it: the accuracies of both with their means and standard deviations, then the difference of the two versions
for the same seed. The accuracy is lower if the mean difference is below zero by more than two standard errors. The
ratio of the times is the median over the seeds; "processor" is that of the processor times, which depend less on other
programs on the machine.

    python benchmarks/quickstart.py --peer f78fa0c    # an hour and a half: the version before trials were paused
    python benchmarks/quickstart.py --repeats 2 --overrides trials=4 data.train_limit=2000    # a try
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers import common, versions

MAX_MINUTES = 5
MAX_RATIO = 1.1
"""Largest ratio of the times that counts as about the same."""


@dataclass(frozen=True)
class Sweep:
    """A finished sweep.

    Attributes:
        accuracy: Validation accuracy of the best trial.
        seconds: Wall time of the command.
        cpu_seconds: Processor time of the command and its workers.
        trials: Number of trials in the table.
        epochs: Number of epochs in their learning curves.
    """

    accuracy: float
    seconds: float
    cpu_seconds: float
    trials: int
    epochs: int


def main() -> None:
    options = parse_arguments()
    common.print_heading("keras", "tensorflow")
    print(f"seeds 0 to {options.repeats - 1}: mnistsweep sweep quickstart {' '.join(options.overrides)}")
    if not options.peer:
        report({"now": [run(versions.PROJECT, "now", seed, options.overrides) for seed in range(options.repeats)]})
        return
    with versions.open_version(options.peer) as folder:
        sides = {"before": folder, "now": versions.PROJECT}
        found: dict[str, list[Sweep]] = {side: [] for side in sides}
        for seed in range(options.repeats):
            for side in sorted(sides, reverse=seed % 2 == 1):
                found[side].append(run(sides[side], side, seed, options.overrides))
    print(f"before: {options.peer}; now: {versions.PROJECT}")
    report(found)


def run(project: Path, side: str, seed: int, overrides: Sequence[str]) -> Sweep:
    """Run the named sweep of a version, and print what it found."""
    with tempfile.TemporaryDirectory() as name:
        command = (sys.executable, "-m", "mnistsweep.cli", "sweep", "quickstart", f"seed={seed}", *overrides)
        finished = common.require(common.run(command, Path(name), PYTHONPATH=versions.python_path(project)))
        folder = Path(name) / "logs" / "quickstart"
        trials = num_rows(folder / "results.csv")
        epochs = sum(map(num_rows, folder.glob("trials/*/history.csv")))
        sweep = Sweep(best_accuracy(folder / "best.yaml"), finished.seconds, finished.cpu_seconds, trials, epochs)
    print(
        f"  seed {seed}, {side:6}  val_accuracy {sweep.accuracy:.4f}  {sweep.trials} trials, {sweep.epochs} epochs  "
        f"{sweep.seconds:.0f} s, processor {sweep.cpu_seconds:.0f} s",
        flush=True,
    )
    return sweep


def num_rows(file: Path) -> int:
    """Number of lines of a table below its heading."""
    return len(file.read_text(encoding="utf-8").splitlines()) - 1


def best_accuracy(file: Path) -> float:
    """Read the validation accuracy from the first line of `best.yaml`."""
    line = file.read_text(encoding="utf-8").partition("\n")[0]
    named = re.search(r"val_accuracy ([0-9.]+[0-9])", line)
    if named is None:
        sys.exit(f"{file}: expected a validation accuracy in the first line; received {line}")
    return float(named[1])


def report(found: dict[str, list[Sweep]]) -> None:
    """Print means, standard deviations, and the differences of the versions for the same seed."""
    for side, sweeps in found.items():
        accuracies = [sweep.accuracy for sweep in sweeps]
        print(f"{side:6} val_accuracy {mean_and_deviation(accuracies)}")
        print(f"       seconds      {common.spread([sweep.seconds for sweep in sweeps], '.0f')}")
    minutes = statistics.median(sweep.seconds for sweep in found["now"]) / 60
    print(f"median {minutes:.1f} minutes; at most {MAX_MINUTES} {common.verdict(minutes <= MAX_MINUTES)}")
    if len(found) == 1:
        return
    pairs = list(zip(found["before"], found["now"], strict=True))
    gaps = [now.accuracy - before.accuracy for before, now in pairs]
    error = statistics.stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else 0.0
    is_met = statistics.mean(gaps) >= -2 * error
    print(f"now - before, same seed: {statistics.mean(gaps):+.4f}, standard error {error:.4f}")
    print(f"not lower, or within two standard errors: {common.verdict(is_met)}")
    ratio = statistics.median(now.seconds / before.seconds for before, now in pairs)
    busy = statistics.median(now.cpu_seconds / before.cpu_seconds for before, now in pairs)
    print(
        f"time now / before {ratio:.2f}, processor {busy:.2f}; at most {MAX_RATIO}: {common.verdict(busy <= MAX_RATIO)}"
    )


def mean_and_deviation(values: Sequence[float]) -> str:
    """Mean, standard deviation and number of values."""
    deviation = f", sd {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"mean {statistics.mean(values):.4f}{deviation}, n={len(values)}"


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__, repeats=5)
    parser.add_argument("--overrides", nargs="*", default=[], help="of both versions, to try the benchmark out")
    versions.add_peer(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
