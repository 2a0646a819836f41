"""Searches on recorded learning curves: the simulator, the methods, the scores, the recorded tables."""

from __future__ import annotations

import dataclasses
import math
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from benchmark_commands import BENCHMARKS, assert_lines, run

from mnistsweep.dimensions import Choice, Float
from mnistsweep.search.scheduler import Phase

EPOCHS = 4
RATES = (0.001, 0.01, 0.1, 1.0)


@pytest.fixture
def simulation(benchmarks: None) -> ModuleType:
    return import_module("helpers.search.simulation")


def make_table(values: list[list[float]], seconds: float = 2.0) -> Any:
    """A table with one seed, whose test scores are the values themselves."""
    tables = import_module("helpers.search.tables")
    shape = (len(values), 2, EPOCHS)
    curves = np.full(shape, np.nan, np.float32)
    curves[:, 0] = values
    dimensions = (Choice("optimizer", ("adam", "sgd")), Float("rate", RATES[0], RATES[-1], log=True))
    points = tuple({"optimizer": ("adam", "sgd")[i % 2], "rate": RATES[i // 2 % 4]} for i in range(len(values)))
    times = np.where(np.isnan(curves), np.nan, seconds).astype(np.float32)
    return tables.Table(
        "made_up", "val_accuracy", "max", tables.RecordedSpace(dimensions, points), (EPOCHS,) * len(values),
        np.ones(len(values), np.int8), curves, curves.copy(), times,
    )  # fmt: skip


class Scripted:
    """Hands out a list of jobs."""

    def __init__(self, *jobs: Any) -> None:
        self.jobs = list(jobs)
        self.phases: list[tuple[int, Phase]] = []

    def next_job(self, search: Any, live: frozenset[int]) -> Any:
        return self.jobs.pop(0) if self.jobs else None

    def epoch_ended(self, run: Any) -> bool:
        return True

    def job_ended(self, run: Any) -> None:
        self.phases.append((run.number, run.phase))


def test_a_job_costs_its_epochs_and_its_start_unless_the_model_is_in_memory(simulation: ModuleType) -> None:
    table = make_table([[0.1, 0.2, 0.3, 0.4], [0.2, 0.3, 0.4, 0.5]])
    begin, resume = simulation.Begin, simulation.Resume
    method = Scripted(begin(0, 1), begin(1, 2), resume(0, 4))
    settings = simulation.Settings(total_epochs=100, restart_epochs=0.5, live_models=1)
    steps = simulation.Search(table, 0, settings).play(method)
    # each epoch takes 2 s and each start 1 s: the model of trial 0 is gone when it continues
    assert [(step.time, step.configuration, step.epoch) for step in steps] == [
        (3.0, 0, 1), (6.0, 1, 1), (8.0, 1, 2), (11.0, 0, 2), (13.0, 0, 3), (15.0, 0, 4),
    ]  # fmt: skip
    assert method.phases == [(0, Phase.PAUSED), (1, Phase.PAUSED), (0, Phase.ENDED)]
    method = Scripted(begin(0, 1), begin(1, 2), resume(0, 4))
    settings = simulation.Settings(total_epochs=100, restart_epochs=0.5, live_models=2, live_share=0.25)
    assert simulation.Search(table, 0, settings).play(method)[-1].time == 14.25


@pytest.mark.parametrize(("workers", "shown"), [(1, [set(), set(), set()]), (2, [set(), set(), {0}])])
def test_a_search_with_one_worker_does_not_see_live_models(
    simulation: ModuleType, workers: int, shown: list[set[int]]
) -> None:
    seen = []

    class Watching(Scripted):
        def next_job(self, search: Any, live: frozenset[int]) -> Any:
            seen.append(set(live))
            return super().next_job(search, live)

    method = Watching(simulation.Begin(0, 1), simulation.Begin(1, 2), simulation.Resume(0, 2))
    simulation.Search(make_table([[0.1] * EPOCHS] * 2), 0, simulation.Settings(8, workers)).play(method)
    assert seen[:3] == shown


def test_a_search_trains_exactly_its_budget_with_several_workers(simulation: ModuleType) -> None:
    table = make_table([[0.1, 0.2, 0.3, 0.4]] * 3)
    method = Scripted(*(simulation.Begin(index, EPOCHS) for index in range(3)))
    search = simulation.Search(table, 0, simulation.Settings(total_epochs=6, workers=2, restart_epochs=0.0))
    steps = search.play(method)
    assert [(step.time, step.configuration) for step in steps] == [(2, 0), (2, 1), (4, 0), (4, 1), (6, 0), (8, 0)]
    assert len(method.jobs) == 1  # the budget was promised to the first two


def test_a_training_that_diverges_fails_and_costs_its_epoch(simulation: ModuleType) -> None:
    table = make_table([[0.1, math.nan, math.nan, math.nan], [0.2, 0.3, 0.4, 0.5]])
    method = Scripted(simulation.Begin(0, EPOCHS), simulation.Begin(1, 1))
    search = simulation.Search(table, 0, simulation.Settings(total_epochs=3, restart_epochs=0.0))
    assert [step.time for step in search.play(method)] == [2, 4, 6]
    assert method.phases == [(0, Phase.FAILED), (1, Phase.PAUSED)]


def test_a_point_stands_for_the_nearest_configuration_that_was_not_tried(simulation: ModuleType) -> None:
    table = make_table([[0.1] * EPOCHS] * 8)
    search = simulation.Search(table, 0, simulation.Settings(total_epochs=8))
    point = {"optimizer": "sgd", "rate": 0.02}
    found = []
    while (index := search.nearest(point)) is not None:
        found.append(table.points[index])
        search.play(Scripted(simulation.Begin(index, 1)))
    assert found[:3] == [{"optimizer": "sgd", "rate": rate} for rate in (0.01, 0.1, 0.001)]
    assert len(found) == 8


def rising_table() -> Any:
    """Twelve configurations, better with each; the last one diverges."""
    values = [[0.01 * (index + 1) * epoch for epoch in range(1, EPOCHS + 1)] for index in range(12)]
    table = make_table([*values[:11], [math.nan] * EPOCHS])
    rng = np.random.default_rng(0)
    points = tuple({"optimizer": ("adam", "sgd")[i % 2], "rate": float(10 ** rng.uniform(-3, 0))} for i in range(12))
    return dataclasses.replace(table, space=dataclasses.replace(table.space, points=points))


@pytest.mark.parametrize(
    "name",
    [
        "freeze_thaw", "asha", "stopping", "tpe", "cmaes", "quasi_random", "random", "optuna_random", "optuna_default",
        "optuna_tpe_hyperband", "optuna_random_halving", "one_epoch",
    ],
)  # fmt: skip
@pytest.mark.parametrize("workers", [1, 3])
def test_each_method_searches_within_its_budget(simulation: ModuleType, name: str, workers: int) -> None:
    methods = import_module("helpers.search.methods")
    table, settings = rising_table(), simulation.Settings(total_epochs=15, workers=workers)
    search = simulation.Search(table, 0, settings)
    steps = search.play(methods.METHODS[name].make(search, 0, settings))
    assert len(steps) == 15
    tried = [run.configuration for run in search.runs]
    assert len(tried) == len(set(tried))
    assert [step.time for step in steps] == sorted(step.time for step in steps)
    assert all(run.phase is Phase.FAILED for run in search.runs if run.configuration == 11)


def test_the_regret_is_that_of_the_best_validated_epoch_so_far(simulation: ModuleType) -> None:
    scores = import_module("helpers.search.scores")
    table = make_table([[0.5, 0.6, 0.7, 0.9], [0.8, 0.7, 0.6, 0.5]])
    table.test_scores[1, 0, 0] = 0.65  # the validation was lucky
    step = simulation.Step
    steps = [step(1.0, 1, 1, math.nan), step(2.0, 0, 1, 0.5), step(3.0, 1, 1, 0.8), step(4.0, 0, 4, 0.9)]
    assert scores.regret_after(table, steps) == pytest.approx([math.nan, 40.0, 25.0, 0.0], abs=1e-4, nan_ok=True)
    assert scores.everything(table, 0) == pytest.approx(0.0, abs=1e-4)


def test_the_best_configuration_has_a_rank_after_one_epoch(benchmarks: None) -> None:
    table = make_table([[0.5, 0.6, 0.7, 0.9], [0.8, 0.7, 0.6, 0.4], [0.6, 0.6, 0.6, 0.6], [math.nan] * 4])
    assert (table.best_quality, table.early_rank_of_best) == (pytest.approx(0.9), 3)
    losses = dataclasses.replace(table, direction="min")
    assert (losses.best_quality, losses.early_rank_of_best) == (pytest.approx(0.4), 3)


def test_the_gradients_of_the_recorded_perceptron_are_those_of_its_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS / "curves"))
    perceptron = import_module("perceptron")
    rng = np.random.default_rng(0)
    for activation, outputs in (("tanh", 3), ("silu", 1)):
        values = {"dense_layers": 2, "layer_size": 4, "activation": activation, "dropout": 0.0}
        model = perceptron.Perceptron(values, 5, outputs, seed=1)
        model._parameters = [one.astype(np.float64) for one in model._parameters]
        x, y = rng.normal(size=(6, 5)), (rng.integers(0, 3, 6) if outputs == 3 else rng.normal(size=6))
        gradients = model._gradients(x, y)[1]
        for parameter, gradient in zip(model._parameters, gradients, strict=True):
            index = (0,) * parameter.ndim
            losses = []
            for shift in (1e-5, -2e-5):
                parameter[index] += shift
                losses.append(model.evaluate(x, y)[1])
            parameter[index] += 1e-5
            assert gradient[index] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-3, abs=1e-7)


@pytest.mark.slow
def test_search_prints_regrets_and_differences_and_draws_them(tmp_path: Any) -> None:
    file, plot = tmp_path / "scores.jsonl", tmp_path / "plot.png"
    arguments = ("--quick", "--seeds", "2", "--tables", "fashion_continuous", "--results", str(file))
    names = (
        "freeze_thaw",
        "asha",
        "optuna_default",
        "kerastuner_random",
        "kerastuner_bayesian",
        "kerastuner_hyperband",
    )
    output = run("search", *arguments, "--plot", str(plot), "--methods", *names)
    assert_lines(output, "^fashion_continuous: 40 configurations", "^  regret after every configuration was trained: ")
    assert_lines(output, "^  the best configuration is number [0-9]+ of 40 after one epoch$")
    for label in ("freeze_thaw", "asha", "Optuna default: TPE, median", "KerasTuner Hyperband"):
        assert_lines(output, rf"^    {label} +-?[0-9.]+ ±[ 0-9.]+ +-?[0-9.]+ ±[ 0-9.]+$")
    assert_lines(output, "^  minus freeze_thaw, paired")
    assert "required" not in output  # two searches are too few for a verdict
    assert plot.stat().st_size > 10_000
    assert len(file.read_text().splitlines()) == 12
    assert output.splitlines()[3:-1] == run("search", *arguments, "--methods", *names).splitlines()[3:]
