"""Models of the user: functions, functions of `hp` and hypermodels, each swept and trained again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fakes import RunSweep

from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.resources import default_folders
from mnistsweep.paths import TrialPaths
from mnistsweep.study.sweep import Sweep
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.hypermodel_training import train_once

HP = "model.hp."


def again(sweep: Sweep, folder: Path, direction: str = "max") -> float | None:
    """Train a sweep's best configuration along the path of `mnistsweep train`."""
    folder.mkdir(parents=True)
    shutil.copy(sweep.paths.best, folder / "best.yaml")
    composed = compose(Recipe((), "best", (f"file://{folder}", *default_folders())))
    return train_once(to_config(composed), direction, TrialPaths(folder / "trial"), Hooks()).result.objective


def test_a_plain_function_is_swept(run_sweep: RunSweep, module: str, tmp_path: Path) -> None:
    sweep = run_sweep([f"model._target_={module}.plain", "+model.width=2,5", "oracle=grid", "name=plain"])
    assert list(sweep.trials["model.width"]) == [2, 5]
    assert set(sweep.trials["state"]) == {"completed"}
    assert again(sweep, tmp_path / "again") == sweep.trials["objective"].max()


@pytest.mark.parametrize(
    "target", ["Fitted", *(pytest.param(name, marks=pytest.mark.slow) for name in ("layered", "scoped", "Built"))]
)
def test_a_hypermodel_is_swept_and_its_best_configuration_gives_the_same_score(
    run_sweep: RunSweep, module: str, tmp_path: Path, target: str
) -> None:
    sweep = run_sweep([f"model._target_={module}.{target}", "trials=2", "oracle=random", "name=hyper", "seed=3"])
    trials = sweep.trials
    assert list(trials["state"]) == ["completed"] * 2, list(trials["reason"])
    assert again(sweep, tmp_path / "again") == trials["objective"].max()
    if target == "Fitted":
        epochs = [len(sweep.curves[sweep.curves["trial"] == trial]) for trial in trials["trial"]]
        assert epochs == list(trials[HP + "epochs"]), "`fit` decides the epochs, whatever trainer.epochs says"
    if target == "scoped":
        inactive = trials[HP + "model type"] == "linear"
        assert list(trials[HP + "mlp/units"].isna()) == list(inactive)


def test_a_custom_training_loop_is_swept(run_sweep: RunSweep, module: str, tmp_path: Path) -> None:
    overrides = [f"model._target_={module}.Loop", "objective=my_metric", "direction=min", "trials=2", "name=loop"]
    sweep = run_sweep(overrides)
    assert list(sweep.trials["state"]) == ["completed"] * 2, list(sweep.trials["reason"])
    smallest = sweep.curves.groupby("trial")["my_metric"].min()
    assert list(sweep.trials["objective"]) == list(smallest)
    assert again(sweep, tmp_path / "again", "min") == sweep.trials["objective"].min()


def test_a_model_that_cannot_be_built_fails_its_trial(run_sweep: RunSweep, module: str) -> None:
    later = run_sweep([f"model._target_={module}.breaks_later", "oracle=grid", "name=later"])
    assert list(later.trials["state"]) == ["completed", "failed"]
    assert later.trials["reason"][1] == "RuntimeError: too wide"


def test_a_hyperparameter_may_have_the_name_of_a_config_group(run_sweep: RunSweep, module: str, tmp_path: Path) -> None:
    name = "grouped_by_user"
    source = f"""
from {module} import plain
def net(hp, input_shape, classes):
    size = hp.Choice("optimizer", ["small", "large"])
    return plain(input_shape, classes, width={{"small": 2, "large": 8}}[size])
"""
    (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    sweep = run_sweep(
        [f"model._target_={name}.net", "optimizer=adam,sgd", "trials=2", "oracle=random", "name=same names"]
    )
    assert list(sweep.trials["state"]) == ["completed"] * 2
    assert set(sweep.trials["optimizer"]) <= {"adam", "sgd"}
    assert set(sweep.trials[HP + "optimizer"]) <= {"small", "large"}
