"""Hyperparameters that are found in a user's model functions and hypermodels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnistsweep import data
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.dimensions import Choice, Condition, Dimension, Float, Int
from mnistsweep.errors import ConfigError, SpaceError
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.planning.same_search import differences
from mnistsweep.tuner.discovery import discover

HP = "model.hp."
Discover = Callable[..., dict[str, Dimension]]


@pytest.fixture
def found(module: str, tiny_data: list[str]) -> Discover:
    """What is discovered in a target of the module, by name."""

    def run(target: str, *overrides: str, swept: tuple[Dimension, ...] = ()) -> dict[str, Dimension]:
        config = to_config(compose(Recipe((*tiny_data, f"model._target_={module}.{target}", *overrides))))
        dimensions = discover(config, data.load(config.data), swept)
        return {dimension.key.removeprefix(HP): dimension for dimension in dimensions}

    return run


def test_all_hyperparameters_of_a_loop_of_layers_are_discovered(found: Discover) -> None:
    units = (4, 8, 12, 16)
    assert found("layered") == {
        "num_layers": Int(HP + "num_layers", 1, 3),
        "units_0": Choice(HP + "units_0", units),
        "activation": Choice(HP + "activation", ("relu", "tanh")),
        "dropout": Choice(HP + "dropout", (False, True)),
        "lr": Float(HP + "lr", 1e-4, 1e-2, log=True),
        "units_1": Choice(HP + "units_1", units),
        "units_2": Choice(HP + "units_2", units),
        "rate": Choice(HP + "rate", (0.1, 0.2, 0.3)),
    }


def test_conditional_scopes_become_conditions(found: Discover) -> None:
    mlp = Condition(HP + "model type", ("mlp", "wide"))
    normed = Condition(HP + "mlp/norm", (True,))
    assert found("scoped") == {
        "model type": Choice(HP + "model type", ("mlp", "wide", "linear")),
        "mlp/units": Int(HP + "mlp/units", 2, 64, True, (mlp,)),
        "mlp/norm": Choice(HP + "mlp/norm", (False, True), (mlp,)),
        "mlp/momentum": Float(HP + "mlp/momentum", 0.5, 0.99, False, (mlp, normed)),
        "always": Choice(HP + "always", (1, 2)),
    }


def test_a_step_becomes_a_choice_of_the_values_that_it_reaches(found: Discover) -> None:
    dimensions = found("steps")
    values = {name: each.values for name, each in dimensions.items() if isinstance(each, Choice)}
    assert values["int"] == (2, 5, 8)
    assert values["int log"] == (2, 4, 8, 16, 32)
    assert values["float"] == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    assert values["float log"] == (0.001, 0.01, 0.1, 1.0, 10.0)
    assert values["float reverse"] == (1.0, 3.0, 4.0)
    assert dimensions["reverse"] == Float(HP + "reverse", 1.0, 4.0)
    assert values["text"] == ("b", "a")
    assert values["numbers"] == (1, 2, 3)


def test_fixed_hyperparameters_are_not_dimensions_and_decide_conditions(found: Discover) -> None:
    assert set(found("scoped", "+model.hp={model type: linear}")) == {"always"}
    wide = found("scoped", "+model.hp={model type: wide, mlp/norm: true}")
    assert wide["mlp/momentum"].conditions == ()
    assert set(wide) == {"mlp/units", "mlp/momentum", "always"}
    assert {"units_1", "units_2"} <= set(found("layered", "+model.hp={num_layers: 3}"))


def test_a_range_of_the_user_replaces_the_declared_one(found: Discover) -> None:
    dimensions = found("layered", swept=(Choice(HP + "num_layers", (4, 5)), Float("model.dropout", 0, 1)))
    assert "num_layers" not in dimensions
    assert {f"units_{i}" for i in range(5)} <= set(dimensions)


def test_hyperparameters_of_a_fit_are_discovered(found: Discover) -> None:
    assert found("Fitted") == {
        "units": Choice(HP + "units", (4, 8, 12)),
        "normalize": Choice(HP + "normalize", (False, True)),
        "shuffle": Choice(HP + "shuffle", (False, True)),
        "epochs": Int(HP + "epochs", 1, 3),
        "size": Choice(HP + "size", (16, 32)),
    }
    assert set(found("Catches")) == {"units", "shuffle"}, (
        "what stops the rehearsal is no exception that a user's code would catch"
    )
    assert set(found("Loop")) == {"units", "batch_size", "learning_rate"}
    assert set(found("Built")) == {"units"}


@pytest.mark.parametrize("name", ["num_layer", pytest.param("units_9", marks=pytest.mark.slow)])
def test_a_hyperparameter_that_is_not_declared_is_named(found: Discover, name: str) -> None:
    message = rf"model.hp.{name}: the model declares no such hyperparameter; did you mean '(num_layers|units_2)'"
    with pytest.raises(SpaceError, match=message):
        found("layered", f"+model.hp={{{name}: 3}}")
    with pytest.raises(SpaceError, match=message):
        found("layered", swept=(Choice(HP + name, (1, 2)),))


def test_a_model_that_cannot_be_built_is_an_error_of_the_configuration(found: Discover) -> None:
    with pytest.raises(ConfigError, match=r"model._target_: building the model .* failed: RuntimeError: no weights at"):
        found("broken")
    with pytest.raises(ConfigError, match=r"model.witdh: .* takes no such key"):
        found("layered", "+model.witdh=3")
    with pytest.raises(SpaceError, match=r"model.hp.units: declared twice, under different conditions"):
        found("declares_twice")


def test_planning_a_sweep_twice_gives_the_same_plan(
    tiny_data: list[str], module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    overrides = [*tiny_data, f"model._target_={module}.scoped", "model.hp.always=2,3", "name=twice"]
    plan = plan_sweep(Recipe(), overrides)
    assert plan.space[HP + "always"] == Choice(HP + "always", (2, 3))
    assert differences(plan, plan_sweep(Recipe(), overrides)) == []
    assert plan.paths == SweepPaths(Path("logs/twice"))


LEAVING_MODULE = """
import asyncio, sys
import keras, keras_tuner
from keras import layers

def net(hp):
    hp.Int("units", 1, 4)
    sys.exit(0)

def cancelled(hp):
    raise asyncio.CancelledError

def later(hp, input_shape, classes):
    if hp.Choice("units", [4, 8]) == 8:
        sys.exit("too wide")
    hp.Choice("more", [1, 2])
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(classes)])

class Fits(keras_tuner.HyperModel):
    def build(self, hp, input_shape, classes):
        return later(hp, input_shape, classes)
    def fit(self, hp, model, *args, **kwargs):
        hp.Boolean("shuffle")
        raise SystemExit

class Meta(type):
    @property
    def build(cls):
        raise SystemExit("no build")

class Odd(metaclass=Meta):
    pass

def __getattr__(name):
    raise SystemExit("no " + name)
"""


@pytest.mark.parametrize(
    ("target", "rule", "reason", "line"),
    [
        ("net", "building the model to find its hyperparameters failed", "SystemExit: 0", 8),
        ("cancelled", "building the model to find its hyperparameters failed", "CancelledError", 11),
        ("Odd", r"'\w+\.Odd' cannot be inspected", "SystemExit: no build", 29),
        ("absent", r"'\w+\.absent' cannot be read", "SystemExit: no absent", 35),
    ],
)
def test_a_model_that_ends_the_program_is_an_error_with_its_place(
    target: str, rule: str, reason: str, line: int, found: Discover, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / f"leaves_{target.lower()}.py"
    file.write_text(LEAVING_MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    overrides = [
        "data=npz",
        "data.path=tiny.npz",
        "data.validation=8",
        f"model._target_={file.stem}.{target}",
        "name=x",
    ]
    labels = np.arange(40) % 4
    np.savez("tiny.npz", x_train=np.zeros((40, 6, 6)), y_train=labels, x_test=np.zeros((8, 6, 6)), y_test=labels[:8])
    with pytest.raises(ConfigError, match=rf"^model\._target_: {rule}: {reason} \({file}, line {line}\)$"):
        plan_sweep(Recipe(), overrides)
    assert not (tmp_path / "logs").exists()


def test_a_build_or_fit_that_ends_the_program_later_is_left_to_its_trial(
    tiny_data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leaves_late.py").write_text(LEAVING_MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    overrides = [*tiny_data, "model._target_=leaves_late.Fits", "name=late"]
    with pytest.raises(ConfigError, match=r"^objective: Fits.fit was called .* failed: SystemExit .*; set objective="):
        plan_sweep(Recipe(), overrides)
    plan = plan_sweep(Recipe(), [*overrides, "objective=val_accuracy"])
    assert plan.space.keys == (HP + "units", HP + "more", HP + "shuffle")


@pytest.fixture
def declared(tiny_data: list[str]) -> Callable[..., dict[str, Dimension]]:
    """Dimensions of a sweep of a hypermodel of `user_fits`."""

    def run(target: str, *overrides: str) -> dict[str, Dimension]:
        plan = plan_sweep(Recipe(), [*tiny_data, f"model._target_=user_fits.{target}", "name=declared", *overrides])
        return {dimension.key: dimension for dimension in plan.space.dimensions}

    return run


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "dependent",
            r"b: its range .* received int\(interval\(8, 14\)\) with a=14, and int\(interval\(16, 28\)\) with a=28;",
        ),
        (
            "jointly_dependent",
            r"c: its range .* received choice\(1, 2\) with .*, and choice\(1, 2, 3\) with a=True, b=True; list all",
        ),
    ],
)
def test_a_range_that_depends_on_another_value_is_refused(declared: Discover, target: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^model\.hp\.{message}"):
        declared(target)


def test_a_range_of_the_user_may_replace_one_that_depends_on_another_value(declared: Discover) -> None:
    assert declared("dependent", "model.hp.b=8,9")[HP + "b"] == Choice(HP + "b", (8, 9))
    assert set(declared("dependent", "model.hp.b=9")) == {HP + "a"}


@pytest.mark.parametrize("target", ["none_in_choice", "mixed_later"])
def test_a_choice_that_kerastuner_does_not_allow_is_refused_with_the_way_to_write_it(
    declared: Discover, target: str
) -> None:
    with pytest.raises(ConfigError, match=r"A `Choice` can contain only .* write texts, hp.Choice\(.*\"none\""):
        declared(target)


@pytest.mark.parametrize("target", ["named_hparams", "callable_object", "partial"])
def test_the_first_parameter_without_a_value_gets_the_hyperparameters(declared: Discover, target: str) -> None:
    assert declared(target) == {HP + "units": Int(HP + "units", 2, 4)}


def test_a_parameter_with_a_value_is_no_hyperparameter(declared: Discover) -> None:
    assert declared("needs_width", "+model.width=2,3") == {"model.width": Choice("model.width", (2, 3))}
    with pytest.raises(ConfigError, match=r"\(width, the first parameter, has no value, .*; model.width=VALUE gives"):
        declared("needs_width")


def test_one_hyperparameter_is_fixed_as_it_is_swept(declared: Discover) -> None:
    assert set(declared("CustomLoop", "objective=my_metric", "direction=min", "model.hp.learning_rate=1e-3")) == {
        HP + "units",
        HP + "batch_size",
    }
    with pytest.raises(ConfigError, match=r"model.hp.learning: .*did you mean 'learning_rate'"):
        declared("CustomLoop", "objective=my_metric", "direction=min", "model.hp.learning=1e-3")
