"""Users' models and data of every kind: each score is the one that plain Keras gives for the saved model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from user_modules import write_module

from mnistsweep import data, load_sweep
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.objective import resolve_direction
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import MnistSweepError
from mnistsweep.paths import TrialPaths
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.study.records import State
from mnistsweep.training.outcome import Outcome
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.hypermodel_training import train_once

MODULE = '''
import os
import keras
import pandas as pd
import keras_tuner
import numpy as np
from keras import layers, ops
from sklearn import datasets, preprocessing

def split(x, y, share=0.2):
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    cut = int(len(x) * (1 - share))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])

def cancer():
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return split(preprocessing.scale(x).astype("float32"), y)

def ratings():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 5, 600)
    x = np.stack([y + rng.normal(0, 0.2, 600), rng.normal(size=600)], axis=1).astype("float32")
    return split(x, y)

def prices():
    x, y = datasets.load_diabetes(return_X_y=True)
    return split(x.astype("float32"), y / 100)

def tokens():
    """Token 7 makes a text positive."""
    rng = np.random.default_rng(2)
    x = rng.integers(8, 1000, (800, 12))
    y = np.arange(800) % 2
    x[y == 1, rng.integers(0, 12, 400)] = 7
    return split(x, y)

def texts():
    rng = np.random.default_rng(3)
    words = np.array(["dull", "slow", "bad"]), np.array(["fine", "bright", "good"])
    y = np.array(["no", "yes"])[np.arange(400) % 2]
    x = np.array([" ".join(rng.choice(words[i % 2], 4)) for i in range(400)])
    return split(x, y)

def several():
    """Three labels, each of one column."""
    x = np.random.default_rng(4).normal(size=(600, 3)).astype("float32")
    return split(x, (x > 0).astype(int))

def series():
    rng = np.random.default_rng(5)
    y = np.arange(300) % 2
    x = np.sin(np.linspace(0, 6, 32))[None, :, None] * (1 + 2 * y)[:, None, None] + rng.normal(0, 0.1, (300, 32, 3))
    return split(x.astype("float32"), y)

def two_inputs():
    x = np.random.default_rng(6).normal(size=(600, 4)).astype("float32")
    y = (x[:, 0] + x[:, 3] > 0).astype(int)
    return tuple(({"first": a[:, :2], "second": a[:, 2:]}, b) for a, b in split(x, y))

def two_outputs():
    x = np.random.default_rng(7).normal(size=(600, 4)).astype("float32")
    return tuple((a, {"sign": (b[:, 0] > 0).astype(int), "sum": b.sum(axis=1)}) for a, b in split(x, x))

def own_validation():
    (x, y), test = cancer()
    return (x[:300], y[:300]), (x[300:], y[300:]), test

def weighted():
    (x, y), (x_test, y_test) = cancer()
    return (x, y, np.where(y == 1, 1.0, 0.0)), (x_test, y_test)

def vectors():
    x = np.random.default_rng(8).normal(size=(400, 2)) @ np.random.default_rng(9).normal(size=(2, 6))
    return split(x.astype("float32"), np.zeros(400))

def focal(y_true, y_pred):
    y_true = ops.cast(y_true, y_pred.dtype)
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    return ops.mean(-((1 - right) ** 2) * ops.log(right + 1e-7), axis=-1)

def dense(input_shape, outputs=1, activation=None, compiled=None, metric="accuracy", rate=0.03):
    model = keras.Sequential([keras.Input(input_shape), layers.Dense(16, "relu"), layers.Dense(outputs, activation)])
    if compiled:
        loss = focal if compiled == "focal" else compiled
        model.compile(keras.optimizers.Adam(rate), loss, metrics=[metric])
    return model

def embedded(input_shape):
    model = keras.Sequential([
        keras.Input(input_shape), layers.Embedding(1000, 8), layers.GlobalMaxPooling1D(), layers.Dense(1, "sigmoid")
    ])
    model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy", metrics=["accuracy"])
    return model

def vectorized():
    vocabulary = ["dull", "slow", "bad", "fine", "bright", "good"]
    words = layers.TextVectorization(output_mode="multi_hot", vocabulary=vocabulary)
    model = keras.Sequential([keras.Input((), dtype="string"), words, layers.Dense(1, "sigmoid")])
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    return model

def convolved(input_shape, classes):
    assert input_shape == (32, 3), input_shape
    x = layers.Conv1D(8, 3, activation="relu")(inputs := keras.Input(input_shape))
    return keras.Model(inputs, layers.Dense(classes, "softmax")(layers.GlobalMaxPooling1D()(x)))

def merged(input_shape):
    inputs = {name: keras.Input(shape, name=name) for name, shape in input_shape.items()}
    x = layers.Concatenate()(list(inputs.values()))
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(layers.Dense(8, "relu")(x)))
    model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy", metrics=["accuracy"])
    return model

def branched(input_shape):
    inputs = keras.Input(input_shape)
    x = layers.Dense(16, "relu")(inputs)
    outputs = {"sign": layers.Dense(1, "sigmoid", name="sign")(x), "sum": layers.Dense(1, name="sum")(x)}
    model = keras.Model(inputs, outputs)
    losses = {"sign": "binary_crossentropy", "sum": "mse"}
    model.compile(keras.optimizers.Adam(0.03), losses, metrics={"sign": "accuracy", "sum": "mae"})
    return model

def masks():
    """The mask of an image marks its bright pixels."""
    x = np.random.default_rng(10).integers(0, 256, (80, 8, 8, 1), dtype=np.uint8)
    return split(x, (x > 127).astype("uint8"))

def segmenting(input_shape):
    model = keras.Sequential([keras.Input(input_shape), layers.Conv2D(1, 1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.3), "binary_crossentropy", metrics=["accuracy"])
    return model

def table():
    """A pandas table of a number, a whole number and a text."""
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"size": rng.normal(size=400), "rooms": rng.integers(1, 6, 400), "town": ["a", "b"] * 200})
    price = frame["size"] + frame["rooms"] + np.where(frame["town"] == "a", 2.0, 0.0)
    return (frame[:320], price[:320]), (frame[320:], price[320:])

def priced(input_shape):
    kinds = {name: "string" if name == "town" else "float32" for name in input_shape}
    inputs = {name: keras.Input((1,), name=name, dtype=kind) for name, kind in kinds.items()}
    town = layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")(inputs["town"])
    x = layers.Concatenate()([inputs["size"], inputs["rooms"], town])
    model = keras.Model(inputs, layers.Dense(1)(layers.Dense(16, "relu")(x)))
    model.compile(keras.optimizers.Adam(0.03), "mse", metrics=["mae"])
    return model

def shuffled():
    (x, y), test = cancer()
    order = np.random.default_rng(os.getpid()).permutation(len(x))
    return (x[order], y[order]), test

@keras.saving.register_keras_serializable("user")
class Guide(keras.Model):
    """Steps as in Keras's guide: they unpack inputs and targets. On JAX Keras passes the state before the data."""
    def train_step(self, *step):
        *state, (x, y) = step
        return super().train_step(*state, (x, y))
    def test_step(self, *step):
        *state, (x, y) = step
        return super().test_step(*state, (x, y))

def guided(input_shape):
    inputs = keras.Input(input_shape)
    model = Guide(inputs, layers.Dense(1, "sigmoid")(layers.Dense(16, "relu")(inputs)))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model

class Weighted(keras_tuner.HyperModel):
    def build(self, hp):
        hp.Choice("units", [4, 8])
        return dense((30,), 1, "sigmoid", "binary_crossentropy")
    def fit(self, hp, model, x, y, validation_data=None, sample_weight=None, **options):
        assert len(sample_weight) == len(x)
        return model.fit(x, y, sample_weight=sample_weight, validation_data=validation_data, **options)

class Unweighted(keras_tuner.HyperModel):
    def build(self, hp):
        hp.Choice("units", [4, 8])
        return dense((30,), 1, "sigmoid", "binary_crossentropy")
    def fit(self, hp, model, x, y, validation_data=None, epochs=1):
        return model.fit(x, y, validation_data=validation_data, epochs=epochs)

def encoder(input_shape):
    width = input_shape[0]
    return keras.Sequential([keras.Input(input_shape), layers.Dense(2), layers.Dense(width)])
'''

Run = Callable[..., Outcome]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a user's module with data and models."""
    monkeypatch.chdir(tmp_path)
    return write_module(tmp_path, monkeypatch, MODULE)


@pytest.fixture
def overrides(module: str) -> Callable[..., list[str]]:
    """The overrides of a configuration with a user's data and model."""

    def make(source: str, model: str, *more: str) -> list[str]:
        targets = ["data=custom", f"data._target_={module}.{source}", f"model._target_={module}.{model}"]
        chosen = [] if any(text.startswith("objective=") for text in more) else ["objective=val_accuracy"]
        return [*targets, "data.validation=0.2", "trainer.batch_size=32", "trainer.epochs=8", *chosen, *more]

    return make


REGRESSION = ["trainer.loss=mse", "trainer.metrics=[mae]", "objective=val_mae"]

CASES = {
    "own loss, compiled": ("cancer", "dense", ["model.activation=sigmoid", "+model.compiled=focal"], 0.93),
    "own loss by path": ("cancer", "dense", ["model.activation=sigmoid", "trainer.loss={module}.focal"], 0.85),
    "binary": ("cancer", "dense", ["model.activation=sigmoid", "trainer.loss=binary_crossentropy"], 0.9),
    "own steps": ("cancer", "guided", [], 0.9),
    "two outputs of a binary model": ("cancer", "dense", ["+model.outputs=2", "model.activation=softmax"], 0.9),
    "ratings": (
        "ratings",
        "dense",
        ["+model.compiled=mse", "+model.metric=mae", "objective=val_mae"],
        0.4,
    ),
    "ratings, not compiled": ("ratings", "dense", REGRESSION, 1.5),
    "prices": ("prices", "dense", REGRESSION, 1.5),
    "token ids": ("tokens", "embedded", ["trainer.epochs=15"], 0.95),
    "texts": ("texts", "vectorized", [], 0.95),
    "several labels": (
        "several",
        "dense",
        ["+model.outputs=3", "model.activation=sigmoid", "trainer.loss=binary_crossentropy",
         "trainer.metrics=[binary_accuracy]", "objective=val_binary_accuracy", "optimizer.learning_rate=0.03"],
        0.9,
    ),
    "series": ("series", "convolved", ["optimizer.learning_rate=0.03"], 0.95),
    "several inputs": ("two_inputs", "merged", [], 0.9),
    "several outputs": ("two_outputs", "branched", ["objective=val_sign_accuracy", "direction=max"], 0.9),
    "own validation set": ("own_validation", "dense", ["model.activation=sigmoid", "+model.compiled=focal"], 0.9),
    "masks": ("masks", "segmenting", ["trainer.epochs=20"], 0.95),
    "table": ("table", "priced", ["objective=val_mae"], 0.9),
    "autoencoder": (
        "vectors",
        "encoder",
        ["data.target=input", "trainer.loss=mse", "trainer.metrics=[mse]", "objective=val_mse",
         "optimizer.learning_rate=0.03", "trainer.epochs=30"],
        0.3,
    ),
}  # fmt: skip


# One case for each form of targets; the slow run has all.
FAST = ("own loss by path", "ratings", "token ids", "several outputs", "several labels")


@pytest.mark.parametrize(
    "case", [case if case in FAST else pytest.param(case, marks=pytest.mark.slow) for case in CASES]
)
def test_the_score_is_the_one_of_plain_keras(
    case: str, overrides: Callable[..., list[str]], module: str, tmp_path: Path
) -> None:
    source, model, more, reached = CASES[case]
    config = to_config(compose(Recipe(tuple(overrides(source, model, *(one.format(module=module) for one in more))))))
    direction = resolve_direction(config.objective, config.direction)
    folder = TrialPaths(tmp_path / "trial")
    outcome = train_once(config, direction, folder, Hooks())
    assert outcome.state is State.COMPLETED
    score = outcome.result.objective
    assert score is not None
    assert score > reached if direction == "max" else score < reached
    saved = keras.saving.load_model(folder.model, custom_objects={"focal": __import__(module).focal})
    parts = getattr(__import__(module), source)()
    x, y = _validation(parts, config.data["validation"])
    y = x if config.data.get("target") == "input" else y
    if source == "masks":
        x = x / np.float32(255)
    if source == "table":
        x = {name: column.to_numpy(object if name == "town" else None) for name, column in x.items()}
    if source == "texts":
        x, y = x.astype(object), (y == "yes").astype(int)
    measured = saved.evaluate(x, y, verbose=0, return_dict=True)
    assert score == pytest.approx(measured[config.objective.removeprefix("val_")], abs=1e-5)


def _validation(parts: Any, share: float) -> tuple[Any, Any]:
    """The validation split, made by hand: the own one, or the last examples of the training set."""
    if len(parts) == 3:
        return parts[1][0], parts[1][1]
    x, y = parts[0][:2]

    def last(array: Any) -> Any:
        """The last examples."""
        return (
            {key: last(value) for key, value in array.items()}
            if isinstance(array, dict)
            else array[-round(share * len(array)) :]
        )

    return last(x), last(y)


def test_sample_weights_count(overrides: Callable[..., list[str]], tmp_path: Path) -> None:
    own = ["model.activation=sigmoid", "trainer.loss=binary_crossentropy"]
    more = [*own, "optimizer.learning_rate=0.03", "objective=val_loss"]  # the loss is weighted, the accuracy is not
    config = to_config(compose(Recipe(tuple(overrides("weighted", "dense", *more)))))
    outcome = train_once(config, "min", TrialPaths(tmp_path / "trial"), Hooks())
    model = keras.saving.load_model(TrialPaths(tmp_path / "trial").model)
    predicted = model.predict(data.load(config.data).validation.inputs, verbose=0)
    assert (predicted > 0.5).mean() > 0.8  # examples of the other class, 37 %, have weight 0
    assert outcome.state is State.COMPLETED


@pytest.mark.parametrize(
    ("source", "model", "more", "message"),
    [
        ("prices", "dense", [], "sparse_categorical_crossentropy does not fit the targets, real numbers"),
        ("cancer", "dense", ["+model.outputs=3", "trainer.loss=categorical_crossentropy"], "classes .2: 0, 1."),
        pytest.param(
            *("cancer", "dense", ["+model.compiled=focal", "objective=val_auc"]),
            "measures no 'val_auc'.*'val_accuracy'",
            marks=pytest.mark.slow,
        ),
        (
            "cancer",
            "dense",
            ["+model.compiled=focal", "objective=val_acuracy"],
            r"no 'val_acuracy'; did you mean 'val_accuracy'\? Known: 'val_accuracy', .*'val_loss' \(objective=NAME\)$",
        ),
        ("two_outputs", "branched", [], "'val_sign_accuracy'"),
        ("two_outputs", "dense", [], "several outputs must be compiled"),
        ("weighted", "Unweighted", [], "Unweighted.fit takes none; add the parameter sample_weight"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    overrides: Callable[..., list[str]], tmp_path: Path, source: str, model: str, more: list[str], message: str
) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(MnistSweepError, match=message):
        plan_sweep(Recipe(), [*overrides(source, model, *more), "trainer.epochs=1,2"])
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != "__pycache__"] == before


@pytest.mark.slow
def test_a_loader_that_splits_at_random_stops_the_sweep(overrides: Callable[..., list[str]], tmp_path: Path) -> None:
    line = [*overrides("shuffled", "dense", "model.activation=sigmoid", "+model.compiled=focal"), "trainer.epochs=1,2"]
    ended = subprocess.run(
        [sys.executable, "-m", "mnistsweep.cli", "sweep", *line, "name=random"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert "returned other training data than at the start of the sweep" in ended.stderr
    assert load_sweep(tmp_path / "logs" / "random").trials.empty


def test_a_users_own_fit_gets_the_weights_by_name(overrides: Callable[..., list[str]], tmp_path: Path) -> None:
    config = to_config(compose(Recipe(tuple(overrides("weighted", "Weighted", "trainer.epochs=1")))))
    assert train_once(config, "max", TrialPaths(tmp_path / "trial"), Hooks()).state is State.COMPLETED


def test_data_sorted_by_class_give_a_warning(overrides: Callable[..., list[str]], module: str, tmp_path: Path) -> None:
    source = (
        "\ndef ordered():\n    y = np.sort(np.arange(200) % 2)\n"
        "    return (np.ones((200, 2), 'float32'), y), (np.ones((2, 2), 'float32'), y[[0, -1]])\n"
    )
    file = tmp_path / f"{module}.py"
    file.write_text(file.read_text(encoding="utf-8") + source, encoding="utf-8")
    plan = plan_sweep(
        Recipe(),
        [*overrides("ordered", "dense", "model.activation=sigmoid", "+model.compiled=focal"), "trainer.epochs=1,2"],
    )
    (warning,) = plan.warnings
    assert "class 0 has no example in the validation split" in warning
    assert "data.stratify=true" in warning
    assert np.unique(data.load({**plan.config.data, "stratify": True}).validation.targets).tolist() == [0, 1]
