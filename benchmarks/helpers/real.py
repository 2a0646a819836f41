"""The real command line under kills, for `faults.py`: a killed sweep must give the table of an undisturbed one."""

from __future__ import annotations

import random
from pathlib import Path

from helpers import audit, common, harm
from mnistsweep.paths import SweepPaths

NAME = "small"
COMMAND = (
    common.COMMAND, "sweep", f"name={NAME}", "oracle=random", "pruner=none", "trials=8", "workers=2", "seed=0",
    "model=perceptron", "model.layer_size=choice(16,32,64)", "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))",
    "data.train_limit=500", "data.validation=500", "trainer.epochs=4", "trainer.threads=1",
)  # fmt: skip


def compare(folder: Path, kills: int, chance: random.Random) -> bool:
    """Run the sweep without and with kills, and print whether the tables are equal.

    Args:
        folder: Path of the folder of the two sweeps.
        kills: Number of kills.
        chance: Source of their random moments.
    """
    alone, killed = folder / "real-alone", folder / "real-killed"
    alone.mkdir()
    killed.mkdir()
    strike = harm.killer(chance)
    seconds = harm.run(COMMAND, alone, [], strike).seconds
    # The kills fall into the first half of that time: the second sweep may run on a less busy machine.
    done = harm.run(COMMAND, killed, harm.random_delays(chance, kills, seconds / (2 * (kills + 1))), strike)
    left, right = table(alone), table(killed)
    differing = [number for number in sorted({*left, *right}) if left.get(number) != right.get(number)]
    twice = audit.written_twice(paths(killed).journal)
    print(f"\nthe real command line: {seconds:.1f} s, and {done.seconds:.1f} s with {len(done.harms)} of {kills} kills")
    print(f"  rows that differ: {len(differing)} of {len(left)}, doubled: {len(twice)}, required 0: ", end="")
    print(common.verdict(not differing and not twice))
    for number in differing:
        print(f"  trial {number}: {left.get(number)} alone, {right.get(number)} killed")
    return not differing and not twice


def table(folder: Path) -> dict[int, dict[str, str]]:
    """Rows of a sweep's results without the column `seconds`, by trial."""
    rows = audit.rows(paths(folder).results)
    return {number: {key: cell for key, cell in row.items() if key != "seconds"} for number, row in rows.items()}


def paths(folder: Path) -> SweepPaths:
    return SweepPaths(folder / "logs" / NAME)
