"""Random command lines: each must be answered, soon, and without a traceback; peers: none.

`tests/helpers/command_lines.py` draws the lines: right ones from a grammar, most of them spoilt by a mutation. A sweep
is planned, opened, and run by a worker that trains nothing; then the same command continues it, `status` and `export`
read it, and `train --config-name best` composes its best trial. `tests/helpers/answers.py` checks each line: exit code
0 or 2, no traceback, short messages without control characters, nothing written on 2, and on 0 the same values, with
their types, in the plan, the ledger, `results.csv`, `config.yaml` and `best.yaml`.

How to read it: how many lines were accepted and refused, the seconds until an answer (a message, an exit code, or the
start of the workers) by the clock and by the processor time of the process, which does not depend on other programs,
the slowest lines, and each fault with the shortest line that shows it. An answer must take at most two seconds of
processor time; a longer one is printed, and is no fault. The exit code is 1 if there is a fault. Every run draws other
lines; `--seed` repeats one.

    python benchmarks/command_line_fuzz.py --cases 2000
"""

from __future__ import annotations

import contextlib
import io
import random
import shutil
import statistics
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from helpers import common
from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))

from answers import Answer, NoAnswer, check, prepare, working_directory
from command_lines import command_lines

MAX_SECONDS = 2.0
NUM_SHOWN = 5


class Outcomes:
    """What happened: answers, their times, and faults by the place where they occurred."""

    def __init__(self) -> None:
        self.counts = Counter[str]()
        self.answers: list[tuple[float, float, list[str]]] = []  # processor time, time, line
        self.faults: dict[str, list[tuple[list[str], str]]] = {}

    def add(self, line: list[str], found: Answer) -> None:
        """Record an answer."""
        self.counts["refused" if found.code else "accepted"] += 1
        self.counts["sweeps"] += bool(found.plans)
        self.counts["trainings"] += bool(found.trained)
        self.answers.append((found.cpu_seconds, found.seconds, line))

    def add_fault(self, line: list[str], error: BaseException) -> None:
        """Record what must not happen."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} in {Path(frame.filename).name}, {frame.name}, line {frame.lineno}"
        self.faults.setdefault(place, []).append((line, str(error)))

    def print(self) -> None:
        """Print counts, times and faults."""
        print(", ".join(f"{count:,} {kind}" for kind, count in self.counts.items() if count))
        if self.answers:
            processor, clock, _ = zip(*self.answers, strict=True)
            verdict = common.verdict(max(processor) <= MAX_SECONDS)
            print(f"seconds until an answer: {quantiles(clock)}")
            print(f"of processor time: {quantiles(processor)}; at most {MAX_SECONDS:g} s {verdict}")
        for seconds, _, line in sorted(self.answers, key=lambda one: -one[0])[:NUM_SHOWN]:
            print(f"  {seconds:5.2f} s  {line!r:.300}")
        print(f"{sum(map(len, self.faults.values()))} faults")
        for place, found in self.faults.items():
            line, message = min(found, key=lambda one: len(repr(one[0])))
            print(f"  {len(found)} x {place}: {message!r:.300}\n    {line!r:.600}")


def quantiles(seconds: Sequence[float]) -> str:
    """The median, the 99th percentile and the maximum of some times."""
    ordered = sorted(seconds)
    last = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"median {statistics.median(ordered):.3f}, 99 % {last:.2f}, max {ordered[-1]:.2f}"


def main() -> int:
    parser = common.make_parser(__doc__)
    parser.add_argument("--cases", type=common.whole(1), default=2000, help="number of command lines (default 2000)")
    parser.add_argument("--seed", type=int, help="seed of the lines (default: a new one each time)")
    options = parser.parse_args()
    common.print_heading("hydra-core", "omegaconf", "optuna", "hypothesis")
    drawn = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    print(f"{options.cases} command lines, --seed {drawn}", flush=True)
    began = time.monotonic()
    outcomes = run(options.cases, drawn)
    outcomes.print()
    print(f"{time.monotonic() - began:.0f} s in all")
    return 1 if outcomes.faults else 0


def run(cases: int, drawn: int) -> Outcomes:
    """Answer random command lines in a temporary folder."""
    outcomes = Outcomes()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "below" / "root"
        root.mkdir(parents=True)
        with contextlib.redirect_stdout(io.StringIO()):
            prepare(root)

        @seed(drawn)
        @settings(max_examples=cases, deadline=None, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(command_lines())
        def answer(line: list[str]) -> None:
            try:
                with working_directory(root, with_sweeps=line[:1] not in (["sweep"], ["train"])) as folder:
                    outcomes.add(line, check(line, folder))
            except (Exception, NoAnswer) as error:
                outcomes.add_fault(line, error)
                _remove_strangers(root)

        answer()
    return outcomes


def _remove_strangers(root: Path) -> None:
    """Remove what a faulty line left behind, so that the next line begins as all others."""
    for path in root.iterdir():
        if path.name not in ("own", "made"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    sys.exit(main())
