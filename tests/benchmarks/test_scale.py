"""What `scale.py` simulates: a queue of which the waiting times are known, and the number of workers that it serves."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from benchmark_commands import assert_lines, run


@pytest.fixture
def lock_queue(benchmarks: None) -> ModuleType:
    return import_module("helpers.lock_queue")


@pytest.fixture
def scale(benchmarks: None) -> ModuleType:
    return import_module("scale")


def exponential(mean: float, seed: int) -> Callable[[], float]:
    chance = random.Random(seed)
    return lambda: chance.expovariate(1 / mean)


def machine_repair(workers: int, pause: float, hold: float) -> tuple[float, float]:
    """Share of time that the lock is held, and mean wait, of M/M/1 with a finite number of sources.

    Source: L. Kleinrock, Queueing Systems, volume 1, section 3.8 (1975).
    """
    weights = [math.perm(workers, waiting) * (hold / pause) ** waiting for waiting in range(workers + 1)]
    busy = 1 - weights[0] / sum(weights)
    return busy, workers * hold / busy - pause - hold


@pytest.mark.parametrize(("workers", "pause"), [(1, 2.0), (4, 9.0), (20, 15.0), (30, 15.0)])
def test_a_few_workers_wait_as_long_as_the_formula_says(lock_queue: ModuleType, workers: int, pause: float) -> None:
    step = lock_queue.Step(exponential(pause, 1), exponential(1.0, 2))
    load = lock_queue.simulate([step], workers, 60_000)
    busy, wait = machine_repair(workers, pause, 1.0)
    assert load.busy == pytest.approx(busy, rel=0.03)
    assert load.cycles == pytest.approx(busy, rel=0.03)  # each cycle holds the lock for a second
    assert statistics.mean(load.waits[0]) == pytest.approx(wait, rel=0.06, abs=1e-9)


def test_many_workers_wait_as_in_a_queue_of_random_arrivals(lock_queue: ModuleType) -> None:
    """M/D/1: the mean wait is busy / (2 - 2 busy) times the constant time of the server (Pollaczek and Khinchin)."""
    step = lock_queue.Step(exponential(2000.0, 3), lambda: 0.7)
    load = lock_queue.simulate([step], 2000, 60_000)
    assert load.busy == pytest.approx(0.7, rel=0.03)
    assert statistics.mean(load.waits[0]) == pytest.approx(0.7 * 0.7 / (2 * 0.3), rel=0.1)


def test_steps_alternate_and_a_full_queue_is_served_without_a_gap(lock_queue: ModuleType) -> None:
    steps = [lock_queue.Step(lambda: 1.0, lambda: 3.0), lock_queue.Step(lambda: 0.0, lambda: 1.0)]
    load = lock_queue.simulate(steps, 10, 4000)
    assert (load.busy, load.cycles) == (pytest.approx(1.0), pytest.approx(0.25))
    # nine others are in the queue, half of them at each step
    assert sum(map(statistics.mean, load.waits)) == pytest.approx(10 * 4.0 - 1.0 - 4.0, rel=0.01)


def cost_of(scale: ModuleType, trials: int, workers: int, claim: float, finish: float = 0.0) -> Any:
    durations = [scale.Duration(seconds, 2 * seconds) for seconds in (claim, finish, 0.0)]
    return scale.Costs(trials, workers, 0, 0.0, 0, 0.0, 0.0, 0, *durations, 0.0)


def test_the_lock_is_full_where_workers_times_their_holds_exceed_the_time(scale: ModuleType) -> None:
    by_trials = [cost_of(scale, 10, 1, 0.01), cost_of(scale, 1000, 1, 0.05)]
    by_workers = [cost_of(scale, 10, 1, 0.01), cost_of(scale, 10, 101, 0.21)]
    holds = scale.HoldTimes(by_trials, by_workers, 1000, "shortest")
    assert [holds.claim(workers) for workers in (1, 51, 101)] == pytest.approx([0.05, 0.15, 0.25])
    assert holds.busy(51, 15.0, epochs=10) == pytest.approx(51 * 0.15 / 15.15)
    served = holds.max_workers(15.0, epochs=10)
    assert holds.busy(served, 15.0, 10) <= scale.MAX_BUSY < holds.busy(served + 1, 15.0, 10)
    assert holds.max_workers(1e6, epochs=10) == 101
    assert scale.HoldTimes(by_trials, by_workers, 1000, "median").claim(1) == pytest.approx(0.1)


def test_the_other_workers_are_in_the_ledger(benchmarks: None, tmp_path: Path) -> None:
    costs = import_module("helpers.ledger_costs")
    found = costs.measure(tmp_path / "s", None, trials=5, workers=4, times=2)
    ledger = import_module("mnistsweep.study.ledger").Ledger(costs.SweepPaths(tmp_path / "s"))
    states = [record.state.value for record in ledger.records()]
    assert states == ["completed"] * 5 + ["running"] * 3 + ["completed"] * 3
    assert {record.result.epochs for record in ledger.running()} == {9}  # three reports for each of three trials
    assert found.rows == 3 + 4 * 5 + 3  # the study; four entries of a finished trial, one of a running one
    assert 0 < found.claim.shortest <= found.claim.median


@pytest.mark.slow
@pytest.mark.parametrize(("store", "title"), [("journal", "The journal"), ("postgresql", "PostgreSQL")])
def test_scale_prints_its_tables_and_its_answer(store: str, title: str) -> None:
    sizes = ("--trials", "5", "20", "--at", "5", "--workers", "1", "20", "--times", "2", "--seconds", "60")
    output = run("scale", "--stores", store, "--markdown", *sizes)
    if "PostgreSQL: skipped" in output:
        pytest.skip("no PostgreSQL server is installed")
    cell = r" [0-9.]+ \([0-9.]+\) \|"
    assert_lines(output, rf"^### {title}: one worker, by the number of trials$", rf"^\| 20 \|.*{cell}{cell}$")
    assert_lines(output, rf"^### {title}: 5 trials, by the number of workers$", rf"^\| 20 \|{cell}{cell}{cell}$")
    assert_lines(output, r"^\| 60 \| 16 \| [0-9.]+% \| ", r"^An epoch more takes [1-9][0-9]* bytes\.$")
    name = title.replace("The", "the")
    assert_lines(
        output, rf"^With trials of 60 s, {name} serves at least 20 workers \(with the medians: at least 20\)\.$"
    )
