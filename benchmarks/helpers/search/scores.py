"""The scores of simulated searches: the regret of the configuration that is handed back, by epochs and by time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from helpers.search.methods import Named
from helpers.search.simulation import Search, Settings, Step
from helpers.search.tables import Table

# Number of epochs between two points of the plot.
PLOTTED_EVERY = 8

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """One simulated search, or one for each budget.

    Attributes:
        table: Name of the table.
        method: Name of the method.
        seed: Seed of the search.
        workers: Number of workers.
        by_epochs: Regret at each budget.
        by_time: Regret after as much time as the epochs of each budget take on average, on each worker.
        seconds: Simulated time at which each budget was spent.
        curve: Regret after each `PLOTTED_EVERY` epochs of the search with the largest budget.
        third: Regret of a search with a third of the largest budget; None: not measured.
    """

    table: str
    method: str
    seed: int
    workers: int
    by_epochs: list[float]
    by_time: list[float]
    seconds: list[float]
    curve: list[float]
    third: float | None = None


def run(table: Table, name: str, method: Named, seed: int, settings: Settings, budgets: Sequence[int]) -> Score:
    """Run a method on a table.

    Args:
        table: Recorded curves.
        name: Name of the method.
        method: The method; one that plans for its budget runs once for each, and for a third of the largest.
        seed: Seed of the search.
        settings: Costs and workers; `budgets` replace its budget.
        budgets: Budgets in epochs, ascending.
    """
    searches = dict[int, list[Step]]()
    third = budgets[-1] // 3
    for budget in sorted({*budgets, third}) if method.is_planned else budgets[-1:]:
        search = Search(table, seed, replace(settings, total_epochs=budget))
        searches[budget] = search.play(method.make(search, seed, replace(settings, total_epochs=budget)))
    longest = searches[budgets[-1]]
    regrets = {budget: regret_after(table, steps) for budget, steps in searches.items()}
    by_epochs, by_time, seconds = [], [], []
    for budget in budgets:
        steps, regret = searches.get(budget, longest), regrets.get(budget, regrets[budgets[-1]])
        count = min(budget, len(steps))
        by_epochs.append(float(regret[count - 1]))
        seconds.append(steps[count - 1].time)
        if method.is_anytime:
            steps, regret = longest, regrets[budgets[-1]]
        limit = budget * table.typical_seconds / settings.workers
        in_time = sum(step.time <= limit for step in steps)
        by_time.append(float(regret[in_time - 1]) if in_time else math.nan)
    every = range(PLOTTED_EVERY, budgets[-1] + 1, PLOTTED_EVERY)
    curve = [float(regrets[budgets[-1]][min(epochs, len(longest)) - 1]) for epochs in every]
    last = float(regrets[third][-1]) if third in regrets else None
    return Score(table.name, name, seed, settings.workers, by_epochs, by_time, seconds, curve, last)


def regret_after(table: Table, steps: Sequence[Step]) -> Array:
    """Regret after each epoch of a search, in points: hundredths of the test score.

    The configuration handed back is that with the best objective so far, at the epoch of this objective, in whatever
    state its trial is. Its quality is the mean test score of its seeds after this epoch. The regret is the distance to
    the quality of the best configuration of the table; it is NaN before the first finite objective.
    """
    regrets, best, regret = np.empty(len(steps)), -math.inf, math.nan
    for index, step in enumerate(steps):
        if table.sign * step.value > best:  # false for NaN
            best = table.sign * step.value
            quality = float(table.quality[step.configuration, step.epoch - 1])
            regret = 100 * table.sign * (table.best_quality - quality)
        regrets[index] = regret
    return regrets


def everything(table: Table, seed: int) -> float:
    """Regret after all configurations were trained to their end: what selection by validation alone costs."""
    draws = table.values[np.arange(len(table)), table.drawn_seeds(seed)]
    values = np.where(np.isfinite(draws), table.sign * draws, -np.inf)
    configuration, epoch = np.unravel_index(values.argmax(), values.shape)
    return 100 * table.sign * (table.best_quality - float(table.quality[configuration, epoch]))


def read(file: Path | None) -> list[Score]:
    """Scores that an earlier run has written; none if there is no file."""
    if file is None or not file.exists():
        return []
    return [Score(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def append(file: Path | None, score: Score) -> None:
    """Add a score to a file, if one is named."""
    if file is not None:
        with file.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(asdict(score)) + "\n")


def mean_and_error(values: Iterable[float]) -> tuple[float, float]:
    """Mean and standard error; a search without a finite value yet does not count."""
    known = np.array([value for value in values if math.isfinite(value)])
    if not len(known):
        return math.nan, math.nan
    error = float(known.std(ddof=1) / math.sqrt(len(known))) if len(known) > 1 else math.nan
    return float(known.mean()), error


def cell(values: Iterable[float]) -> str:
    """Mean and standard error in a column."""
    mean, error = mean_and_error(values)
    return f"{mean:>8.2f} ±{error:>4.2f}"
