"""Where one training contains those of fewer epochs, and where each number of epochs is a training of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import command, finished_sweep
from user_modules import write_module

from mnistsweep.commands.extent import describe_extent
from mnistsweep.config.recipe import Recipe
from mnistsweep.dimensions import Choice
from mnistsweep.errors import ConfigError
from mnistsweep.planning import planner
from mnistsweep.planning.nesting import Nesting
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_from_json, plan_to_json, read_plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.planning.same_search import differences

EPOCHS = "trainer.epochs=3,5"
DROPOUT = "model.dropout=0,0.1"
OWN_CALLBACK = """
import keras

class Decay(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.1 * (1 - epoch / self.params["epochs"])
"""

OWN_FIT = """
import keras
import numpy as np

class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        x = np.random.default_rng(index).normal(size=(8, 4)).astype("float32")
        return x, (x[:, 0] > 0).astype("int64")

def stream():
    return Batches(), Batches()

def arrays():
    return Batches()[0], Batches()[1]

class Decaying(keras.Model):
    def fit(self, x, epochs=1, **options):
        self.optimizer.learning_rate = 0.1 / epochs
        return super().fit(x, epochs=epochs, **options)

def built(input_shape, kind):
    inputs = keras.Input(input_shape)
    model = kind(inputs, keras.layers.Dense(2, "softmax")(inputs))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

def decaying(input_shape, rate=1):
    return built(input_shape, Decaying)

def plain(input_shape, rate=1):
    return built(input_shape, keras.Model)
"""


def planned(*overrides: str) -> Plan:
    return plan_sweep(Recipe(), overrides)


def test_one_training_stands_for_all_numbers_of_epochs() -> None:
    plan = planned("trainer.epochs=15,10,20", DROPOUT)
    assert plan.space.dimensions == (Choice("model.dropout", (0, 0.1)),)
    assert (plan.nested_epochs, plan.num_trials, plan.oracle_name) == ((10, 15, 20), 2, "grid")
    assert plan.composer.plain({"model.dropout": 0.1}, 7)["trainer"]["epochs"] == plan.max_epochs() == 20
    assert describe_extent(plan) == [
        "6 configurations: 2 trainings of 20 epochs; one training of 20 epochs contains those of 10 and 15 "
        "(same seed, constant learning rate)"
    ]
    again = plan_from_json(plan_to_json(plan))
    assert (again.nested_epochs, differences(again, plan)) == (plan.nested_epochs, [])
    assert differences(planned("trainer.epochs=10,20", DROPOUT), plan) == ["trainer.epochs (swept)"]


def test_a_space_of_epochs_alone_is_one_training() -> None:
    plan = planned("trainer.epochs=int(interval(1,30))")
    assert plan.space.dimensions == (Choice("trainer.epochs", (30,)),)
    assert (plan.nested_epochs, plan.num_trials) == (tuple(range(1, 31)), 1)
    assert describe_extent(plan)[0].startswith("30 configurations: 1 training of 30 epochs; one training of 30 epochs ")


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["schedule=cosine"], "schedule=cosine depends on it"),
        (["schedule=constant,cosine"], "schedule=cosine depends on it"),
        (["model.layer_size=${trainer.epochs}"], "model.layer_size depends on it"),
        (["trainer.patience=${.epochs}"], "trainer.patience depends on it"),
        (["trainer.batch_size=8,${trainer.epochs}"], "trainer.batch_size depends on it"),
        (["trainer.repeats=2"], "a trial is the mean of several trainings, each at its own best epoch"),
        (["data.folds=null,3"], "a trial is the mean of several trainings, each at its own best epoch"),
        (["trainer.stop_after=4"], "trainer.stop_after is set"),
        (["objective=[val_accuracy,parameters]"], "there are several objectives"),
        (["constraints=[val_loss<=1]"], "the constraint val_loss<=1 depends on it"),
        (["zip=[[trainer.epochs,model.dropout]]"], "it goes together with other values (zip)"),
        (["conditions={model.dropout: {trainer.epochs: 5}}"], "conditions connect it with other dimensions"),
        (["trainer.epochs=range(1,1100)"], "there are more than 1,000 numbers"),
        pytest.param(
            ["oracle=kerastuner", "oracle._target_=keras_tuner.oracles.RandomSearchOracle"],
            "an oracle of KerasTuner chooses it", marks=pytest.mark.slow,  # imports KerasTuner
        ),
        (["trainer.callbacks=[{_target_: own_decay.Decay}]"],
         "trainer.callbacks[0] is not one of Keras, and may read it"),
    ],
)  # fmt: skip
def test_where_a_training_depends_on_its_number_of_epochs(
    overrides: Sequence[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_decay.py").write_text(OWN_CALLBACK, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    plan = planned(EPOCHS, DROPOUT, *overrides)
    assert (plan.nested_epochs, plan.not_nested) == ((), reason)
    assert "trainer.epochs" in plan.space.keys
    assert describe_extent(plan)[-1] == f"each number of epochs is a training of its own, because {reason}"


@pytest.mark.parametrize(("model", "data", "is_read"), [
    ("decaying", "stream", True),
    ("decaying", "arrays", False),  # one call for each epoch, without the number of epochs
    ("plain", "stream", False),
])  # fmt: skip
def test_a_fit_of_the_model_may_read_the_number_of_epochs(
    model: str, data: str, is_read: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = write_module(tmp_path, monkeypatch, OWN_FIT)
    own = ["data=custom", "data.validation=0.5", f"data._target_={name}.{data}", f"model._target_={name}.{model}"]
    plan = planned(EPOCHS, "+model.rate=interval(1,2)", "trials=3", *own)
    reason = "the data stream, so Decaying.fit of the model may read it" if is_read else ""
    assert (plan.nested_epochs, plan.not_nested) == (() if is_read else (3, 5), reason)
    assert plan.oracle_name == ("auto" if is_read else "freeze_thaw")  # nor can such a `fit` be paused
    open_sweep(plan)
    assert read_plan(plan.paths).oracle_name == plan.oracle_name


def test_enqueued_configurations_are_trained_once() -> None:
    both = "{trainer.epochs: 3, model.dropout: 0.1}, {trainer.epochs: 5, model.dropout: 0.1}"
    assert planned(EPOCHS, DROPOUT, f"enqueue=[{both}]").config.enqueue == [{"model.dropout": 0.1}]
    with pytest.raises(ConfigError, match=r"enqueue\[0\]\.trainer\.epochs: 4 is outside"):
        planned(EPOCHS, DROPOUT, "enqueue=[{trainer.epochs: 4}]")


def test_a_sweep_that_an_earlier_version_started_goes_on_as_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as before:
        before.setattr(planner, "find_nesting", lambda plan: Nesting(plan.space))
        earlier = finished_sweep([EPOCHS, DROPOUT], [0.5])
    now = planned(EPOCHS, DROPOUT)
    assert (now.nested_epochs, now.space.size(), now.not_nested) == ((), 4, "this sweep began so")
    assert planned(EPOCHS, DROPOUT, "schedule=cosine").not_nested == "schedule=cosine depends on it"
    open_sweep(now)  # the same search
    assert (differences(now, earlier), differences(now, read_plan(now.paths))) == ([], [])
    shown = command(capfd, "status", "logs/sweep")
    assert (shown.code, shown.out.splitlines()[0][:46]) == (0, "logs/sweep: 1 of 4 trials · 1 completed · runn")
    assert not now.paths.configurations.exists()
