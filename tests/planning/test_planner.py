"""From overrides to a plan: what is swept, and under which condition."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.resources import folders_for
from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.errors import ConfigError
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep

SGD = Condition("optimizer", ("sgd",))


def planned(*overrides: str, recipe: Recipe | None = None) -> Plan:
    return plan_sweep(recipe or Recipe(), overrides)


def trial(plan: Plan, **values: Any) -> dict[str, Any]:
    """A trial's configuration; double underscores stand for dots."""
    return asdict(to_config(plan.composer.trial({key.replace("__", "."): value for key, value in values.items()})))


# What is swept


def test_ranges_are_dimensions_in_the_order_given() -> None:
    plan = planned("trainer.batch_size=2,4", "model.dropout=interval(0,0.6)", "model.dense_layers=int(interval(1,3))")
    assert plan.space.dimensions == (
        Choice("trainer.batch_size", (2, 4)),
        Float("model.dropout", 0.0, 0.6),
        Int("model.dense_layers", 1, 3),
    )
    assert plan.recipe.overrides == ()


def test_the_command_line_wins_over_params() -> None:
    plan = planned("space=[dropout,dense_layers,epochs]", "model.dropout=0.1,0.2", "trainer.epochs=7")
    assert {d.key: d for d in plan.space.dimensions} == {
        "model.dropout": Choice("model.dropout", (0.1, 0.2)),
        "model.dense_layers": Choice("model.dense_layers", (1, 2, 3)),
    }
    assert plan.config.trainer.epochs == 7


@pytest.mark.parametrize("plus", ["", "+", "++"])
def test_params_on_the_command_line_count(plus: str) -> None:
    recipe = Recipe((f"{plus}hydra.sweeper.params={{model.dropout: 'choice(0.1,0.2)'}}",))
    plan = planned(recipe=recipe)
    assert plan.space.keys == ("model.dropout",)
    assert plan.recipe.overrides == ()


def test_params_on_the_command_line_are_added_to_those_of_files_and_replace_the_same_keys() -> None:
    params = "hydra.sweeper.params={model.dropout: [0.1,0.2], optimizer: 'adam,sgd'}"
    assert {d.key: d for d in planned("space=[dropout,batch_size]", params).space.dimensions} == {
        "model.dropout": Choice("model.dropout", (0.1, 0.2)),
        "trainer.batch_size": planned("space=[batch_size]").space.dimensions[0],
        "optimizer": Choice("optimizer", ("adam", "sgd")),
    }
    one = planned("space=[dropout]", "hydra.sweeper.params.optimizer='adam,sgd'")
    assert one.space.keys == ("model.dropout", "optimizer")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hydra.sweeper.params.model.dropout=0,0.1", "received .*=0,0.1; write model.dropout=0,0.1"),
        ("+hydra.sweeper.params.model.dropout='0,0.1'", "is KEY=RANGE; received .*; write model.dropout='0,0.1'"),
        ("hydra.sweeper.params.optimizer=adam,sgd", "write optimizer=adam,sgd"),
        (
            "hydra.sweeper.params={optimizer: choice(adam,sgd)}",
            "a range in it is quoted; received .*; write KEY=RANGE for each",
        ),
        ("hydra.sweeper.params=3", "hydra.sweeper.params: must be {KEY: RANGE, ...}; received 3; write KEY=RANGE"),
        ("hydra.sweeper.params={optimizer: adam},{optimizer: sgd}", "must be {KEY: RANGE, ...}"),
    ],
)
def test_params_in_another_form_are_refused_with_the_right_one(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        planned(text)


def test_a_group_is_swept_with_the_keys_of_each_preset() -> None:
    plan = planned("model=perceptron,deep_conv", "optimizer=adam,sgd")
    assert plan.groups == {"model", "optimizer"}
    first = trial(plan, model="perceptron", optimizer="sgd")
    second = trial(plan, model="deep_conv", optimizer="adam")
    assert (first["model"]["layer_size"], first["optimizer"]["momentum"]) == (16, 0.0)
    assert (second["model"]["last_layer_size"], second["optimizer"]["beta_1"]) == (64, 0.9)
    assert "layer_size" in second["model"]
    assert "last_layer_size" not in first["model"]


def test_lists_and_interpolations_in_the_file_of_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {"model.dropout": [0, 0.5], "trainer.patience": "int(interval(1,${trainer.batch_size}))"}
    mine = {"hydra": {"sweeper": {"params": params}}}
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert planned("+sweeps=mine", "trainer.batch_size=9").space.dimensions == (
        Choice("model.dropout", (0, 0.5)),
        Int("trainer.patience", 1, 9),
    )


def test_presets_by_a_pattern() -> None:
    assert planned("model=glob(*_conv)").space.dimensions == (Choice("model", ("deep_conv", "fast_conv", "tiny_conv")),)


def test_lists_are_values() -> None:
    plan = planned("model=deep_conv", "model.filters=[20,20,50],[10,10,20]")
    assert plan.space.size() == 2
    assert trial(plan, model__filters=[10, 10, 20])["model"]["filters"] == [10, 10, 20]


# Conditions


def test_a_key_of_some_presets_exists_only_with_them() -> None:
    plan = planned("optimizer=adam,sgd,rmsprop", "optimizer.momentum=interval(0,0.9)")
    assert plan.space["optimizer.momentum"].conditions == (Condition("optimizer", ("sgd", "rmsprop")),)
    assert plan.space.size() is None
    assert plan.space.point_at([0.0, 0.5]) == {"optimizer": "adam"}
    assert trial(plan, optimizer="sgd", optimizer__momentum=0.5)["optimizer"]["momentum"] == 0.5


def test_a_key_of_all_presets_has_no_condition() -> None:
    plan = planned("optimizer=adam,sgd", "optimizer.learning_rate=0.1,0.2", "optimizer.weight_decay=null,0.1")
    assert all(dimension.conditions == () for dimension in plan.space.dimensions)


def test_a_fixed_value_of_some_presets_is_a_constant_with_a_condition() -> None:
    plan = planned("optimizer=adam,sgd", "optimizer.momentum=0.9")
    assert plan.space["optimizer.momentum"] == Choice("optimizer.momentum", (0.9,), (SGD,))
    assert plan.space.size() == 2
    assert plan.recipe.overrides == ()


def test_a_fixed_value_of_all_presets_but_the_default_is_a_constant() -> None:
    plan = planned("optimizer=sgd,rmsprop", "optimizer.momentum=0.9")
    assert plan.space["optimizer.momentum"] == Choice("optimizer.momentum", (0.9,))
    compose(plan.recipe)  # what the workers' jobs are started with


def test_a_fixed_value_of_all_presets_is_fixed() -> None:
    plan = planned("optimizer=adam,sgd", "optimizer.learning_rate=0.02")
    assert plan.space.keys == ("optimizer",)
    assert [trial(plan, optimizer=name)["optimizer"]["learning_rate"] for name in ("adam", "sgd")] == [0.02, 0.02]


def test_conditions_of_ones_own() -> None:
    plan = planned(
        "optimizer=adam,sgd", "model.dropout=0,0.1", "trainer.epochs=1,2",
        "conditions={model.dropout: {optimizer: sgd, trainer.epochs: [2]}}",
    )  # fmt: skip
    assert plan.space["model.dropout"].conditions == (SGD, Condition("trainer.epochs", (2,)))
    assert plan.space.size() == 5


def test_own_conditions_are_added_to_those_of_the_presets() -> None:
    plan = planned(
        "optimizer=adam,sgd", "optimizer.momentum=0,0.9", "trainer.epochs=1,2",
        "conditions={optimizer.momentum: {trainer.epochs: 2}}",
    )  # fmt: skip
    assert plan.space["optimizer.momentum"].conditions == (SGD, Condition("trainer.epochs", (2,)))


# Keys that the presets do not have


def test_a_new_key_is_swept_with_a_plus() -> None:
    plan = planned("+optimizer.clipnorm=0.5,1.0")
    assert plan.space.dimensions == (Choice("optimizer.clipnorm", (0.5, 1.0)),)
    assert trial(plan, optimizer__clipnorm=0.5)["optimizer"]["clipnorm"] == 0.5


def test_a_key_for_interpolations_is_swept() -> None:
    plan = planned("+width=32,64", "model.layer_size=${width}", "model.filters=${width}")
    assert [trial(plan, width=64)["model"][key] for key in ("layer_size", "filters")] == [64, 64]


def test_a_key_for_interpolations_is_fixed_while_a_group_is_swept() -> None:
    plan = planned("+width=48", "model.layer_size=${width}", "model=perceptron,fast_conv")
    assert trial(plan, model="perceptron")["model"]["layer_size"] == 48


@pytest.mark.parametrize("text", ["'${#x;'", "a,'${'"])
def test_a_text_that_is_no_interpolation(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^(\+?data\.note|.*data\.note)"):
        planned("data=custom", "data._target_=few_images.load", f"+data.note=b,{text}")


def test_nan_inside_of_a_list_is_no_choice() -> None:
    with pytest.raises(ConfigError, match=r"^data\.note: NaN cannot be a value of a choice"):
        planned("data=custom", "data._target_=few_images.load", "+data.note=[1,nan],[2]")


def test_a_target_of_ones_own_gets_none_of_the_presets_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planned_model.py").write_text(PLAIN_MODEL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    plan = planned("model._target_=planned_model.build", "+model.width=1,2")
    assert trial(plan, model__width=2)["model"] == {"_target_": "planned_model.build", "width": 2}


PLAIN_MODEL = """
import keras

def build(input_shape, classes, width=1, class_weight=None):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")])
"""

HYPERMODEL = """
import keras

def build(hp):
    units = hp.Int("units", 4, 8)
    if hp.Boolean("deep"):
        units = hp.Choice("more", [2, 3])
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(units), keras.layers.Dense(10)])
"""


def test_a_hypermodel_brings_its_own_dimensions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planned_hypermodel.py").write_text(HYPERMODEL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    plan = planned("model._target_=planned_hypermodel.build", "+model.hp.units=5", "trainer.batch_size=1,2")
    assert set(plan.space.keys) == {"trainer.batch_size", "model.hp.deep", "model.hp.more"}
    assert plan.config.model == {"_target_": "planned_hypermodel.build", "hp": {"units": 5}}
    assert trial(plan, model__hp__deep=True)["model"]["hp"] == {"units": 5, "deep": True}


# Where configurations come from


def test_a_sweep_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {
        "defaults": [{"override /model": "perceptron"}, {"override /space": ["batch_size"]}],
        "trials": 3,
        "hydra": {"sweeper": {"params": {"model.layer_size": "choice(8,16)"}}},
    }
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    plan = planned("+sweeps=mine", "seed=3")
    assert set(plan.space.keys) == {"trainer.batch_size", "model.layer_size"}
    assert (plan.config.name, plan.config.trials, plan.config.seed) == ("mine", 3, 3)
    assert plan.config.model["_target_"] == "mnistsweep.models.perceptron"


def test_a_sweep_in_the_working_directory_goes_before_a_packaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "coarse.yaml").write_text(
        "hydra: {sweeper: {params: {trainer.batch_size: 'choice(1,2)'}}}\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    assert planned("+sweeps=coarse").space.size() == 2


def test_names() -> None:
    assert planned("trainer.epochs=1,2").config.name == "sweep"
    assert planned("trainer.epochs=1,2", "name=2024").paths.folder == Path("logs/2024")
    assert planned("+sweeps=coarse", "name=mine", "logs=elsewhere").paths.folder == Path("elsewhere/mine")


def test_a_sweep_around_a_configuration_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "wide.yaml").write_text(
        "_target_: mnistsweep.models.perceptron\ndense_layers: 1\nlayer_size: 99\ndropout: 0.0\nactivation: relu\n",
        encoding="utf-8",
    )
    (tmp_path / "mine.yaml").write_text(
        "defaults: [config, {override model: wide}, _self_]\ntrainer: {epochs: 2}\n", encoding="utf-8"
    )
    recipe = Recipe((), "mine", folders_for(str(tmp_path), "mine"))
    plan = planned("model.dropout=0,0.1", "optimizer=adam,sgd", recipe=recipe)
    found = trial(plan, optimizer="sgd", model__dropout=0.1)
    assert (found["model"]["layer_size"], found["model"]["dropout"], found["trainer"]["epochs"]) == (99, 0.1, 2)
    assert set(trial(planned("model=wide,fast_conv", recipe=recipe), model="fast_conv")["model"]) > {"conv_layers"}


def test_keys_of_a_preset_may_be_integers_or_booleans(
    tiny_data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weighted_model.py").write_text(PLAIN_MODEL, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    weights = "+model.class_weight={0:1.0,true:2.0}"
    plan = plan_sweep(Recipe(), [*tiny_data, "optimizer=adam,sgd", "model._target_=weighted_model.build", weights])
    assert plan.config.model["class_weight"] == {0: 1.0, True: 2.0}
