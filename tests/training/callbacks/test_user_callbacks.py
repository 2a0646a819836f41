"""Callbacks that the configuration names: factories, instances, functions as arguments, metrics that they add."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score
from user_modules import write_module

from mnistsweep import data
from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.schema import Config
from mnistsweep.errors import ConfigError, TrialFailed
from mnistsweep.paths import TrialPaths
from mnistsweep.planning.checks import check_configuration
from mnistsweep.training.callbacks.user_callbacks import build_user_callbacks, may_add_metrics
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.hypermodel_training import train_once

OBJECTIVE = "objective=val_accuracy"

MODULE = """
import keras
import numpy as np
from keras import layers
from sklearn.metrics import f1_score

CALLS = []
printing = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: CALLS.append(epoch))
number = 3

class Counting(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.count = 0
    def on_epoch_begin(self, epoch, logs=None):
        self.count += 1
counting = Counting()
unusual = Counting()
unusual.generator = (number for number in [])  # cannot be copied

class Score(keras.callbacks.Callback):
    '''Adds the macro F1 score of images of its own, then spoils the weights.'''
    def __init__(self, path, factor=1.0, value=None):
        super().__init__()
        with np.load(path) as file:
            self.images, self.labels = file["x_train"][-60:, ..., None] / np.float32(255), file["y_train"][-60:]
        self.factor, self.value = factor, value and float(value)
    def on_epoch_end(self, epoch, logs=None):
        predicted = self.model.predict(self.images, verbose=0).argmax(axis=1)
        logs["val_f1"] = self.value or self.factor ** epoch * f1_score(self.labels, predicted, average="macro")
        self.model.set_weights([0 * weight for weight in self.model.get_weights()])
        self.model.optimizer.learning_rate = 0.5

def one(monitor="val_loss"):
    return keras.callbacks.ReduceLROnPlateau(monitor, patience=1)

def two():
    return [one(), keras.callbacks.TerminateOnNaN()]

def halved(epoch, rate, factor=0.5):
    return rate * factor if epoch else rate
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return write_module(tmp_path, monkeypatch, MODULE)


def make_config(tiny_data: list[str], *callbacks: str, more: tuple[str, ...] = ()) -> Config:
    fixed = ("model=perceptron", "optimizer.learning_rate=0.01", "trainer.batch_size=16", "trainer.epochs=3", OBJECTIVE)
    return to_config(compose(Recipe((*tiny_data, *fixed, f"trainer.callbacks=[{','.join(callbacks)}]", *more))))


def faults_of(config: Config) -> list[str]:
    """What is wrong with a configuration before anything is trained."""
    faults = Faults()
    check_configuration(dataclasses.asdict(config), faults)
    return faults.config


def test_callbacks_are_checked_without_an_import(tiny_data: list[str], module: str) -> None:
    entries = ("keras.callbacks.EarlyStoping", f"{module}.Scor", f"{module}.one, monitr: loss", f"{module}.printing")
    found = faults_of(make_config(tiny_data, *(f"{{_target_: {entry}}}" for entry in entries)))
    assert [fault.partition(";")[0] for fault in found] == [
        "trainer.callbacks[0]._target_: Keras has no callback 'EarlyStoping'",
        f"trainer.callbacks[1]._target_: {Path(sys.path[0]) / module}.py has no 'Scor'",
        f"trainer.callbacks[2].monitr: {module}.one takes no such key",
    ]
    assert "did you mean 'EarlyStopping'?" in found[0]


def curve(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "history.csv")


def test_functions_return_a_callback_or_several(tiny_data: list[str], module: str) -> None:
    config = make_config(tiny_data, f"{{_target_: {module}.one, monitor: loss}}", f"{{_target_: {module}.two}}")
    found = build_user_callbacks(config)
    assert [type(one).__name__ for one in found] == ["ReduceLROnPlateau", "ReduceLROnPlateau", "TerminateOnNaN"]
    assert found[0].monitor == "loss"


def test_a_function_is_an_argument(tiny_data: list[str], module: str, tmp_path: Path) -> None:
    schedule = f"{{_target_: {module}.halved, _partial_: true, factor: 0.1}}"
    scheduler = f"{{_target_: keras.callbacks.LearningRateScheduler, schedule: {schedule}}}"
    train_once(make_config(tiny_data, scheduler), "max", TrialPaths(tmp_path / "trial"), Hooks())
    assert curve(tmp_path / "trial").learning_rate.tolist() == pytest.approx([0.01, 0.001, 0.0001])


def test_a_callback_of_a_module_is_copied_for_each_training(tiny_data: list[str], module: str, tmp_path: Path) -> None:
    config = make_config(tiny_data, f"{{_target_: {module}.printing}}", f"{{_target_: {module}.counting}}")
    for _ in range(2):
        train_once(config, "max", TrialPaths(tmp_path / "trial"), Hooks())
    users = __import__(module)
    assert users.CALLS == [0, 1, 2, 0, 1, 2]
    assert users.counting.count == 0


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("number", r"trainer.callbacks\[0\]._target_: must be callable; .*number is int"),
        ("halved, epoch: 1, rate: 2", r"trainer.callbacks\[0\]: must be a class of Keras callbacks, .* gave float"),
        ("counting, size: 1", r"trainer.callbacks\[0\].size: .*counting takes no such key"),
        ("unusual", r"trainer.callbacks\[0\]: each training needs a callback of its own, .*unusual cannot be copied"),
    ],
)
def test_what_is_no_callback_is_named(tiny_data: list[str], module: str, target: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_user_callbacks(make_config(tiny_data, f"{{_target_: {module}.{target}}}"))


def test_an_added_metric_is_the_objective(tiny_data: list[str], module: str, tiny_file: Path, tmp_path: Path) -> None:
    """The saved model is the evaluated one, although the callback changes it when an epoch ends."""
    more = ("objective=val_f1", "direction=max", "trainer.patience=1")
    config = make_config(tiny_data, f"{{_target_: {module}.Score, path: {tiny_file}, factor: 0.1}}", more=more)
    assert "objective" not in "".join(faults_of(config))
    reports = dict[int, float]()
    paths, hooks = TrialPaths(tmp_path / "trial"), Hooks(lambda epoch, value: bool(reports.update({epoch: value})))
    result = train_once(config, "max", paths, hooks).result
    found = curve(paths.folder)
    assert result.objective == found.val_f1.max() == max(reports.values())
    assert list(reports.values()) == found.val_f1.tolist()
    assert (result.best_epoch, result.epochs) == (1, 2), "patience follows the added metric"
    assert found.learning_rate.tolist() == pytest.approx([0.01, 0.5]), "the rate of the epoch, not of the next one"
    dataset = data.load(config.data)
    predicted = keras.saving.load_model(paths.model).predict(dataset.validation.inputs, verbose=0).argmax(axis=1)
    labels = dataset.labels(dataset.validation)
    assert f1_score(labels, predicted, average="macro") == pytest.approx(result.objective)
    assert np.mean(predicted == labels) == pytest.approx(found.val_accuracy[0])


def test_an_added_metric_that_is_not_finite_fails_the_trial(
    tiny_data: list[str], module: str, tiny_file: Path, tmp_path: Path
) -> None:
    config = make_config(
        tiny_data,
        f"{{_target_: {module}.Score, path: {tiny_file}, value: inf}}",
        more=("objective=val_f1", "direction=max"),
    )
    with pytest.raises(TrialFailed, match="val_f1 became inf in epoch 1"):
        train_once(config, "max", TrialPaths(tmp_path / "trial"), Hooks())
    assert not (tmp_path / "trial" / "history.csv").exists()


@pytest.mark.parametrize(
    ("target", "may"),
    [
        ("keras.callbacks.ReduceLROnPlateau", False),
        ("keras.callbacks.LambdaCallback", True),
        ("{module}.Score", True),
        ("{module}.Counting", False),
        ("{module}.one", True),
        ("{module}.printing", True),
    ],
)
def test_which_callbacks_may_add_metrics(tiny_data: list[str], module: str, target: str, may: bool) -> None:
    config = make_config(tiny_data, f"{{_target_: {target.format(module=module)}}}")
    assert may_add_metrics(config) is may
