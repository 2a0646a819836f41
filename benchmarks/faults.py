"""What is lost when processes are killed: a sweep under a hundred random `kill -9`, beside KerasTuner's own chief.

Ours is a sweep of trials that take time and train nothing (`faulty.py`), over everything that a real one stands on: the
study with its journal, leases, the views, the supervisor and its worker processes. It runs three times: left alone;
with `kill -9` at random moments of random workers, start-up and claims not excepted, every tenth time of the
supervisor, after which the same command is given again at once; and with workers that are stopped (SIGSTOP) for longer
than their lease, so that they come back to a trial that is another's.

The columns count trials that are *lost* (of the budget, without an outcome in the ledger or in results.csv, or with one
that is not what the objective gives), *doubled* (an outcome written twice, or an epoch trained by a process after
another one had claimed the trial) and *over* the budget. *Repeated* are epochs that were begun again, as the one has to
be that was under way; *most* is how many any one process left to be trained again (a kill of the supervisor ends all
its workers, "(10s)" in the column of the kills says how many those were). Required are 0 lost, 0 doubled, 0 over and at
most 1; these are no times, so the exit code is 1 otherwise. *Failed* are trials whose process died twice within one
epoch: they may be to blame, so that is their outcome.

Beside it the same trials under KerasTuner's chief and workers (gRPC), with three kills: of workers, each started again
with the same command; of the chief, too; of workers that others take the place of. What still runs after three times
the time of the run left alone, and no less than a minute, has hung. KerasTuner's chief looks only every 20 s whether
all is done, so its seconds say little.

With `--real 5` also the real command line: a sweep of small perceptrons, with as many kills, must leave the table of
the same sweep left alone.

    python benchmarks/faults.py                                         # some nine minutes
    python benchmarks/faults.py --kills 20 --stops 3 --skip-kerastuner  # one and a half
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers import chief, common, harm, real
from helpers.audit import Audit, audit
from helpers.faulty import COMMAND, Settings

# Between two kills, on average. A worker is back after half a second.
KILL_SECONDS = 0.8
# Between two stops, each of which lasts two to three leases.
STOP_SECONDS = 1.0
LEASE_SECONDS, SHORT_LEASE_SECONDS = 15.0, 1.5
# A sweep left alone takes so many times the time of all kills: the last of them comes before the end.
MARGIN = 1.1
PEER_SECONDS = 15.0
MIN_LIMIT, LIMIT_FACTOR = 60.0, 3.0

COLUMNS = ("kills", "seconds", "finished", "failed", "lost", "doubled", "over", "repeated", "most", "ended")


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes:
        name: What was run.
        harms: How many times harm was done.
        supervisors: How many of them hit the supervisor, or the chief.
        seconds: Of wall time.
        counts: What was counted.
        ended: How it ended.
    """

    name: str
    harms: int
    supervisors: int
    seconds: float
    counts: Audit
    ended: str = "yes"

    def __str__(self) -> str:
        found = self.counts
        counts = (found.finished, found.failed, found.lost, found.doubled, found.over_budget, found.repeated)
        harms = f"{self.harms}" + (f" ({self.supervisors}s)" if self.supervisors else "")
        cells = (harms, f"{self.seconds:.1f}", *counts, found.most_repeated)
        return line(self.name, *cells, self.ended)


def line(name: str, harms: object, *cells: object) -> str:
    return f"{name:48}{harms!s:>9}" + "".join(f"{cell!s:>9}" for cell in cells[:-1]) + f"  {cells[-1]}"


def main() -> None:
    options = parse_arguments()
    common.print_heading("keras-tuner", "optuna", "keras", "tensorflow")
    print(f"{options.trials} trials of {options.epochs} epochs, {options.workers} workers, seed {options.seed}\n")
    print(line("", *COLUMNS), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = run_ours(folder, options)
        if options.kerastuner:
            run_peer(folder, options)
        explain(ours)
        met = [judge(ours)]
        if options.real:
            met.append(real.compare(folder, options.real, random.Random(options.seed)))
    sys.exit(0 if all(met) else 1)


def run_ours(folder: Path, options: argparse.Namespace) -> list[Row]:
    """Left alone, killed, stopped."""
    chance = random.Random(options.seed)
    settings = make_settings(options, MARGIN * options.kills * KILL_SECONDS, LEASE_SECONDS)
    strike, delays = harm.killer(chance), harm.random_delays(chance, options.kills, KILL_SECONDS)
    rows = [disturb("mnistsweep, left alone", folder / "alone", settings, [], strike)]
    rows.append(disturb("mnistsweep, killed", folder / "killed", settings, delays, strike))
    if options.stops:
        pauses = (2 * SHORT_LEASE_SECONDS, 3 * SHORT_LEASE_SECONDS)
        seconds = options.stops * (STOP_SECONDS + sum(pauses) / 2)
        settings = make_settings(options, MARGIN * seconds, SHORT_LEASE_SECONDS)
        strike, delays = harm.pauser(chance, *pauses), harm.random_delays(chance, options.stops, STOP_SECONDS)
        rows.append(disturb("mnistsweep, workers stopped", folder / "stopped", settings, delays, strike))
    return rows


def make_settings(options: argparse.Namespace, seconds: float, lease_seconds: float) -> Settings:
    """A sweep that takes at least so many seconds."""
    epoch_seconds = max(0.02, seconds * options.workers / (options.trials * options.epochs))
    return Settings(options.trials, options.workers, options.epochs, epoch_seconds, lease_seconds, options.seed)


def disturb(name: str, folder: Path, settings: Settings, delays: Sequence[float], strike: harm.Strike) -> Row:
    """Run the sweep, and do it harm."""
    settings.write(folder)
    limit = MIN_LIMIT + LIMIT_FACTOR * settings.seconds
    done = harm.run([*COMMAND, folder], folder, delays, strike, limit)
    ended = "yes" if not done.gave_up else f"gave up {done.gave_up} times, given again"
    row = Row(name, len(done.harms), done.supervisors, done.seconds, audit(folder, done.harms), ended)
    print(row, flush=True)
    if len(done.harms) < len(delays):
        print(f"  note: it had ended after {len(done.harms)} of {len(delays)}")
    return row


def run_peer(folder: Path, options: argparse.Namespace) -> None:
    """KerasTuner, case by case; the first is left alone."""
    settings, limit, chance = make_settings(options, PEER_SECONDS, LEASE_SECONDS), 600.0, random.Random(options.seed)
    for index, case in enumerate(chief.CASES):
        place = folder / f"kerastuner-{index}"
        done = chief.run(place, settings, case, limit, chance)
        ended = [f"hung: {' '.join(done.hung)}"] if done.hung else []
        ended += [f"error: {' '.join(done.gave_up)}"] if done.gave_up else []
        counts = chief.count(place, settings, done.harms)
        chiefs = sum(kill.supervisor for kill in done.harms)
        row = Row(f"KerasTuner, {case.name}", len(done.harms), chiefs, done.seconds, counts, "; ".join(ended) or "yes")
        print(row, flush=True)
        if index == 0:
            limit = max(MIN_LIMIT, LIMIT_FACTOR * done.seconds)


def explain(ours: Sequence[Row]) -> None:
    """What the table leaves out."""
    alone, killed = ours[:2]
    if killed.harms:
        after = killed.counts.resumed_after
        goes_on = "no trial was under way" if after is None else f"its trial goes on {after:.2f} s after it (median)"
        print(f"\na kill costs {(killed.seconds - alone.seconds) / killed.harms:.2f} s of the sweep's time; {goes_on}")
    for row in ours[1:]:
        found = row.counts
        again = f"{found.repeated} of {found.begun} epochs were begun again, {found.repeated_whole} of them had ended"
        print(f"{row.name}: {again}; {found.dropped} times a worker came back too late and dropped its trial")
    print()


def judge(ours: Sequence[Row]) -> bool:
    """Print how the requirements were met, over all runs of ours."""
    found = [row.counts for row in ours]
    required = {
        "lost": (sum(counts.lost for counts in found), 0),
        "doubled": (sum(counts.doubled for counts in found), 0),
        "over the budget": (sum(counts.over_budget for counts in found), 0),
        "epochs repeated a kill, at most": (max(counts.most_repeated for counts in found), 1),
    }
    for name, (count, most) in required.items():
        print(f"{name:32} {count:>3}  required {most}: {common.verdict(count <= most)}")
    return all(count <= most for count, most in required.values())


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=common.whole(0), default=100, help="of our sweep (default 100)")
    parser.add_argument("--stops", type=common.whole(0), default=10, help="of our workers (default 10)")
    parser.add_argument("--trials", type=common.whole(1), default=200, help="(default 200)")
    parser.add_argument("--workers", type=common.whole(1), default=4, help="(default 4)")
    parser.add_argument("--epochs", type=common.whole(1), default=5, help="of a trial (default 5)")
    parser.add_argument("--seed", type=common.whole(0), default=0, help="of the sweep and of the kills (default 0)")
    parser.add_argument("--skip-kerastuner", dest="kerastuner", action="store_false", help="run only mnistsweep")
    parser.add_argument("--real", type=common.whole(0), default=0, help="kills of a real sweep (default 0: none)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
