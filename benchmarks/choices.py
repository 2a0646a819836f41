"""How long a sweep with a large choice takes until its first trial, through the real command line.

Each case sweeps one or two keys with many values; its folder is `logs/` of an earlier sweep with the same choice, which
TensorBoard's table of all sweeps includes. Peer: the same command with a choice of two values. Timed is the time from
the start of the process to the file `config.yaml` of the first trial. Most of it is the import of TensorFlow by the
worker, which the peer needs too, so the difference between the two is what the values cost.

How to read it: seconds, median first. "added" is the difference to the peer; it must be below 3 s, also for the second
sweep in the same folder. "processor" is the difference of the processor time of the whole commands, with one short
training; it depends less on other programs. `status` is `mnistsweep status` of this sweep.

    python benchmarks/choices.py --values 10000 --repeats 3
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from helpers import common

MAX_ADDED_SECONDS = 3.0
SMALL = ("trials=1", "trainer.epochs=1", "model=perceptron", "data.train_limit=200", "data.validation=200")


@dataclass(frozen=True)
class Start:
    """A sweep: seconds until its first trial, and processor time of the whole command."""

    seconds: float
    cpu_seconds: float


def main() -> int:
    options = parse_arguments()
    common.print_heading("hydra-core", "optuna", "tensorboard")
    print(f"{options.repeats} runs each, in turn; seconds: median (mean, minimum to maximum, number of runs)\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = make_cases(folder, options.values)
        measure(folder, {name: cases[name] for name in ("two values", *options.cases)}, options.repeats)
    return 0


def make_cases(folder: Path, count: int) -> dict[str, list[str]]:
    """Overrides of each case by its name; a file for the case that reads one is written."""
    numbers = [f"{(index + 1) / 10 / count:.6f}" for index in range(count)]
    names = [f"v{index}" for index in range(count)]
    fewer = numbers[: max(2, 3 * count // 10)]
    (folder / "sweeps").mkdir()
    text = f"# @package _global_\nhydra:\n  sweeper:\n    params:\n      model.dropout: [{', '.join(numbers)}]\n"
    (folder / "sweeps" / "listed.yaml").write_text(text, encoding="utf-8")
    return {
        "two values": ["model.dropout=0.1,0.2"],
        "command line": [f"model.dropout={','.join(numbers)}"],
        "choice": [f"model.dropout=choice({','.join(numbers)})"],
        "YAML list": ["+sweeps=listed"],
        "names": [f"+tag={','.join(names)}"],
        "two choices": [f"{key}={','.join(fewer)}" for key in ("model.dropout", "optimizer.learning_rate")],
    }


def measure(folder: Path, cases: dict[str, list[str]], repeats: int) -> None:
    sweeps = ("first sweep", "second sweep")
    runs: dict[tuple[str, str], list[Start]] = {(name, sweep): [] for name in cases for sweep in sweeps}
    status: dict[str, list[float]] = {name: [] for name in cases}
    for repeat in range(repeats):
        for name, overrides in cases.items():
            logs = folder / f"{name} {repeat}".replace(" ", "-")
            for sweep in sweeps:
                runs[name, sweep].append(start(folder, logs, sweep.split()[0], overrides))
            status[name].append(common.require(common.run((common.COMMAND, "status", logs / "first"), folder)).seconds)
    for name in cases:
        for sweep in sweeps:
            print(f"  {name:13} {sweep:12} {describe(runs[name, sweep], runs['two values', sweep])}")
        print(f"  {name:13} {'status':12} {common.spread(status[name])}")


def start(folder: Path, logs: Path, name: str, overrides: list[str]) -> Start:
    """Run a sweep of one trial and measure its start."""
    began = time.time()
    command = (common.COMMAND, "sweep", f"logs={logs}", f"name={name}", *overrides, *SMALL)
    finished = common.require(common.run(command, folder))
    return Start((logs / name / "trials" / "0000" / "config.yaml").stat().st_mtime - began, finished.cpu_seconds)


def describe(found: list[Start], peer: list[Start]) -> str:
    added = median(one.seconds for one in found) - median(one.seconds for one in peer)
    processor = median(one.cpu_seconds for one in found) - median(one.cpu_seconds for one in peer)
    seconds = common.spread([one.seconds for one in found])
    verdict = common.verdict(added < MAX_ADDED_SECONDS)
    return f"{seconds:40} added {added:5.2f}, processor {processor:5.2f}; under {MAX_ADDED_SECONDS:g} s {verdict}"


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__, repeats=3)
    names = ("command line", "choice", "YAML list", "names", "two choices")
    parser.add_argument("--values", type=common.whole(10, 12_000), default=10_000, help="values of a choice")
    parser.add_argument("--cases", nargs="+", choices=names, default=names, help="cases to run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
