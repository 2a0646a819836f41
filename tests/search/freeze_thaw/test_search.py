"""Whole searches on made-up curves: freeze-thaw against halving that promotes, over twenty seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from synthetic_curves import GRID, Simulation, Task, classifiers, perceptrons

from mnistsweep.search.asha import Asha
from mnistsweep.search.freeze_thaw import FreezeThaw
from mnistsweep.search.scheduler import Scheduler
from mnistsweep.search.sequences import PointSequence, SequenceOracle


def freeze_thaw(task: Task, seed: int) -> Scheduler:
    return FreezeThaw(PointSequence(task.space, "random", seed), True, task.epochs_of, seed)


def halving(task: Task, seed: int) -> Scheduler:
    return Asha(SequenceOracle(PointSequence(task.space, "random", seed)), maximize=True)


def errors(
    make: Callable[[Task, int], Scheduler], task_of: Callable[[int], Task], epochs: int, seeds: int, workers: int = 1
) -> float:
    """Mean true error of the configuration handed back, over seeds."""
    found = []
    for seed in range(seeds):
        task = task_of(seed)
        simulation = Simulation(task, make(task, seed), workers, epochs=epochs)
        simulation.run()
        found.append(simulation.best_true_error())
    return float(np.mean(found))


@pytest.mark.slow
def test_its_regret_on_a_grid_is_half_that_of_halving() -> None:
    best = min(float(classifiers().true_curve(point).min()) for point in GRID.grid())
    ours, theirs = (errors(make, classifiers, 96, 20) - best for make in (freeze_thaw, halving))
    assert ours < 0.6 * theirs


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 8])
def test_it_is_better_than_halving_where_many_trainings_diverge(workers: int) -> None:
    ours, theirs = (errors(make, perceptrons, 96, 12, workers) for make in (freeze_thaw, halving))
    assert ours < theirs


def test_it_finds_a_good_configuration_soon() -> None:
    errors_of_all = [float(classifiers().true_curve(point).min()) for point in GRID.grid()]
    assert errors(freeze_thaw, classifiers, 40, 2) < np.quantile(errors_of_all, 0.15)
