"""What is lost when processes are killed: a sweep under a hundred random `kill -9`, and the chief of KerasTuner.

Our side is a sweep of trials that take time and train nothing (`helpers/faulty.py`). It uses the real study with its
journal, its leases and its tables, the real supervisor and real worker processes. It runs four times:

- without a disturbance;
- with `kill -9` at random moments. The victim is a random worker, also during its start and while it claims a trial;
  every tenth time it is the supervisor, and the same command is started again at once;
- with the same kills, under `oracle=asha`, which pauses trials and continues them: the budget is a number of epochs;
- with workers that are stopped (SIGSTOP) for longer than their lease, so that another worker owns the trial when they
  continue.

The columns count trials: *lost* (within the budget, without an outcome in the ledger or in results.csv, or with another
outcome than the objective gives), *doubled* (an outcome was written twice, or a process trained an epoch after another
process had claimed the trial) and *over* the budget. *Repeated* are epochs that were started again; the epoch that was
running has to be. *Most* is the largest number of epochs that one process left to be repeated. A kill of the supervisor
ends all its workers: "(10s)" in the column of the kills is the number of those kills. Required are 0 lost, 0 doubled,
0 over and at most 1 in *most*. These counts do not depend on the machine, so the exit code is 1 if one is missed.
*Failed* are trials whose process crashed twice within one epoch: this outcome is right, the trial may be the cause.

The peer is KerasTuner's chief with its workers (gRPC) on the same trials, under three kills: of workers that are
started again with the same command; of the chief as well; of workers that are replaced by others. A process
that runs after three times the duration of the undisturbed run, and after at least a minute, counts as hung.
KerasTuner's chief checks every 20 s whether all trials are done, so its seconds have little meaning.

With `--real 5` the real command line is killed as often: a sweep of small perceptrons must give the same table as the
same sweep without kills.

    python benchmarks/faults.py                                         # about eleven minutes
    python benchmarks/faults.py --kills 20 --stops 3 --skip-kerastuner  # two
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from helpers import chief, common, harm, real
from helpers.audit import Audit, audit
from helpers.faulty import COMMAND, Settings

# Between two kills, on average. A worker is back after half a second.
KILL_SECONDS = 0.8
# Between two stops, each of which lasts two to three leases.
STOP_SECONDS = 1.0
LEASE_SECONDS, SHORT_LEASE_SECONDS = 15.0, 1.5
# Duration of an undisturbed sweep over the time of all kills: the last kill comes before the end.
MARGIN = 1.1
PEER_SECONDS = 15.0
MIN_LIMIT, LIMIT_FACTOR = 60.0, 3.0

COLUMNS = ("kills", "seconds", "finished", "failed", "lost", "doubled", "over", "repeated", "most", "ended")


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes:
        name: Name of the run.
        harms: Number of kills or stops.
        supervisors: Number of them that hit the supervisor, or the chief.
        seconds: Wall time.
        counts: Counts of the columns.
        ended: Description of the end.
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
        print_details(ours)
        met = [judge(ours)]
        if options.real:
            met.append(real.compare(folder, options.real, random.Random(options.seed)))
    sys.exit(0 if all(met) else 1)


def run_ours(folder: Path, options: argparse.Namespace) -> list[Row]:
    """Run our four cases: undisturbed, killed, killed with pauses, stopped."""
    chance = random.Random(options.seed)
    settings = make_settings(options, MARGIN * options.kills * KILL_SECONDS, LEASE_SECONDS)
    strike, delays = harm.killer(chance), harm.random_delays(chance, options.kills, KILL_SECONDS)
    rows = [disturb("mnistsweep, left alone", folder / "alone", settings, [], strike)]
    rows.append(disturb("mnistsweep, killed", folder / "killed", settings, delays, strike))
    settings = replace(settings, pauses=True)
    rows.append(disturb("mnistsweep, trials paused, killed", folder / "paused", settings, delays, strike))
    if options.stops:
        pauses = (2 * SHORT_LEASE_SECONDS, 3 * SHORT_LEASE_SECONDS)
        seconds = options.stops * (STOP_SECONDS + sum(pauses) / 2)
        settings = make_settings(options, MARGIN * seconds, SHORT_LEASE_SECONDS)
        strike, delays = harm.pauser(chance, *pauses), harm.random_delays(chance, options.stops, STOP_SECONDS)
        rows.append(disturb("mnistsweep, workers stopped", folder / "stopped", settings, delays, strike))
    return rows


def make_settings(options: argparse.Namespace, seconds: float, lease_seconds: float) -> Settings:
    """Settings of a sweep that takes at least this number of seconds."""
    epoch_seconds = max(0.02, seconds * options.workers / (options.trials * options.epochs))
    return Settings(options.trials, options.workers, options.epochs, epoch_seconds, lease_seconds, options.seed)


def disturb(name: str, folder: Path, settings: Settings, delays: Sequence[float], strike: harm.Strike) -> Row:
    """Run the sweep, and kill or stop its processes."""
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
    """Run the cases of KerasTuner; the first is undisturbed."""
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


def print_details(ours: Sequence[Row]) -> None:
    """Print numbers that are not in the table."""
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
    """Print whether our runs met the requirements; returns whether all are met."""
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
