"""One epoch for each of many random configurations, then the best few to their end (i-Epoch).

Reference: Egele, Mohr, Viering and Balaprakash, "The Unreasonable Effectiveness of Early Discarding after One Epoch in
Neural Network Hyperparameter Optimization", Neurocomputing, 2024.
"""

from __future__ import annotations

import numpy as np

from helpers.search.simulation import Begin, Method, Resume, Search
from mnistsweep.search.scheduler import Phase


class OneEpoch(Method):
    """Spends half of the budget on first epochs, and the rest on the best of them.

    Args:
        seed: Seed of the random points.
        total_epochs: Budget in epochs, which decides the number of configurations.
    """

    def __init__(self, seed: int, total_epochs: int) -> None:
        self._rng = np.random.default_rng([seed, 5])
        self._num_first = total_epochs // 2

    def next_job(self, search: Search, live: frozenset[int]) -> Begin | Resume | None:
        """Start another configuration, or continue the best of the paused ones."""
        if len(search.runs) < self._num_first and search.may_start:
            units = self._rng.random(len(search.table.space.dimensions)).tolist()
            configuration = search.nearest(search.table.space.point_at(units))
            return None if configuration is None else Begin(configuration, 1)
        if any(run.phase is Phase.RUNNING and run.epochs == 0 for run in search.runs):
            return None
        paused = [run for run in search.runs if run.phase is Phase.PAUSED]
        best = max(paused, key=lambda run: search.table.sign * run.values[run.epochs], default=None)
        return None if best is None else Resume(best.number, best.max_epochs)
