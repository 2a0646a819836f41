"""Every file in `conf/` and `sweeps/` composes and plans; the named sweeps are the ones that were promised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import compose, to_config, to_plain
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.resources import conf_folder, resources
from mnistsweep.config.schema import (
    LIMITS,
    SWEEP_KEYS,
    CleanConfig,
    Config,
    ConfirmConfig,
    NotifyConfig,
    ReportConfig,
    SearchConfig,
    TrainerConfig,
    TrialConfig,
)
from mnistsweep.dimensions import Choice, Float
from mnistsweep.planning.checks import check_configuration
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep

# Without what all data sets have in common, which is none by itself.
PRESETS = sorted(
    (file.parent.name, file.stem) for file in conf_folder().glob("*/*.yaml") if file.parts[-2:] != ("data", "base.yaml")
)
SWEEPS = sorted(file.stem for file in (resources() / "sweeps").glob("*.yaml"))

# Presets that are sound only with a key that the user gives.
INCOMPLETE = {
    ("data", "custom"): "data._target_=keras.datasets.cifar10.load_data",
    ("data", "idx"): "data.path=folder",
    ("data", "npz"): "data.path=file.npz",
    ("model", "custom"): "model._target_=keras.applications.MobileNetV3Small",
}


def named(name: str, *overrides: str) -> Plan:
    return plan_sweep(Recipe(), [f"+sweeps={name}", *overrides])


def test_the_groups_are_these() -> None:
    assert {group for group, _ in PRESETS} == {"data", "model", "optimizer", "schedule", "oracle", "pruner", "space"}


@pytest.mark.parametrize(("group", "preset"), PRESETS, ids="=".join)
def test_a_preset_composes_and_is_sound(group: str, preset: str) -> None:
    more = [INCOMPLETE[group, preset]] if (group, preset) in INCOMPLETE else []
    choice = f"{group}=[{preset}]" if group == "space" else f"{group}={preset}"
    composed = compose(Recipe((choice, *more)))
    faults = Faults()
    check_configuration(to_plain(composed), faults)
    assert faults.config == []
    if group == "space":
        assert len(composed.hydra.sweeper.params) == 1


@pytest.mark.parametrize("space", [preset for group, preset in PRESETS if group == "space"])
def test_a_space_is_one_dimension_under_its_own_name(space: str) -> None:
    base = {"momentum": ["optimizer=sgd"]}.get(space, [])
    (dimension,) = plan_sweep(Recipe(), [f"space=[{space}]", *base]).space.dimensions
    assert dimension.key.rpartition(".")[2] == space


def test_the_defaults_of_the_code_are_those_of_the_file() -> None:
    written = to_config(compose(Recipe()))
    for field in fields(Config):
        if field.name not in ("data", "model", "optimizer", "schedule", "oracle", "pruner"):
            assert getattr(written, field.name) == getattr(Config(), field.name), field.name


def test_limits_and_sweep_keys_name_keys_that_exist() -> None:
    plain = to_plain(compose(Recipe()))
    known = {*plain, "space", "sweeps"}
    known |= {f"trainer.{field.name}" for field in fields(TrainerConfig)}
    known |= {f"trial.{field.name}" for field in fields(TrialConfig)}
    known |= {f"report.{field.name}" for field in fields(ReportConfig)}
    known |= {f"clean.{field.name}" for field in fields(CleanConfig)}
    known |= {f"confirm.{field.name}" for field in fields(ConfirmConfig)}
    known |= {f"notify.{field.name}" for field in fields(NotifyConfig)}
    known |= {f"search.{field.name}" for field in fields(SearchConfig)}
    assert set(LIMITS) <= known
    assert known >= SWEEP_KEYS


@pytest.mark.parametrize("file", sorted(conf_folder().glob("**/*.yaml")), ids=lambda file: file.stem)
def test_a_file_begins_with_what_it_is(file: Path) -> None:
    lines = iter(file.read_text(encoding="utf-8").splitlines())
    assert next(line for line in lines if not line.startswith("# @package")).startswith("# ")


def test_the_named_sweeps_are_these() -> None:
    assert SWEEPS == ["batch_size", "coarse", "quickstart"]


@pytest.mark.parametrize("name", SWEEPS)
def test_a_named_sweep_is_planned(name: str) -> None:
    plan = named(name)
    assert plan.paths.folder == Path("logs") / name
    assert plan.space.dimensions
    assert plan.num_trials or plan.config.hours or plan.config.total_epochs


def test_quickstart_searches_five_things_within_its_budget() -> None:
    plan = named("quickstart")
    wanted = {"optimizer", "model.dense_layers", "model.layer_size", "model.dropout", "trainer.epochs"}
    assert wanted <= set(plan.space.keys)
    assert plan.groups == {"optimizer"}
    assert plan.config.data["train_limit"] is None
    assert plan.num_trials is not None
    assert plan.num_trials <= 30


def grid_of_issue() -> Iterator[dict[str, object]]:
    for optimizer in ("sgd", "rmsprop", "adam"):
        for loss in ("categorical_crossentropy", "poisson"):
            for conv_layers in (1, 2, 3):
                for dense_layers in (1, 2, 3, 4, 5):
                    for layer_size in (32, 64, 128, 256):
                        for dropout in (0.0, 0.2, 0.4, 0.8):
                            for epochs in (10, 12, 15, 18, 20):
                                yield {
                                    "optimizer": optimizer,
                                    "trainer.loss": loss,
                                    "model.conv_layers": conv_layers,
                                    "model.dense_layers": dense_layers,
                                    "model.layer_size": layer_size,
                                    "model.dropout": dropout,
                                    "trainer.epochs": epochs,
                                }


def test_coarse_is_the_whole_grid_and_nothing_else() -> None:
    plan = named("coarse")
    points = [point | {"trainer.epochs": e} for point in plan.space.grid() for e in plan.nested_epochs]
    wanted = list(grid_of_issue())
    assert (plan.space.size(), plan.num_trials, len(points), len(wanted)) == (1440, 1440, 7200, 7200)
    assert {frozenset(point.items()) for point in points} == {frozenset(point.items()) for point in wanted}
    assert plan.oracle_name == "grid"


@pytest.mark.parametrize("limit", ["total_epochs=300", "hours=1", "trials=50"])
def test_coarse_with_a_limit_is_searched_by_the_default(limit: str) -> None:
    assert plan_sweep(Recipe(), ["+sweeps=coarse", limit]).oracle_name == "freeze_thaw"


def test_coarse_trains_what_a_point_says() -> None:
    plan = named("coarse")
    point = {
        "optimizer": "rmsprop", "trainer.loss": "poisson", "model.conv_layers": 3, "model.dense_layers": 5,
        "model.layer_size": 256, "model.dropout": 0.8,
    }  # fmt: skip
    trial = to_config(plan.composer.trial(point, seed=7))
    assert (trial.optimizer["name"], trial.optimizer["rho"]) == ("rmsprop", 0.9)
    assert (trial.trainer.loss, trial.trainer.epochs, trial.seed) == ("poisson", 20, 7)
    assert trial.model["_target_"] == "mnistsweep.models.conv_dense"
    assert [trial.model[key] for key in ("conv_layers", "dense_layers", "layer_size", "dropout")] == [3, 5, 256, 0.8]


def test_batch_size_runs_the_perceptron() -> None:
    plan = named("batch_size")
    assert plan.space.dimensions == (Choice("trainer.batch_size", (8, 16, 32, 64, 128)),)
    assert plan.config.model["_target_"] == "mnistsweep.models.perceptron"


def test_spaces_are_put_together() -> None:
    plan = plan_sweep(Recipe(), ["space=[optimizer,dropout]"])
    assert plan.space.dimensions == (
        Choice("optimizer", ("adam", "sgd", "rmsprop")),
        Float("model.dropout", 0.0, 0.6),
    )


@pytest.mark.parametrize("name", SWEEPS)
def test_a_named_sweep_says_what_it_is(name: str) -> None:
    text = (resources() / "sweeps" / f"{name}.yaml").read_text(encoding="utf-8")
    assert next(line for line in text.splitlines() if not line.startswith("# @")).startswith("# ")
    assert yaml.safe_load(text)["name"] == name
