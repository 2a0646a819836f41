"""The `fit` of a user's own hypermodel: what it returns counts, by KerasTuner's convention."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import user_fits
import yaml
from fakes import RunSweep

from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import ConfigError
from mnistsweep.evaluation.cleaning_trainer import training_epochs
from mnistsweep.paths import TrialPaths
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.planning.recovery import recover_trials
from mnistsweep.study.records import Result
from mnistsweep.study.sweep import Sweep
from mnistsweep.training.callbacks.objective_reporter import ObjectiveReporter
from mnistsweep.training.callbacks.stopping import Interrupted
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.hypermodel_training import train_once
from mnistsweep.tuner.own_fit import observed_fit

Train = Callable[..., Result]

ACCURACY = "objective=val_accuracy"


@pytest.fixture(autouse=True)
def returned() -> Iterator[list[Any]]:
    """What the hypermodels of `user_fits` returned in this test."""
    user_fits.returned.clear()
    yield user_fits.returned
    user_fits.returned.clear()


@pytest.fixture
def train(tiny_data: list[str], tmp_path: Path) -> Train:
    """Train one hypermodel for two epochs."""

    def run(name: str, *overrides: str, direction: str = "max", hooks: Hooks | None = None) -> Result:
        recipe = Recipe((*tiny_data, f"model._target_=user_fits.{name}", "trainer.epochs=2", *overrides))
        config = to_config(compose(recipe))
        return train_once(config, direction, TrialPaths(tmp_path / "trial"), hooks or Hooks()).result

    return run


def assert_recoverable(sweep: Sweep) -> None:
    """`mnistsweep repair` finds the same results in the files."""
    recovery = recover_trials(plan_of(sweep), sweep.paths)
    assert recovery.contradictions == []
    assert [trial.record.result.objective for trial in recovery.trials] == list(sweep.trials["objective"])


def test_a_number_without_an_objective_is_minimized_as_the_default_objective(
    run_sweep: RunSweep, returned: list[Any], tiny_data: list[str]
) -> None:
    overrides = ["model._target_=user_fits.Number", "trials=2", "oracle=random", "name=number", "trainer.epochs=2"]
    warnings = plan_sweep(Recipe(), [*tiny_data, *overrides]).warnings
    assert warnings == (
        "objective: Number.fit returns a number and no objective was chosen: the number is recorded as "
        "default_objective and minimized; objective=NAME direction=max names it and maximizes it.",
    )
    returned.clear()
    sweep = run_sweep(overrides)
    values = [float(value) for value in returned[-2:]]
    assert list(sweep.trials["state"]) == ["completed"] * 2, list(sweep.trials["reason"])
    assert list(sweep.trials["objective"]) == values
    best = yaml.safe_load(sweep.paths.best.read_text(encoding="utf-8"))
    assert best["objective"] == "default_objective"
    assert best["model"]["hp"]["units"] == sweep.trials["model.hp.units"][values.index(min(values))]
    assert list(sweep.curves["default_objective"].dropna()) == values
    assert list(sweep.curves["loss"].notna()) == [True] * 4, "the epochs are recorded, too"
    assert_recoverable(sweep)
    sweep = run_sweep([*overrides, "trials=3"])
    assert len(sweep.trials) == 3, "the sweep is continued with the objective that it has"


def test_a_pruner_that_prunes_nothing_is_announced(tiny_data: list[str]) -> None:
    overrides = [*tiny_data, "model._target_=user_fits.CustomLoop", "name=pruned", "pruner=median"]
    plan = plan_sweep(Recipe(), [*overrides, "objective=my_metric", "direction=min"])
    assert plan.warnings == ("pruner: CustomLoop.fit returns a number, so its trainings are not pruned.",)


@pytest.mark.slow
def test_a_dictionary_must_hold_the_objective(
    run_sweep: RunSweep, returned: list[Any], tiny_data: list[str], tmp_path: Path
) -> None:
    overrides = ["model._target_=user_fits.Dictionary", "trials=2", "oracle=random", "name=dictionary"]
    for chosen in ([], ["objective=metric_c", "direction=max"]):
        with pytest.raises(
            ConfigError, match=r"^objective: Dictionary.fit returns .* without .* Known: 'metric_[ab]', 'm"
        ):
            plan_sweep(Recipe(), [*tiny_data, *overrides, *chosen])
    assert not (tmp_path / "logs").exists()
    returned.clear()
    sweep = run_sweep([*overrides, "objective=metric_a", "direction=max"])
    values = [value["metric_a"] for value in returned[-2:]]
    assert list(sweep.trials["objective"]) == values
    assert list(sweep.curves["metric_b"].dropna()) == [value["metric_b"] for value in returned[-2:]]
    assert_recoverable(sweep)


@pytest.mark.slow
def test_the_custom_training_loop_of_the_guide_is_never_pruned(run_sweep: RunSweep, returned: list[Any]) -> None:
    sweep = run_sweep(
        [
            *("model._target_=user_fits.CustomLoop", "trials=4", "oracle=random", "pruner=successive_halving"),
            *("objective=my_metric", "direction=min", "name=loop", "pruner.reduction_factor=2"),
        ]
    )
    assert list(sweep.trials["state"]) == ["completed"] * 4, list(sweep.trials["reason"])
    assert list(sweep.trials["objective"]) == returned[-4:]
    assert list(sweep.trials["objective"]) == list(sweep.curves.groupby("trial")["my_metric"].min())
    assert_recoverable(sweep)


@pytest.mark.slow
def test_a_fit_that_returns_a_history_is_pruned_once_this_is_known(run_sweep: RunSweep) -> None:
    sweep = run_sweep(
        [
            *("model._target_=user_fits.Passing", "trials=5", "oracle=random", "pruner=successive_halving"),
            *("trainer.epochs=4", "name=pruned", "pruner.reduction_factor=2"),
        ]
    )
    states = list(sweep.trials["state"])
    assert states[0] == "completed"
    assert "pruned" in states
    assert_recoverable(sweep)


def test_the_returned_number_counts_and_not_the_logged_metric(run_sweep: RunSweep) -> None:
    sweep = run_sweep(["model._target_=user_fits.Constant", "trials=1", ACCURACY, "name=constant", "trainer.epochs=2"])
    assert list(sweep.trials["objective"]) == [0.125]
    assert list(sweep.curves["returned"].dropna()) == [0.125]
    assert sweep.curves["val_accuracy"].max() != 0.125
    assert_recoverable(sweep)


def test_a_history_counts_by_its_best_epoch_though_no_callback_is_passed_on(
    train: Train, returned: list[Any], tmp_path: Path
) -> None:
    result = train("Silent", ACCURACY, "trainer.epochs=4", "trainer.patience=3")
    assert result.objective == max(returned[-1])
    assert result.best_epoch == 1 + returned[-1].index(max(returned[-1]))
    curves = pd.read_csv(tmp_path / "trial" / "history.csv")
    assert list(curves["val_accuracy"]) == returned[-1]
    assert list((tmp_path / "trial" / "validation").iterdir())


def test_the_history_of_another_model_is_recorded_at_the_end(train: Train, returned: list[Any], tmp_path: Path) -> None:
    reports: list[tuple[int, float]] = []

    def report(epoch: int, value: float) -> bool:
        reports.append((epoch, value))
        return True

    result = train("Outside", ACCURACY, hooks=Hooks(report))
    assert result.objective == max(returned[-1])
    assert reports == list(enumerate(returned[-1], start=1))
    assert result.reason == "", "a finished training is not pruned"
    assert list(pd.read_csv(tmp_path / "trial" / "history.csv")["val_accuracy"]) == returned[-1]


def test_a_fit_that_returns_nothing_is_refused_before_anything_is_trained(tiny_data: list[str]) -> None:
    message = r"Silent.fit must return the History .*; it returned None; is a return statement missing\?$"
    with pytest.raises(ConfigError, match=message):
        plan_sweep(Recipe(), [*tiny_data, "model._target_=user_fits.Silent", "+model.kind=nothing", "name=x", ACCURACY])


def test_a_fit_that_passes_no_callback_on_can_be_stopped(train: Train, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train("Silent", ACCURACY, hooks=Hooks(should_stop=(tmp_path / "trial" / "history.csv").exists))
    assert len(pd.read_csv(tmp_path / "trial" / "history.csv")) == 1


def test_callbacks_are_added_only_where_they_are_missing_and_then_prune_nothing() -> None:
    model = user_fits.plain((2,), 2)
    model.compile("sgd", "sparse_categorical_crossentropy")
    calls: list[Any] = []
    model.fit = lambda x=None, y=None, callbacks=None, epochs=1: calls.append(callbacks)
    reporter = ObjectiveReporter(lambda epoch, value: True, "val_loss")
    other = user_fits.keras.callbacks.History()
    fit = observed_fit(model, [reporter])
    fit(1, 2)
    assert (calls.pop(), reporter.is_muted) == ([reporter], True)
    fit(1, 2, [other], epochs=2)
    assert calls.pop() == [other, reporter]
    fit(1, 2, callbacks=[reporter, other])
    assert (calls.pop(), reporter.is_muted) == ([reporter, other], False)


@pytest.mark.parametrize(("name", "epochs"), [("plain", 1), ("Number", 5)])
def test_only_a_fit_of_the_users_own_reports_once_at_its_end(name: str, epochs: int) -> None:
    config = to_config(compose(Recipe((f"model._target_=user_fits.{name}", "trainer.epochs=5"))))
    assert training_epochs(config, Result(0.5, best_epoch=1, epochs=1), threads=1) == epochs


def test_a_tuner_of_the_users_own_is_refused(tiny_data: list[str]) -> None:
    with pytest.raises(
        ConfigError, match=r"^model._target_: must be a model: .*; received the tuner user_fits.OwnTuner"
    ):
        plan_sweep(Recipe(), [*tiny_data, "model._target_=user_fits.OwnTuner", "name=own"])
