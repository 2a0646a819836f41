"""What a warm start is worth: regret of a search that knows a former one, on recorded learning curves.

For each table and seed, a former search with another seed trains some epochs on a random half of the configurations.
Then the same table is searched, with all configurations, once without and once with `warm_start`. Only epochs of the
second search count. The output has the mean regret with its standard error at each budget, and the difference
paired over seeds: positive where the warm start is better.

    python benchmarks/warm_start.py
    python benchmarks/warm_start.py --oracles freeze_thaw asha --former random --tables fashion_continuous
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import optuna
from helpers import common
from helpers.search import scores
from helpers.search.scheduled import ours
from helpers.search.simulation import Search, Settings
from helpers.search.tables import FOLDER, Table

from mnistsweep.search.former import FormerTrial

TUNING_TABLES = ("fashion_continuous", "friedman_regression")
BUDGETS = (16, 32, 64, 128, 256)

# What is added to the seed of a search for the seed of the former one.
FORMER_SEEDS = 1000


def main() -> int:
    arguments = parse_arguments()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    common.print_heading("optuna", "numpy")
    is_met = True
    for name in arguments.tables:
        table = Table.read(name, arguments.folder)
        for oracle in arguments.oracles:
            is_met &= print_comparison(table, oracle, arguments)
    print(f"required: not worse at any budget, within two standard errors: {common.verdict(is_met)}")
    return 0 if is_met else 1


def print_comparison(table: Table, oracle: str, arguments: argparse.Namespace) -> bool:
    """Print the regrets with and without a former search; whether none is worse."""
    rows: dict[str, list[list[float]]] = {"without": [], "with": []}
    for seed in range(arguments.seeds):
        former = former_trials(table, arguments.former, seed + FORMER_SEEDS, arguments.former_epochs)
        for label, trials in (("without", []), ("with", former)):
            search = Search(table, seed, Settings(BUDGETS[-1]))
            steps = search.play(ours(search, oracle, seed, trials))
            regrets = scores.regret_after(table, steps)
            rows[label].append([float(regrets[min(budget, len(steps)) - 1]) for budget in BUDGETS])
    print(f"\n{table.name}, {oracle}; former: {arguments.former}, {arguments.former_epochs} epochs")
    print(f"  {'epochs':<20}" + "".join(f"{budget:>14}" for budget in BUDGETS))
    for label, found in rows.items():
        print(f"  {label:<20}" + "".join(scores.cell(column) for column in zip(*found, strict=True)))
    gaps = np.array(rows["without"]) - np.array(rows["with"])
    print(f"  {'difference':<20}" + "".join(scores.cell(column) for column in gaps.T.tolist()))
    return not any(mean < -2 * error for mean, error in map(scores.mean_and_error, gaps.T.tolist()))


def former_trials(table: Table, oracle: str, seed: int, epochs: int) -> list[FormerTrial]:
    """Trials of a search on a random half of the configurations."""
    search = Search(table, seed, Settings(epochs))
    order = np.random.default_rng([seed, 23]).permutation(len(table))
    search.leave_out(order[: len(table) // 2].tolist())
    search.play(ours(search, oracle, seed))
    trials = []
    for run in search.runs:
        best = (max if table.sign > 0 else min)(run.values.values())
        objective = best if run.epochs == run.max_epochs else None
        trials.append(FormerTrial(table.points[run.configuration], dict(run.values), objective))
    return trials


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the tables (default: benchmarks/curves)")
    parser.add_argument("--tables", nargs="+", default=list(TUNING_TABLES), help="(default: those for tuning)")
    parser.add_argument("--oracles", nargs="+", default=["freeze_thaw"], help="(default: freeze_thaw)")
    parser.add_argument("--former", default="freeze_thaw", help="oracle of the former search (default: freeze_thaw)")
    parser.add_argument("--former-epochs", type=common.whole(1), default=128, help="its epochs (default: 128)")
    parser.add_argument("--seeds", type=common.whole(2), default=10, help="number of searches (default: 10)")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
