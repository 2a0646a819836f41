"""What 300 epochs of search find in the coarse grid of 7,200 convolutional networks, and how long they take.

The real commands on MNIST: `mnistsweep sweep coarse total_epochs=300` searches by the default oracle, and
`mnistsweep report` trains the best configuration again, on training and validation data together, and evaluates it on
the test set. The whole grid is more than 100,000 epochs: 33 to 72 hours in a notebook, weeks here.

How to read it: the time of the search over all its starts, the best validation accuracy, then the test accuracy of each
new training and their mean. "Processor" is the processor time since this start. Only the report reads the test set.
With `--folder`, the sweep stays: a benchmark that was interrupted goes on there.

    python benchmarks/coarse.py                     # two hours on two cores
    python benchmarks/coarse.py --folder coarse     # keeps the sweep
    python benchmarks/coarse.py --epochs 4 --overrides data.train_limit=500 data.validation=500 model.filters=2
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from helpers import common

from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger

MIN_ACCURACY = 0.992


def main() -> None:
    options = parse_arguments()
    common.print_heading("keras", "tensorflow")
    if options.folder is None:
        with tempfile.TemporaryDirectory() as name:
            measure(Path(name), options)
    else:
        options.folder.mkdir(parents=True, exist_ok=True)
        measure(options.folder, options)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Search, train the best configuration again, and print both."""
    sweep = ("sweep", "coarse", f"total_epochs={options.epochs}", *options.overrides)
    done = command(folder, sweep)
    seconds = Ledger(SweepPaths(folder / "logs" / "coarse"), None).running_seconds()
    best = (folder / "logs" / "coarse" / "best.yaml").read_text(encoding="utf-8").partition("\n")[0]
    print(f"searched in {times(seconds, done)}\n  {best.removeprefix('# ')}", flush=True)
    report = ("report", "logs/coarse", f"report.seeds={options.repeats}", "report.robustness=false")
    done = command(folder, report)
    found = test_accuracies(folder / "logs" / "coarse")
    mean = statistics.mean(found)
    print(f"trained again in {times(done.seconds, done)}; test accuracy {', '.join(f'{one:.4f}' for one in found)}")
    print(f"mean {mean:.4f}; at least {MIN_ACCURACY}: {common.verdict(mean >= MIN_ACCURACY)}")


def command(folder: Path, arguments: Sequence[str]) -> common.Finished:
    """Run a command in a folder; the benchmark ends with its output if it fails."""
    print(f"mnistsweep {' '.join(arguments)}", flush=True)
    return common.require(common.run((sys.executable, "-m", "mnistsweep.cli", *arguments), folder))


def times(seconds: float, done: common.Finished) -> str:
    """Wall time and processor time in minutes."""
    return f"{seconds / 60:.0f} minutes (processor {done.cpu_seconds / 60:.0f})"


def test_accuracies(folder: Path) -> list[float]:
    """Test accuracy of each model of a report."""
    from mnistsweep import load_report

    output = load_report(folder).output
    return [float(accuracy) for accuracy in (output.predictions.argmax(axis=-1) == output.targets).mean(axis=-1)]


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__, repeats=3)
    parser.add_argument("--epochs", type=common.whole(1), default=300, help="of the search (default 300)")
    parser.add_argument("--folder", type=Path, help="where the sweep stays (default: a temporary folder)")
    parser.add_argument("--overrides", nargs="*", default=[], help="of the sweep, to try the benchmark out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
