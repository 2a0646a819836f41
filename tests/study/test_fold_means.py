"""Means over folds in a study: a pruner compares them with other means only."""

from __future__ import annotations

import pytest
from fakes import LINE, make_search, open_study

from mnistsweep.paths import SweepPaths
from mnistsweep.study.records import Result, State


@pytest.mark.parametrize("pruner", ["median", "successive_halving"])
def test_the_mean_over_folds_is_compared_with_means_only(paths: SweepPaths, pruner: str) -> None:
    """After two folds of 9 epochs; the best epoch of the first fold alone would not be pruned."""
    search = make_search(LINE, "random", trials=12, pruner=pruner)
    pruned = []
    with open_study(paths, search) as study:
        for number in range(12):
            trial = study.claim()
            assert trial is not None
            study.report(trial, 1, 0.9)
            mean = 0.5 - 0.1 * (number == 11) + 0.01 * (number % 2)
            pruned.append(study.report(trial, 18, mean, is_mean=True))
            study.finish(trial, State.COMPLETED, Result(mean, 1, 27))
    assert pruned[-1]
    assert not all(pruned)
