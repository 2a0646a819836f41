"""Which search is worth its epochs: regret of the configuration handed back, on recorded learning curves.

Ours and the peers, which are the real libraries, search the tables in `benchmarks/curves/` in simulated time. The
output has, for each table, the mean regret with its standard error at each budget of epochs, and after as much
simulated time as these epochs take on average; then the difference between the default and each other method, paired
over seeds.

    python benchmarks/search.py
    python benchmarks/search.py --tables mnist_grid --methods freeze_thaw asha optuna_random_halving --seeds 20
"""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import optuna
from helpers import common
from helpers.search import scores
from helpers.search.markdown import print_markdown
from helpers.search.methods import DEFAULT, METHODS
from helpers.search.scores import Score
from helpers.search.simulation import Settings
from helpers.search.tables import FOLDER, Table, available

BUDGETS = (64, 128, 256, 512)
QUICK_BUDGETS = (32, 64)

# A peer with fewer searches is shown, and not judged.
MIN_SEARCHES = 5

# Configurations of a table with `--quick`.
QUICK_CONFIGURATIONS = 40


def main() -> None:
    arguments = parse_arguments()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    common.print_heading("optuna", "keras_tuner", "numpy")
    budgets = QUICK_BUDGETS if arguments.quick else BUDGETS
    settings = Settings(budgets[-1], arguments.workers, arguments.restart_epochs)
    found = list[Score]()
    units = {}
    for name in arguments.tables:
        table = Table.read(name, arguments.folder)
        table = table.first(QUICK_CONFIGURATIONS) if arguments.quick else table
        units[name] = f"regret, hundredths of the test {'accuracy' if table.sign > 0 else 'mean squared error'}"
        compute(table, arguments, settings, budgets, found)
        print_table(table, found, budgets, arguments)
    if arguments.markdown:
        print_markdown(found, arguments.seeds)
    if arguments.plot:
        from helpers.search.drawing import draw

        draw(found, arguments.plot, units, budgets)
        print(f"plot: {arguments.plot}")


def compute(
    table: Table, arguments: argparse.Namespace, settings: Settings, budgets: Sequence[int], found: list[Score]
) -> None:
    """Run all methods on a table, seed by seed; what the file of results has is not computed again."""
    known = {(one.table, one.method, one.seed, one.workers): one for one in scores.read(arguments.results)}
    for seed in range(arguments.seeds):
        for name in arguments.methods:
            score = known.get((table.name, name, seed, settings.workers))
            if arguments.finished and score is None:
                continue
            if score is None or len(score.by_epochs) != len(budgets):
                score = scores.run(table, name, METHODS[name], seed, settings, budgets)
                scores.append(arguments.results, score)
            found.append(score)


def print_table(table: Table, found: Sequence[Score], budgets: Sequence[int], arguments: argparse.Namespace) -> None:
    """Print the regrets of all methods on a table, and the paired differences to the default."""
    repeated = int((table.seeds > 1).sum())
    print(f"\n{table.name}: {len(table)} configurations, {repeated} with two seeds; {arguments.seeds} searches each")
    floor = [scores.everything(table, seed) for seed in range(arguments.seeds)]
    print(f"  regret after every configuration was trained: {scores.cell(floor).strip()}")
    print(f"  the best configuration is number {table.early_rank_of_best} of {len(table)} after one epoch")
    columns = "".join(f"{budget:>14}" for budget in budgets)
    for title, attribute in (
        ("epochs", "by_epochs"),
        (f"time of so many epochs, {arguments.workers} workers", "by_time"),
    ):
        print(f"  {'after ' + title:<44}{columns}")
        for name in arguments.methods:
            rows = [getattr(one, attribute) for one in found if (one.table, one.method) == (table.name, name)]
            if not rows:
                continue
            label = METHODS[name].label + ("" if len(rows) == arguments.seeds else f" (n={len(rows)})")
            print(f"    {label:<42}" + "".join(scores.cell(values) for values in zip(*rows, strict=True)))
    done = [name for name in arguments.methods if any((s.table, s.method) == (table.name, name) for s in found)]
    if DEFAULT in done:
        print_differences(table.name, found, budgets, done)


def print_differences(table: str, found: Sequence[Score], budgets: Sequence[int], methods: Sequence[str]) -> None:
    """Print peer minus default, paired over seeds; positive where the default is better, and what the bar says."""
    print(f"  {'minus ' + METHODS[DEFAULT].label + ', paired':<44}" + "".join(f"{budget:>14}" for budget in budgets))
    ours = {one.seed: one.by_epochs for one in found if (one.table, one.method) == (table, DEFAULT)}
    is_met, num_peers = True, 0
    for name in methods:
        if name == DEFAULT:
            continue
        theirs = [one for one in found if (one.table, one.method) == (table, name) and one.seed in ours]
        gaps = [[b - a for a, b in zip(ours[one.seed], one.by_epochs, strict=True)] for one in theirs]
        columns = list(zip(*gaps, strict=True))
        print(f"    {METHODS[name].label:<42}" + "".join(scores.cell(values) for values in columns))
        if not METHODS[name].is_ours and len(theirs) >= MIN_SEARCHES:
            num_peers += 1
            is_met &= all(not is_behind(values) for values in columns)
    if num_peers:
        rule = f"ahead of each of {num_peers} peers at every budget, or within two standard errors"
        print(f"  required: {rule}: {common.verdict(is_met)}")
    print_epochs_needed([one for one in found if one.table == table], budgets[-1])


def print_epochs_needed(found: Sequence[Score], budget: int) -> None:
    """Print after how many epochs the default is as good as the best of KerasTuner's methods at the largest budget."""
    counts = Counter(one.method for one in found)
    curves = {name: mean_curve(found, name) for name in METHODS if counts[name] >= MIN_SEARCHES}
    if DEFAULT not in curves:
        return
    peers = [curve[-1] for name, curve in curves.items() if name.startswith("kerastuner")]
    if not peers:
        return
    reached = [index for index, regret in enumerate(curves[DEFAULT], start=1) if regret <= min(peers)]
    needed = scores.PLOTTED_EVERY * reached[0] if reached else math.inf
    print(
        f"  epochs for the regret {min(peers):.2f} of KerasTuner's best after {budget}: {needed:g} "
        f"of a search with a budget of {budget}"
    )
    third = [one.third for one in found if one.method == DEFAULT and one.third is not None]
    if third:
        regret, error = scores.mean_and_error(third)
        verdict = common.verdict(regret <= min(peers))
        print(f"  required: this regret with a budget of {budget // 3}: {regret:.2f} ±{error:.2f}: {verdict}")


def mean_curve(found: Sequence[Score], name: str) -> list[float]:
    """Mean regret of a method by epochs."""
    curves = [one.curve for one in found if one.method == name]
    return [scores.mean_and_error(column)[0] for column in zip(*curves, strict=True)]


def is_behind(gaps: Sequence[float]) -> bool:
    """Whether the default is behind a peer by more than two standard errors of the paired differences."""
    mean, error = scores.mean_and_error(gaps)
    return mean < 0 and (math.isnan(error) or mean < -2 * error)


def parse_arguments() -> argparse.Namespace:
    usable = [name for name in METHODS if name != "gp" or importlib.util.find_spec("torch")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the tables (default: benchmarks/curves)")
    parser.add_argument("--tables", nargs="+", help="names of tables (default: all of the folder)")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=usable, help="(default: all, gp with PyTorch)")
    parser.add_argument("--seeds", type=common.whole(1), help="number of searches (default 20; with --quick 2)")
    parser.add_argument("--workers", type=common.whole(1, 64), default=1, help="simulated workers (default 1)")
    parser.add_argument(
        "--restart-epochs", type=float, default=1.0,
        help="time to build and trace a model, or to read it from a checkpoint, in typical epochs (default 1)",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="few configurations, seeds and epochs, to try it out")
    parser.add_argument("--results", type=Path, help="JSON lines of finished searches; those in it are not run again")
    parser.add_argument("--finished", action="store_true", help="only show what the file of results has")
    parser.add_argument("--markdown", action="store_true", help="also print the tables of docs/search.md")
    parser.add_argument("--plot", type=Path, help="PNG file of the regret by epochs")
    arguments = parser.parse_args()
    arguments.seeds = arguments.seeds or (2 if arguments.quick else 20)
    known = available(arguments.folder)
    arguments.tables = arguments.tables or known
    if unknown := sorted(set(arguments.tables) - set(known)):
        parser.error(f"--tables: must be names of tables in {arguments.folder}: {', '.join(known)}; received {unknown}")
    return arguments


if __name__ == "__main__":
    main()
