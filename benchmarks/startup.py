"""How fast the commands without a training answer: wall time of whole processes; peers: bare imports of Keras.

Timed are `mnistsweep --help`, `mnistsweep status`, two configuration errors (a misspelt key; a bad value in a named
sweep, which is composed first), and the repeated command of a complete sweep. Beside them: a Python that does nothing,
`import keras` and `import tensorflow`, the price of a command that needs them. The order alternates.

How to read it: seconds from the start of a process to its end, median first; "processor" is the processor time of the
process, which does not depend on other programs on the machine. `--help`, `status` and a configuration error must
answer in under 1 s. Each command then runs once more with Python's own list of imports: if the list contains
TensorFlow, Keras or KerasTuner, this is printed and the exit code is 1. `--imports` prints the packages that take most
of a command's time.

    python benchmarks/startup.py --repeats 5
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

from helpers import common

MAX_SECONDS = 1.0
HEAVY = ("tensorflow", "keras", "keras_tuner", "torch", "jax")
SMALL = ("trainer.epochs=1", "model=perceptron", "data.train_limit=200", "data.validation=200")
SWEEP = ("sweep", "name=small", "trials=2", "model.dropout=0.1,0.2", *SMALL)


@dataclass(frozen=True)
class Case:
    """A command, its expected exit code, and the seconds within which it must answer."""

    name: str
    command: tuple[str, ...]
    code: int = 0
    max_seconds: float | None = None
    ours: bool = True


def ours(name: str, *arguments: str, code: int = 0, max_seconds: float | None = None) -> Case:
    """A case of our command line."""
    return Case(name, (str(common.COMMAND), *arguments), code, max_seconds)


def python(name: str, code: str) -> Case:
    """A case of bare Python."""
    return Case(name, (sys.executable, "-c", code), ours=False)


CASES = (
    ours("mnistsweep --help", "--help", max_seconds=MAX_SECONDS),
    ours("mnistsweep status", "status", "logs/small", max_seconds=MAX_SECONDS),
    ours("a misspelt key", "sweep", "model.dropuot=0.1,0.2", code=2, max_seconds=MAX_SECONDS),
    ours("a bad value in a named sweep", "sweep", "quickstart", "trials=-1", code=2, max_seconds=MAX_SECONDS),
    ours("a complete sweep repeated", *SWEEP),
    python("python -c pass", "pass"),
    python("python -c 'import keras'", "import keras"),
    python("python -c 'import tensorflow'", "import tensorflow"),
)


def main() -> int:
    options = parse_arguments()
    common.print_heading("hydra-core", "optuna", "keras", "tensorflow")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        common.require(common.run((common.COMMAND, *SWEEP), folder))
        print(f"{options.repeats} runs each, in turn; seconds: median (mean, minimum to maximum, number of runs)\n")
        measure(folder, [case for case in CASES if case.ours or options.peers], options.repeats)
        return check_imports(folder, options.imports)


def measure(folder: Path, cases: Sequence[Case], repeats: int) -> None:
    runs: dict[Case, list[common.Finished]] = {case: [] for case in cases}
    for repeat in range(repeats + 1):
        for case in cases if repeat % 2 else reversed(cases):
            finished = common.require(common.run(case.command, folder), case.code)
            if repeat:  # the first reads the files from the disk
                runs[case].append(finished)
    for case, found in runs.items():
        print(f"  {case.name:30} {describe(case, found)}")


def describe(case: Case, found: Sequence[common.Finished]) -> str:
    seconds = [finished.seconds for finished in found]
    busy = statistics.median(finished.cpu_seconds for finished in found)
    text = f"{common.spread(seconds):42} processor {busy:.2f}"
    if case.max_seconds is None:
        return text
    return f"{text}; under {case.max_seconds:g} s {common.verdict(statistics.median(seconds) < case.max_seconds)}"


def check_imports(folder: Path, show: bool) -> int:
    """Run each of our commands once more and check its imports.

    Returns:
        Exit code: 1 if one of them imports a backend.
    """
    print(f"\nimported of {', '.join(HEAVY)}")
    clean = True
    for case in CASES:
        if case.ours:
            imported = import_times(case, folder)
            heavy = [name for name in HEAVY if name in imported]
            clean = clean and not heavy
            print(f"  {case.name:30} {', '.join(heavy) or 'none'}")
            if show:
                print("".join(f"    {1000 * imported[name]:6.0f} ms  {name}\n" for name in slowest(imported)), end="")
    return 0 if clean else 1


def import_times(case: Case, folder: Path) -> dict[str, float]:
    """Seconds of a command for each module and the modules that it imports first (Python's `-X importtime`)."""
    finished = common.require(common.run(case.command, folder, PYTHONPROFILEIMPORTTIME="1"), case.code)
    lines = re.findall(r"^import time: +(\d+) \| +(\d+) \| +(\S+)$", finished.errors, re.MULTILINE)
    assert lines, f"{case.name}: Python did not list its imports"
    return {name: int(cumulative) / 1e6 for _, cumulative, name in lines}


def slowest(imported: dict[str, float], count: int = 8) -> list[str]:
    """Packages with the longest import times."""
    packages = [name for name in imported if "." not in name]
    return sorted(packages, key=lambda name: -imported[name])[:count]


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__, repeats=5)
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True, help="also bare imports")
    parser.add_argument("--imports", action="store_true", help="show which packages take longest to import")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
