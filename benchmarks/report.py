"""The duration of a report whose predictions are stored, by section; and loops of notebooks beside the analyses.

A small sweep runs first, and its winner is retrained: short trainings of the default convolution, because they only
have to leave models and predictions. The page is about all test images of MNIST. Then, as often as `--repeats`:

1. `mnistsweep report`, from the first import to the last file, with all predictions stored; and again without the
   predictions of distorted images, so that these are computed.
2. The same page in a fresh process; each section is timed, including its imports.
3. Plain Python loops over the same number of rows, as notebooks write them (`helpers/loops.py`), and the analyses on
   the same arrays.
4. The memory of ranking a million rows.

    python benchmarks/report.py    # five minutes; exit code 1 if a section fails, results differ or memory is exceeded
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from helpers import common, loops

HERE = Path(__file__).parent
MNIST = HERE.parent / "mnistsweep" / "data" / "mnist.npz"
STORED_SECONDS, MEASURED_SECONDS, MEMORY_GB = 20, 60, 2.0
TRAINED = 2000


def main() -> None:
    options = parse_arguments()
    common.print_heading("numpy", "scikit-learn", "cleanlab", "matplotlib", "tensorflow")
    print(f"{options.images:,} test images, {options.seeds} seeds; median (mean, minimum to maximum, number)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_sweep(folder, options)
        time_pages(folder, options)
        time_sections(folder, options)
    labels = np.arange(options.images) % loops.CLASSES
    same = loops.compare(loops.make_probabilities(options.seeds, labels), labels, 5 * options.repeats)
    fits = [measure_memory(*case, options) for case in (("ambiguous", 1), ("ambiguous", 3), ("suspects", 1))]
    sys.exit(0 if same and all(fits) else 1)


def make_sweep(folder: Path, options: argparse.Namespace) -> None:
    """Run a sweep and make its report once."""
    with np.load(MNIST) as file:
        tested = {name: file[name][: options.images] for name in ("x_test", "y_test")}
        np.savez(folder / "some.npz", x_train=file["x_train"][:TRAINED], y_train=file["y_train"][:TRAINED], **tested)
    command = [
        common.COMMAND, "sweep", "quickstart", "data=npz", "data.path=some.npz", f"data.validation={TRAINED // 4}",
        f"trials={options.trials}", "name=bench",
    ]  # fmt: skip
    trained = common.require(common.run(command, folder)).seconds
    made = common.require(common.run(page_command(options), folder)).seconds
    print(f"once: a sweep of {options.trials} small trials {trained:.0f} s, its first report {made:.0f} s", flush=True)


def page_command(options: argparse.Namespace) -> list[str | Path]:
    return [common.COMMAND, "report", "logs/bench", f"report.seeds={options.seeds}"]


def time_pages(folder: Path, options: argparse.Namespace) -> None:
    """Time the whole command: with all predictions stored, and without those of distorted images."""
    stored, measured = list[common.Finished](), list[common.Finished]()
    distorted = folder / "logs" / "bench" / "report" / "predictions" / "robustness.npz"
    for _ in range(options.repeats):
        stored.append(common.require(common.run(page_command(options), folder)))
        distorted.unlink()
        measured.append(common.require(common.run(page_command(options), folder)))
    print("\n`mnistsweep report`, the whole command, seconds")
    for name, runs, limit in (
        ("from stored predictions", stored, STORED_SECONDS),
        ("robustness measured too", measured, MEASURED_SECONDS),
    ):
        taken = [run.seconds for run in runs]
        print(f"  {name:28} {common.spread(taken)}; required under {limit}: ", end="")
        print(common.verdict(statistics.median(taken) < limit))
        print(f"  {'  processor time':28} {common.spread([run.cpu_seconds for run in runs])}", flush=True)


def time_sections(folder: Path, options: argparse.Namespace) -> None:
    """Time each section, including drawing and writing."""
    command = [sys.executable, "-m", "helpers.reported", "sections", "logs/bench", f"report.seeds={options.seeds}"]
    runs = [answer(command, folder) for _ in range(options.repeats)]
    print("\neach section from stored predictions, seconds; the first to need a library imports it")
    for name in runs[0]:
        print(f"  {name:28} {common.spread([run[name] for run in runs])}")
    print(f"  {'all':28} {common.spread([sum(run.values()) for run in runs])}", flush=True)


def measure_memory(which: str, seeds: int, options: argparse.Namespace) -> bool:
    """Rank many rows in a separate process; returns whether its memory stays within the limit."""
    command = [sys.executable, "-m", "helpers.reported", "rank", which, str(options.rows), str(seeds)]
    runs = [answer(command, HERE) for _ in range(options.repeats)]
    seconds, before, peak = ([run[name] for run in runs] for name in ("seconds", "before", "peak"))
    fits = max(peak) < MEMORY_GB
    print(f"\nranking {options.rows:,} rows of {loops.CLASSES} probabilities, {which}, seeds: {seeds}")
    print(f"  seconds                      {common.spread(seconds)}")
    print(f"  memory before, GB            {common.spread(before)}")
    print(f"  memory at its peak, GB       {common.spread(peak)}; required under {MEMORY_GB:g}: {common.verdict(fits)}")
    return fits


def answer(command: list[str | Path], folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(common.require(common.run(command, folder)).output)
    return result


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__)
    parser.add_argument("--images", type=common.whole(100, 10_000), default=10_000, help="to test on (default 10000)")
    parser.add_argument("--seeds", type=common.whole(1), default=3, help="models of a report (default 3)")
    parser.add_argument("--trials", type=common.whole(2), default=20, help="of the sweep (default 20)")
    parser.add_argument("--rows", type=common.whole(10), default=1_000_000, help="to rank (default 1000000)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
