"""Models of the user's own: plain functions, functions of `hp` and HyperModels, as in KerasTuner's documentation."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import RunSweep

from mnistsweep import data
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.resources import default_folders
from mnistsweep.dimensions import Choice, Condition, Dimension, Float, Int
from mnistsweep.errors import ConfigError, SpaceError
from mnistsweep.paths import SweepPaths, TrialPaths
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.study.sweep import Sweep
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.discovery import discover
from mnistsweep.tuner.hypermodel_training import train_once

USER_MODULE = '''
import keras
import keras_tuner
import tensorflow as tf
from keras import layers

ACCURACY = dict(loss="sparse_categorical_crossentropy", metrics=["accuracy"])

def plain(input_shape, classes, width=3, activation=None):
    hidden = layers.Dense(width, activation)
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), hidden, layers.Dense(classes, "softmax")])

def layered(hp):
    """The first example of KerasTuner's guide: layers in a loop, compiled with a rate of its own."""
    model = keras.Sequential()
    model.add(layers.Flatten())
    for i in range(hp.Int("num_layers", 1, 3)):
        units = hp.Int(f"units_{i}", min_value=4, max_value=16, step=4)
        model.add(layers.Dense(units, activation=hp.Choice("activation", ["relu", "tanh"])))
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(rate=hp.Float("rate", 0.1, 0.3, step=0.1)))
    model.add(layers.Dense(4, activation="softmax"))
    rate = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
    model.compile(keras.optimizers.Adam(rate), **ACCURACY)
    return model

def scoped(hp, input_shape, classes):
    """Conditional scopes, one in the other."""
    kind = hp.Choice("model type", ["mlp", "wide", "linear"])
    inputs = x = keras.Input(input_shape)
    x = layers.Flatten()(x)
    with hp.conditional_scope("model type", ["mlp", "wide"]):
        if kind in ("mlp", "wide"):
            x = layers.Dense(hp.Int("mlp/units", 2, 64, sampling="log"))(x)
            norm = hp.Boolean("mlp/norm", default=True)
            with hp.conditional_scope("mlp/norm", [True]):
                if norm:
                    x = layers.BatchNormalization(momentum=hp.Float("mlp/momentum", 0.5, 0.99))(x)
    hp.Fixed("version", 3)
    with hp.conditional_scope("version", [3]):
        hp.Choice("always", [1, 2])
    with hp.conditional_scope("version", [4]):
        hp.Choice("never", [1, 2])
    hp.Int("only one", 5, 5)
    return keras.Model(inputs, layers.Dense(classes, "softmax")(x))

def steps(hp):
    hp.Int("int", 2, 9, step=3)
    hp.Int("int log", 2, 32, step=2, sampling="log")
    hp.Float("float", 0, 0.5, step=0.1)
    hp.Float("float log", 1e-3, 10, step=10, sampling="log")
    hp.Float("float reverse", 1, 4, step=2, sampling="reverse_log")
    hp.Float("reverse", 1, 4, sampling="reverse_log")
    hp.Choice("text", ["b", "a"], default="a")
    hp.Choice("numbers", [3, 1, 2])
    return layered(hp)

class Built(keras_tuner.HyperModel):
    def __init__(self, classes, activation="relu"):
        super().__init__()
        self.classes, self.activation = classes, activation
    def build(self, hp, input_shape):
        return plain(input_shape, self.classes, hp.Int("units", 4, 12, step=4), self.activation)

class Fitted(keras_tuner.HyperModel):
    """As in the guide: `fit` declares hyperparameters of its own. The object that builds is the one that fits."""
    def build(self, hp):
        self.units = hp.Int("units", 4, 12, step=4)
        model = keras.Sequential([layers.Flatten(), layers.Dense(self.units, "relu"), layers.Dense(4, "softmax")])
        model.compile(keras.optimizers.Adam(0.01), **ACCURACY)
        return model
    def fit(self, hp, model, x, y, **kwargs):
        assert self.units == hp.get("units")
        if hp.Boolean("normalize"):
            x = x - x.mean()
            kwargs["batch_size"] = hp.Choice("size", [16, 32])
        return model.fit(x, y, shuffle=hp.Boolean("shuffle"), epochs=hp.Int("epochs", 1, 3), **kwargs)

class Loop(keras_tuner.HyperModel):
    """A loop of its own, as in the guide to custom training: it calls the callbacks and returns a number."""
    def build(self, hp):
        hidden = layers.Dense(hp.Int("units", 4, 8), "relu")
        return keras.Sequential([keras.Input((6, 6, 1)), layers.Flatten(), hidden, layers.Dense(4)])
    def fit(self, hp, model, x, y, validation_data, callbacks=None, **kwargs):
        batch_size = hp.Int("batch_size", 20, 60, step=20)
        batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size)
        optimizer = keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-1, sampling="log", default=1e-2))
        loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        mean = keras.metrics.Mean()
        for callback in callbacks:
            callback.set_model(model)
        best = float("inf")
        for epoch in range(2):
            for images, labels in batches:
                with tf.GradientTape() as tape:
                    loss = loss_fn(labels, model(images))
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
                mean.update_state(loss)
            epoch_loss = float(mean.result())
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"my_metric": epoch_loss})
            mean.reset_state()
            best = min(best, epoch_loss)
        return best

class Returns(keras_tuner.HyperModel):
    """Calls no callback; what `fit` returns is all there is."""
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
    def build(self, hp):
        return layered(hp)
    def fit(self, hp, model, x, y, validation_data, epochs):
        history = model.fit(x, y, validation_data=validation_data, epochs=epochs, verbose=0)
        last = {name: values[-1] for name, values in history.history.items()}
        return {"number": last["val_accuracy"], "dictionary": last, "history": history, "nothing": None}[self.kind]

class Catches(Fitted):
    def fit(self, hp, model, *args, **kwargs):
        try:
            return model.fit(*args, shuffle=hp.Boolean("shuffle"), **kwargs)
        except Exception:
            hp.Int("after", 1, 2)
            raise

def broken(hp):
    hp.Int("units", 1, 4)
    raise RuntimeError("no weights\\nat hand")

def breaks_later(hp, input_shape, classes):
    if hp.Choice("units", [4, 8]) == 8:
        raise RuntimeError("too wide")
    return plain(input_shape, classes)

def declares_twice(hp, input_shape, classes):
    kind = hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        hp.Int("units", 1, 4)
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("units", 8, 9)
    return plain(input_shape, classes)
'''

HP = "model.hp."
Discover = Callable[..., dict[str, Dimension]]


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A module of the user's own, in a folder that is the working directory of each test."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "tuned_by_user.py").write_text(USER_MODULE, encoding="utf-8")
    sys.path.append(str(folder))
    yield "tuned_by_user"
    sys.path.remove(str(folder))


@pytest.fixture
def found(module: str, tiny_data: list[str]) -> Discover:
    """What is discovered in a target of the module, by name."""

    def run(target: str, *overrides: str, swept: tuple[Dimension, ...] = ()) -> dict[str, Dimension]:
        config = to_config(compose(Recipe((*tiny_data, f"model._target_={module}.{target}", *overrides))))
        dimensions = discover(config, data.load(config.data), swept)
        return {dimension.key.removeprefix(HP): dimension for dimension in dimensions}

    return run


def again(sweep: Sweep, folder: Path, direction: str = "max") -> float | None:
    """Train a sweep's best configuration along the path of `mnistsweep train`."""
    folder.mkdir(parents=True)
    shutil.copy(sweep.paths.best, folder / "best.yaml")
    composed = compose(Recipe((), "best", (f"file://{folder}", *default_folders())))
    return train_once(to_config(composed), direction, TrialPaths(folder / "trial"), Hooks()).result.objective


def test_a_loop_of_layers_is_discovered_whole(found: Discover) -> None:
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


def test_a_step_makes_a_choice_of_what_it_reaches(found: Discover) -> None:
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


def test_fixed_hyperparameters_leave_the_space_and_settle_conditions(found: Discover) -> None:
    assert set(found("scoped", "+model.hp={model type: linear}")) == {"always"}
    wide = found("scoped", "+model.hp={model type: wide, mlp/norm: true}")
    assert wide["mlp/momentum"].conditions == ()
    assert set(wide) == {"mlp/units", "mlp/momentum", "always"}
    assert {"units_1", "units_2"} <= set(found("layered", "+model.hp={num_layers: 3}"))


def test_a_range_of_the_users_takes_the_place_of_the_declared_one(found: Discover) -> None:
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


@pytest.mark.parametrize("name", ["num_layer", "units_9"])
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


def test_a_plain_function_is_swept(run_sweep: RunSweep, module: str, tmp_path: Path) -> None:
    sweep = run_sweep([f"model._target_={module}.plain", "+model.width=2,5", "oracle=grid", "name=plain"])
    assert list(sweep.trials["model.width"]) == [2, 5]
    assert set(sweep.trials["state"]) == {"completed"}
    assert again(sweep, tmp_path / "again") == sweep.trials["objective"].max()


@pytest.mark.parametrize("target", ["layered", "scoped", "Built", "Fitted"])
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


def test_a_training_loop_of_the_users_own_is_swept(run_sweep: RunSweep, module: str, tmp_path: Path) -> None:
    overrides = [f"model._target_={module}.Loop", "objective=my_metric", "direction=min", "trials=2", "name=loop"]
    sweep = run_sweep(overrides)
    assert list(sweep.trials["state"]) == ["completed"] * 2, list(sweep.trials["reason"])
    smallest = sweep.curves.groupby("trial")["my_metric"].min()
    assert list(sweep.trials["objective"]) == list(smallest)
    assert again(sweep, tmp_path / "again", "min") == sweep.trials["objective"].min()


@pytest.mark.parametrize(("kind", "epoch"), [("number", 1), ("dictionary", 1), ("history", 2)])
def test_what_a_fit_returns_is_the_score_where_it_calls_no_callback(
    tiny_data: list[str], module: str, tmp_path: Path, kind: str, epoch: int
) -> None:
    recipe = Recipe((*tiny_data, f"model._target_={module}.Returns", f"+model.kind={kind}", "trainer.epochs=2"))
    result = train_once(to_config(compose(recipe)), "max", TrialPaths(tmp_path), Hooks()).result
    assert result.objective is not None
    assert result.objective > 0
    assert result.best_epoch == epoch


def test_a_fit_that_says_nothing_fails_the_trial_and_so_does_one_that_raises(run_sweep: RunSweep, module: str) -> None:
    nothing = run_sweep([f"model._target_={module}.Returns", "+model.kind=nothing", "trials=1", "name=nothing"])
    assert list(nothing.trials["reason"]) == ["no epoch was finished"]
    later = run_sweep([f"model._target_={module}.breaks_later", "oracle=grid", "name=later"])
    assert list(later.trials["state"]) == ["completed", "failed"]
    assert later.trials["reason"][1] == "RuntimeError: too wide"


def test_a_name_of_the_users_may_be_that_of_a_config_group(run_sweep: RunSweep, module: str, tmp_path: Path) -> None:
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


def test_a_sweep_is_planned_the_same_a_second_time(
    tiny_data: list[str], module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    overrides = [*tiny_data, f"model._target_={module}.scoped", "model.hp.always=2,3", "name=twice"]
    plan = plan_sweep(Recipe(), overrides)
    assert plan.space[HP + "always"] == Choice(HP + "always", (2, 3))
    assert plan.differences(plan_sweep(Recipe(), overrides)) == []
    assert plan.paths == SweepPaths(Path("logs/twice"))
