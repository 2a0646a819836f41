"""The tables of `docs/search.md`: mean regrets of all methods on all tables, by epochs and by simulated time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from helpers.search.methods import DEFAULT, METHODS
from helpers.search.scores import Score, mean_and_error


def print_markdown(scores: Sequence[Score], seeds: int) -> None:
    """Print both tables; a cell with fewer searches names their number.

    Args:
        scores: Scores of all searches.
        seeds: Number of searches that a cell should have.
    """
    tables = list(dict.fromkeys(score.table for score in scores))
    for title, attribute in (("epochs", "by_epochs"), ("simulated time", "by_time")):
        print(f"\nby {title}\n\n| search | {' | '.join(tables)} |\n| --- |{' --- |' * len(tables)}")
        errors = list[float]()
        for name, named in METHODS.items():
            own = [score for score in scores if score.method == name]
            rows = [[getattr(one, attribute) for one in own if one.table == table] for table in tables]
            cells = [_cell(found, seeds, errors) for found in rows]
            if set(cells) != {"-"}:
                label = f"**{named.label}** (the default)" if name == DEFAULT else named.label
                print(f"| {label} | {' | '.join(cells)} |")
        print(f"\nmedian standard error {statistics.median(errors):.2f}" if errors else "")


def _cell(rows: Sequence[Sequence[float]], seeds: int, errors: list[float]) -> str:
    """Means at all budgets; standard errors are added to a list."""
    if not rows:
        return "-"
    found = [mean_and_error(column) for column in zip(*rows, strict=True)]
    errors += [error for _, error in found if not math.isnan(error)]
    number = "" if len(rows) >= seeds else f" (n={len(rows)})"
    return " / ".join(f"{mean:.2f}" for mean, _ in found) + number
