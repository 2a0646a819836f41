"""Trainings of one configuration: their scores and their files."""

from __future__ import annotations

import gc
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from user_modules import write_module

from mnistsweep import data
from mnistsweep.checksums import file_checksum
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import ConfigError, TrialFailed
from mnistsweep.paths import TrialPaths
from mnistsweep.study.records import CheckpointRecord, Result, State
from mnistsweep.training.callbacks.stopping import Interrupted
from mnistsweep.training.outcome import Outcome
from mnistsweep.training.trainer import Hooks
from mnistsweep.training.trial_folder import clear_trial_folder
from mnistsweep.tuner.hypermodel_training import train_once

Train = Callable[..., Outcome]

USER_MODULE = """
import keras
from keras import layers

class Spoiler(keras.callbacks.Callback):
    '''Sets the weights to zero before an epoch, counted from 1.'''
    def __init__(self, epoch):
        super().__init__()
        self.spoilt = epoch
    def on_epoch_begin(self, epoch, logs=None):
        if epoch + 1 == self.spoilt:
            self.model.set_weights([0 * weight for weight in self.model.get_weights()])

def net(input_shape, classes):
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(classes, "softmax")])

def compiled(input_shape, classes, loss):
    model = net(input_shape, classes)
    model.compile(keras.optimizers.Adam(0.02), getattr(keras.losses, loss)(), metrics=["accuracy"])
    return model

def unmeasured(input_shape, classes):
    model = net(input_shape, classes)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
"""


@pytest.fixture
def paths(tmp_path: Path) -> TrialPaths:
    return TrialPaths(tmp_path / "trial")


@pytest.fixture
def train(tiny_data: list[str], paths: TrialPaths) -> Train:
    """Train the configuration that the overrides describe."""

    def run(*overrides: str, hooks: Hooks = Hooks(), direction: str = "max") -> Outcome:  # noqa: B008
        recipe = Recipe(
            (
                *(*tiny_data, "model=perceptron", "objective=val_accuracy", "optimizer.learning_rate=0.01"),
                *("trainer.batch_size=16", *overrides),
            )
        )
        return train_once(to_config(compose(recipe)), direction, paths, hooks)

    gc.freeze()  # as a worker does: Keras collects garbage before each training
    return run


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user module in the working directory, with another name for each test because imports are cached."""
    monkeypatch.chdir(tmp_path)
    return write_module(tmp_path, monkeypatch, USER_MODULE)


def curve(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "history.csv", dtype=str).astype(float).drop(columns="seconds")


def validation_accuracy(file: Path, tiny_data: list[str]) -> float:
    dataset = data.load(to_config(compose(Recipe(tuple(tiny_data)))).data)
    model = keras.models.load_model(file)
    images, labels = dataset.validation.inputs, dataset.labels(dataset.validation)
    return float(model.evaluate(images, labels, verbose=0, return_dict=True)["accuracy"])


def test_score_and_model_are_those_of_the_best_epoch(
    train: Train, module: str, paths: TrialPaths, tiny_data: list[str]
) -> None:
    outcome = train("trainer.epochs=5", f"trainer.callbacks=[{{_target_: {module}.Spoiler, epoch: 5}}]")
    accuracy = curve(paths.folder)["val_accuracy"]
    result = outcome.result
    assert outcome.state is State.COMPLETED
    assert result.objective == accuracy.max() > accuracy.iloc[-1]
    assert result.best_epoch == accuracy.idxmax() + 1 < 5
    assert (result.epochs, result.std, result.reason) == (5, None, "")
    assert validation_accuracy(paths.model, tiny_data) == result.objective
    assert result.checkpoint == CheckpointRecord(file_checksum(paths.model), result.objective)


def test_the_smallest_value_is_the_best_if_the_direction_is_min(train: Train, module: str, paths: TrialPaths) -> None:
    spoil = f"trainer.callbacks=[{{_target_: {module}.Spoiler, epoch: 3}}]"
    result = train("objective=val_loss", "trainer.epochs=3", spoil, direction="min").result
    loss = curve(paths.folder)["val_loss"]
    assert result.objective == loss.min() < loss.iloc[-1]
    assert result.best_epoch == loss.idxmin() + 1


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(train: Train, paths: TrialPaths) -> None:
    curves = []
    for seed in (5, 5, 6):
        train("trainer.epochs=2", "model.dropout=0.3", f"seed={seed}")
        curves.append(curve(paths.folder))
    pd.testing.assert_frame_equal(curves[0], curves[1], check_exact=True)
    assert (curves[0]["loss"] != curves[2]["loss"]).all()


def test_repeats_are_averaged_and_the_best_model_is_saved(
    train: Train, paths: TrialPaths, tiny_data: list[str]
) -> None:
    reports: list[int] = []
    hooks = Hooks(report_objective=lambda epoch, value: bool(reports.append(epoch)))
    result = train("trainer.epochs=2", "trainer.repeats=3", hooks=hooks).result
    curves = [curve(paths.folder), curve(paths.folder / "repeat-1"), curve(paths.folder / "repeat-2")]
    scores = [one["val_accuracy"].max() for one in curves]
    assert len({one["loss"].iloc[0] for one in curves}) == 3, "each repeat has a seed of its own"
    assert result.objective == statistics.fmean(scores)
    assert result.std == statistics.stdev(scores) > 0
    assert result.best_epoch == curves[int(np.argmax(scores))]["val_accuracy"].idxmax() + 1
    assert result.epochs == 6
    assert reports == [1, 2], "only the first repeat is reported"
    assert validation_accuracy(paths.model, tiny_data) == max(scores)
    assert result.checkpoint == CheckpointRecord(file_checksum(paths.model), max(scores))


def test_the_first_repeat_equals_a_training_without_repeats(train: Train, paths: TrialPaths) -> None:
    train("trainer.repeats=2", "trainer.epochs=1")
    first = curve(paths.folder)
    train("trainer.epochs=1")
    pd.testing.assert_frame_equal(first, curve(paths.folder), check_exact=True)
    assert not (paths.folder / "repeat-1").exists(), "files of an earlier training are removed"


def test_patience_stops_a_training_that_does_not_improve(train: Train, paths: TrialPaths) -> None:
    outcome = train("trainer.epochs=9", "trainer.patience=2", "optimizer.learning_rate=1e-12")
    assert outcome.state is State.COMPLETED
    assert (outcome.result.epochs, outcome.result.best_epoch) == (3, 1)


def test_callbacks_of_the_configuration_are_called(train: Train, paths: TrialPaths) -> None:
    plateau = "{_target_: keras.callbacks.ReduceLROnPlateau, monitor: val_loss, patience: 1, factor: 0.5}"
    train("trainer.epochs=3", "optimizer.learning_rate=1e-6", f"trainer.callbacks=[{plateau}]")
    assert curve(paths.folder)["learning_rate"].tolist() == pytest.approx([1e-6, 1e-6, 5e-7])


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        ("{_target_: keras.callbacks.EarlyStoping}", r"trainer.callbacks\[0\].* did you mean 'EarlyStopping'"),
        ("{_target_: keras.callbacks.EarlyStopping, patienc: 1}", r"trainer.callbacks\[0\].patienc: .*'patience'"),
    ],
)
def test_a_misspelt_callback_is_named(train: Train, callback: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        train("trainer.epochs=1", f"trainer.callbacks=[{callback}]")


def test_pruning_stops_after_that_epoch(train: Train, paths: TrialPaths) -> None:
    reports: list[tuple[int, float]] = []

    def report(epoch: int, value: float) -> bool:
        reports.append((epoch, value))
        return epoch == 2

    outcome = train("trainer.epochs=4", "trainer.repeats=2", hooks=Hooks(report_objective=report))
    accuracy = curve(paths.folder)["val_accuracy"]
    assert reports == list(enumerate(accuracy, start=1))
    assert len(accuracy) == outcome.result.epochs == 2
    assert (outcome.state, outcome.result.reason) == (State.PRUNED, "pruned after epoch 2")
    assert outcome.result.objective == accuracy.max()
    assert not (paths.folder / "repeat-1").exists()


def test_a_training_that_is_pruned_after_its_last_epoch_is_complete(train: Train) -> None:
    outcome = train("trainer.epochs=2", hooks=Hooks(report_objective=lambda epoch, value: epoch == 2))
    assert (outcome.state, outcome.result.reason, outcome.result.epochs) == (State.COMPLETED, "", 2)


def test_a_training_is_interrupted_on_request(train: Train, paths: TrialPaths) -> None:
    epochs: list[int] = []
    hooks = Hooks(
        report_objective=lambda epoch, value: bool(epochs.append(epoch)), should_stop=lambda: len(epochs) == 2
    )
    with pytest.raises(Interrupted):
        train("trainer.epochs=9", hooks=hooks)
    assert len(curve(paths.folder)) == 2, "a finished epoch is recorded"


def test_a_loss_that_is_not_finite_fails_the_trial(train: Train) -> None:
    with pytest.raises(TrialFailed, match=r"loss became (nan|inf) in epoch 1"):
        train("trainer.epochs=2", "optimizer=sgd", "optimizer.learning_rate=1e30", "model.activation=relu")


@pytest.mark.parametrize(
    "loss",
    # All other trainings use the first one.
    [
        pytest.param("sparse_categorical_crossentropy", marks=pytest.mark.slow),
        "categorical_crossentropy",
        pytest.param("poisson", marks=pytest.mark.slow),
    ],
)
def test_labels_have_the_form_that_the_loss_needs(train: Train, loss: str) -> None:
    result = train(f"trainer.loss={loss}", "trainer.epochs=4").result
    assert result.objective is not None
    assert result.objective > 0.5


def test_a_model_that_was_compiled_by_its_function_gets_the_labels_of_the_source(train: Train, module: str) -> None:
    target = [f"model._target_={module}.compiled", "+model.loss=SparseCategoricalCrossentropy", "trainer.loss=poisson"]
    result = train(*target, "trainer.epochs=3").result
    assert result.objective is not None
    assert result.objective > 0.5


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`:UserWarning")
def test_labels_for_a_users_loss_follow_its_name(train: Train, module: str, tmp_path: Path) -> None:
    source = "sparse_own = lambda y, p: keras.losses.sparse_categorical_crossentropy(y, p)\n"
    (tmp_path / f"{module}_loss.py").write_text(f"import keras\n{source}", encoding="utf-8")
    assert train(f"trainer.loss={module}_loss.sparse_own", "trainer.epochs=1").state is State.COMPLETED


def test_an_objective_that_the_model_does_not_measure_is_named(train: Train, module: str) -> None:
    with pytest.raises(ConfigError, match=r"objective: the model does not measure 'val_accuracy'.*'val_loss'"):
        train(f"model._target_={module}.unmeasured", "trainer.epochs=1")


def test_a_training_leaves_no_weights_in_memory(train: Train, module: str) -> None:
    def num_handles() -> int:
        keras.utils.clear_session()
        return sum(type(found).__name__ == "EagerTensor" and found.dtype == tf.resource for found in gc.get_objects())

    overrides = [f"model._target_={module}.compiled", "+model.loss=SparseCategoricalCrossentropy", "trainer.epochs=1"]
    train(*overrides)
    before = num_handles()
    train(*overrides)
    assert num_handles() == before


def test_clear_keeps_the_configuration_only(paths: TrialPaths) -> None:
    (paths.folder / "train").mkdir(parents=True)
    for file in (paths.config, paths.history, paths.folder / "train" / "events"):
        file.write_text("text", encoding="utf-8")
    clear_trial_folder(paths)
    assert list(paths.folder.iterdir()) == [paths.config]


def test_a_result_of_one_training_has_no_spread() -> None:
    assert Result(0.5).std is None
    assert "mnistsweep.training.trainer" in sys.modules
