"""A training that is killed and goes on: nothing about it may differ from one that was never interrupted."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest
from fakes import start

from mnistsweep import data
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import TrialFailed
from mnistsweep.paths import TrialPaths
from mnistsweep.study.records import State
from mnistsweep.training import resume_file
from mnistsweep.training.callbacks.backup_and_resume import ResumeMismatch
from mnistsweep.training.callbacks.best_weights import BestWeights
from mnistsweep.training.callbacks.epoch_counter import EpochCounter
from mnistsweep.training.callbacks.objective_reporter import ObjectiveReporter
from mnistsweep.training.outcome import Outcome
from mnistsweep.training.phase_state import capture_phase, restore_phase
from mnistsweep.training.resume_file import TrainingState, read_resume_file, resume_fingerprint, write_resume_file
from mnistsweep.training.trainer import Hooks, Training
from mnistsweep.tuner import hypermodel_training
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel

USER_MODULE = '''
import os
import random
import signal
from pathlib import Path

import keras
import keras_tuner
import numpy as np
from keras import layers


class Killed(BaseException):
    """Stands for the death of the process."""


class Killer(keras.callbacks.Callback):
    """Ends the training within an epoch (from 1), or after the last, if a file tells it to; notes what begins."""

    def __init__(self, place, epoch=3, last=False, really=False):
        super().__init__()
        self.place, self.at, self.last, self.really = Path(place), epoch, last, really
        self.now = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch + 1
        with (self.place / "begun").open("a") as file:
            file.write(f"{self.now} ")

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.at and batch > 1:
            self.kill()

    def kill(self):
        self.now = 0
        for flag in sorted(self.place.glob("kill*"))[:1]:
            flag.unlink()
            if flag.name.endswith("no"):
                return
            if self.really:
                os.kill(os.getpid(), signal.SIGKILL)
            raise Killed

    def on_train_end(self, logs=None):
        if self.last:
            self.kill()
        values = [np.asarray(variable.value) for variable in (*self.model.variables, *self.model.optimizer.variables)]
        np.savez(self.place / "final.npz", *values)


class Dice(keras.callbacks.Callback):
    """Changes the weights by Python's and numpy's own random numbers, and by numbers that it remembers."""

    def __init__(self):
        super().__init__()
        self.sum = 0.0
        self.last = np.float32(0)
        self.parts = np.zeros(3)
        self.opened = None

    def on_train_begin(self, logs=None):
        self.opened = object()

    def on_epoch_end(self, epoch, logs=None):
        assert self.opened is not None
        self.sum += logs["loss"]
        self.last = np.float32(random.random())
        self.parts += np.random.random(3)
        weights = self.model.get_weights()
        self.model.set_weights([w + 1e-3 * (self.last + self.sum + self.parts.sum()) for w in weights])


class Diary(keras.callbacks.Callback):
    """Has a state of its own making."""

    def __init__(self, broken=False):
        super().__init__()
        self.pages = {"loss": [], "arrays": {}, "broken": object() if broken else None}

    def on_epoch_end(self, epoch, logs=None):
        self.pages["loss"].append(logs["loss"])
        self.pages["arrays"][str(epoch)] = np.full(2, epoch, "int8")
        self.model.optimizer.learning_rate = 0.01 / (1 + sum(self.pages["loss"]))

    def get_state(self):
        return self.pages

    def set_state(self, state):
        self.pages = state


@keras.saving.register_keras_serializable()
class TwoRates(keras.Model):
    """Trains with two optimizers; makes its variables when it sees the first batch."""

    def __init__(self, classes):
        super().__init__()
        self.flat, self.hidden, self.out = layers.Flatten(), layers.Dense(6, "relu"), layers.Dense(classes, "softmax")
        self.drop = layers.Dropout(0.2)
        self.second = keras.optimizers.Adam(0.01)
        self.classes = classes

    def get_config(self):
        return {"classes": self.classes}

    def call(self, x, training=False):
        return self.out(self.drop(self.hidden(self.flat(x)), training=training))

    def train_step(self, data):
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        ours, theirs = self.hidden.trainable_variables, self.out.trainable_variables
        gradients = tape.gradient(loss, [*ours, *theirs])
        self.optimizer.apply(gradients[: len(ours)], ours)
        self.second.apply(gradients[len(ours) :], theirs)
        return {"loss": loss}


def two_rates(input_shape, classes):
    return TwoRates(int(classes))


def half(input_shape, classes):
    """In half precision, with a scaled loss and averaged weights."""
    inputs = x = keras.Input(input_shape)
    x = layers.BatchNormalization(dtype="mixed_float16")(layers.Flatten()(x))
    x = layers.Dense(8, "relu", dtype="bfloat16")(x)
    model = keras.Model(inputs, layers.Dense(classes, "softmax", dtype="float32")(x))
    adam = keras.optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=3)
    model.compile(keras.optimizers.LossScaleOptimizer(adam), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@keras.saving.register_keras_serializable()
class Noise(layers.Layer):
    """Draws without a seed of its own."""

    def call(self, x, training=False):
        return x + 0.2 * keras.random.normal(keras.ops.shape(x)) if training else x


def noisy(input_shape, classes):
    inputs = keras.Input(input_shape)
    x = layers.Dense(8, "relu")(Noise()(layers.Flatten()(inputs)))
    return keras.Model(inputs, layers.Dense(classes, "softmax")(x))


class Phases(keras_tuner.HyperModel):
    """Its `fit` trains twice: the last layer alone, then all; it looks at what came of the first one."""

    def build(self, hp, input_shape, classes):
        base = keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(6, "relu")])
        base.trainable = False
        return self.compile(keras.Sequential([base, layers.Dropout(0.3), layers.Dense(classes, "softmax")]), 0.05)

    def compile(self, model, rate):
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, hp, model, x, y, epochs, **kwargs):
        first = model.fit(x, y, epochs=3, shuffle=False, **kwargs).history
        assert len(first["loss"]) == 3
        model.layers[0].trainable = True
        self.compile(model, 0.001 * first["loss"][-1] * float(np.abs(model.get_weights()[-1]).sum()))
        return model.fit(x, y, epochs=epochs, shuffle=False, **kwargs)


class Loop(keras_tuner.HyperModel):
    """A loop of its own, that tells when it begins and cannot be told where to go on."""

    def build(self, hp, input_shape, classes):
        model = keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(classes, "softmax")])
        model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, hp, model, x, y, validation_data, epochs, callbacks, **kwargs):
        events = keras.callbacks.CallbackList(callbacks, model=model)
        events.on_train_begin()
        for epoch in range(epochs):
            events.on_epoch_begin(epoch)
            for batch in range(3):
                model.train_on_batch(x[batch::3], y[batch::3])
                events.on_train_batch_end(batch, {})
            loss, accuracy = model.evaluate(*validation_data, verbose=0)
            events.on_epoch_end(epoch, {"loss": float(loss), "val_accuracy": float(accuracy)})
        events.on_train_end()
'''

MODULE = "resumed_by_user"
EPOCHS = 5
NO_HOOKS = Hooks()


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A module of the user's own."""
    folder = tmp_path_factory.mktemp("own")
    (folder / f"{MODULE}.py").write_text(USER_MODULE, encoding="utf-8")
    sys.path.append(str(folder))
    yield MODULE
    sys.path.remove(str(folder))


def make_training(overrides: Sequence[str], folder: TrialPaths, hooks: Hooks = NO_HOOKS) -> Training:
    config = to_config(compose(Recipe(tuple(overrides))))
    hypermodel = ConfiguredHyperModel(config, data.load(config.data))
    return hypermodel_training.make_training(
        hypermodel, keras_tuner.HyperParameters(), "max", folder, hooks, folder.resume
    )


def go_on(overrides: Sequence[str], place: Path, hooks: Hooks = NO_HOOKS) -> Outcome:
    """Train, or go on with what was killed."""
    folder = TrialPaths(place)
    made = make_training(overrides, folder, hooks)
    return made.run(read_resume_file(folder.resume, resume_fingerprint(made.config)))


def train_in_process(overrides: Sequence[str], place: Path, module_folder: str) -> None:
    sys.path.append(module_folder)
    go_on(overrides, place)


class Trial:
    """One configuration in a folder of its own."""

    def __init__(self, place: Path, data_overrides: Sequence[str], overrides: Sequence[str], killer: str = "") -> None:
        self.place = place
        place.mkdir(parents=True)
        callbacks = [text.removeprefix("callbacks=") for text in overrides if text.startswith("callbacks=")]
        own = [f"{{_target_: {MODULE}.Killer, place: '{place}'{killer}}}", *callbacks]
        self.overrides = [
            *data_overrides, "model=perceptron", "trainer.batch_size=16", f"trainer.epochs={EPOCHS}", "seed=3",
            *(text for text in overrides if not text.startswith("callbacks=")), f"trainer.callbacks=[{','.join(own)}]",
        ]  # fmt: skip

    def kill(self, *times: str) -> None:
        """Ask for it to be killed; "no" lets it pass the place once."""
        for index, answer in enumerate(times or ("yes",)):
            (self.place / f"kill {index} {answer}").touch()

    def run(self, hooks: Hooks = NO_HOOKS) -> Outcome:
        return go_on(self.overrides, self.place, hooks)

    def run_killed(self, hooks: Hooks = NO_HOOKS) -> None:
        from resumed_by_user import Killed  # type: ignore[import-not-found]

        with pytest.raises(Killed):
            self.run(hooks)

    @property
    def begun(self) -> list[int]:
        """The epochs that began, in order."""
        return [int(epoch) for epoch in (self.place / "begun").read_text().split()]

    def curve(self, folder: str = ".") -> pd.DataFrame:
        return pd.read_csv(self.place / folder / "history.csv", dtype=str).drop(columns="seconds")

    def arrays(self) -> list[Any]:
        """All variables at the end, then the weights of the best epoch."""
        with np.load(self.place / "final.npz") as file:
            final = [file[name] for name in file.files]
        return [*final, *keras.models.load_model(TrialPaths(self.place).model, compile=False).get_weights()]


def assert_same(one: Trial, other: Trial, folders: Sequence[str] = (".",)) -> None:
    for folder in folders:
        pd.testing.assert_frame_equal(one.curve(folder), other.curve(folder), check_exact=True)
    ours, theirs = one.arrays(), other.arrays()
    assert len(ours) == len(theirs) > 5
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()


def without_seconds(outcome: Outcome) -> Outcome:
    return replace(outcome, result=replace(outcome.result, seconds=0.0))


Pair = Callable[..., tuple[Trial, Trial]]


@pytest.fixture
def pair(tmp_path: Path, tiny_data: list[str], module: str) -> Pair:
    """Two trials of one configuration: one to be killed, one not."""
    gc.freeze()

    def make(*overrides: str, killer: str = "") -> tuple[Trial, Trial]:
        whole = Trial(tmp_path / "whole", tiny_data, overrides, killer)
        return Trial(tmp_path / "killed", tiny_data, overrides, killer), whole

    return make


REDUCE = "callbacks={_target_: keras.callbacks.ReduceLROnPlateau, patience: 1, factor: 0.5, min_delta: 0.05}"
AUGMENTATION = ["data.augmentation.rotation=10", "data.augmentation.shift=0.1"]
CASES = {
    "momentum": ["optimizer=sgd", "optimizer.nesterov=true", "optimizer.momentum=0.8", "trainer.patience=3", REDUCE],
    "schedule": ["schedule=cosine", "schedule.warmup_epochs=1.5", "model.dropout=0.4", *AUGMENTATION],
    "callbacks": [f"callbacks={{_target_: {MODULE}.Dice}}", f"callbacks={{_target_: {MODULE}.Diary}}"],
    "draws without a seed": [f"model._target_={MODULE}.noisy"],
    "half precision": [f"model._target_={MODULE}.half"],
}


@pytest.mark.parametrize("case", CASES)
def test_a_killed_training_ends_as_if_it_had_not_been(pair: Pair, case: str) -> None:
    killed, whole = pair(*CASES[case])
    killed.kill()
    killed.run_killed()
    outcome = killed.run()
    assert without_seconds(outcome) == without_seconds(whole.run())
    assert_same(killed, whole)
    epochs = whole.begun
    assert killed.begun == [1, 2, 3, *epochs[2:]], "one epoch was repeated"
    assert outcome.result.epochs == len(epochs)


def test_a_killed_process_is_gone_on_with_in_another(pair: Pair, module: str) -> None:
    killed, whole = pair("model.dropout=0.3", "trainer.patience=4", killer=", really: true")
    killed.kill()
    folder = str(Path(sys.modules[module].__file__ or "").parent) if module in sys.modules else sys.path[-1]
    codes = []
    for _ in range(2):
        one = start(train_in_process, killed.overrides, killed.place, folder)
        one.join(120)
        codes.append(one.exitcode)
    assert codes == [-signal.SIGKILL, 0]
    whole.run()
    assert_same(killed, whole)
    assert killed.begun == [1, 2, 3, 3, 4, 5]


def test_a_training_is_killed_in_each_of_its_repeats(pair: Pair) -> None:
    reports: dict[int, float] = {}
    hooks = Hooks(report_objective=lambda epoch, value: bool(reports.setdefault(epoch, value) != value))
    killed, whole = pair("trainer.repeats=2", "model.dropout=0.2", "trainer.epochs=3")
    killed.kill("yes", "no", "yes")
    killed.run_killed()
    killed.run_killed(hooks)
    outcome = killed.run(hooks)
    assert without_seconds(outcome) == without_seconds(whole.run(hooks))
    assert set(reports) == {1, 2, 3}, "and an epoch is reported with the same value, whatever the attempt"
    assert_same(killed, whole, (".", "repeat-1"))
    assert killed.begun == [1, 2, 3, 3, 1, 2, 3, 3]
    assert outcome.result.epochs == 6


def test_a_training_that_had_only_to_be_saved_trains_no_more(pair: Pair) -> None:
    killed, whole = pair("trainer.patience=1", "optimizer.learning_rate=1e-9", killer=", last: true")
    killed.kill()
    killed.run_killed()
    trained = killed.begun
    outcome = killed.run()
    assert without_seconds(outcome) == without_seconds(whole.run())
    assert killed.begun == trained == [1, 2]
    assert_same(killed, whole)


def test_a_training_that_was_pruned_stays_so(pair: Pair) -> None:
    killed, whole = pair(killer=", last: true")
    killed.kill()
    killed.run_killed(Hooks(report_objective=lambda epoch, value: epoch == 2))
    outcome = killed.run(Hooks(report_objective=lambda epoch, value: False))
    assert outcome.state is State.PRUNED
    assert without_seconds(outcome) == without_seconds(
        whole.run(Hooks(report_objective=lambda epoch, value: epoch == 2))
    )


def test_seconds_are_those_of_all_attempts(pair: Pair) -> None:
    killed, _ = pair()
    killed.kill()
    killed.run_killed()
    folder, made = TrialPaths(killed.place), make_training(killed.overrides, TrialPaths(killed.place))
    saved = read_resume_file(folder.resume, resume_fingerprint(made.config))
    assert saved is not None
    assert saved.seconds > 0
    assert made.run(replace(saved, seconds=saved.seconds + 1000)).result.seconds > 1000


@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")
def test_a_step_with_two_optimizers_and_variables_made_late(pair: Pair) -> None:
    killed, whole = pair(f"model._target_={MODULE}.two_rates", "objective=val_loss", "direction=min")
    killed.kill()
    killed.run_killed()
    killed.run()
    whole.run()
    assert killed.begun == [1, 2, 3, 3, 4, 5]
    assert_same(killed, whole)


def test_a_fit_of_the_users_own_goes_on_in_the_phase_where_it_was(pair: Pair) -> None:
    killed, whole = pair(f"model._target_={MODULE}.Phases", "trainer.epochs=4")
    killed.kill("yes", "no", "yes")
    killed.run_killed()
    killed.run_killed()
    outcome = killed.run()
    assert without_seconds(outcome) == without_seconds(whole.run())
    assert killed.begun == [1, 2, 3, 3, 1, 2, 3, 3, 4]
    assert outcome.result.epochs == 7
    assert_same(killed, whole)


def test_a_loop_of_the_users_own_that_begins_at_the_beginning_is_noticed(pair: Pair) -> None:
    killed, _ = pair(f"model._target_={MODULE}.Loop")
    killed.kill()
    killed.run_killed()
    with pytest.raises(ResumeMismatch, match="the training continued with epoch 1, expected epoch 3"):
        killed.run()


def test_another_model_or_other_callbacks_are_noticed(pair: Pair) -> None:
    killed, _ = pair(f"callbacks={{_target_: {MODULE}.Dice}}")
    killed.kill()
    killed.run_killed()
    folder, made = TrialPaths(killed.place), make_training(killed.overrides, TrialPaths(killed.place))
    saved = read_resume_file(folder.resume, resume_fingerprint(made.config))
    assert saved is not None
    other = make_training([*killed.overrides, "model.layer_size=8"], folder)
    with pytest.raises(
        ResumeMismatch, match=r"the model: the file contains float32\[36, \d+\], the training has float32\[36, 8\]"
    ):
        other.run(saved)
    other = make_training([*killed.overrides, "trainer.callbacks=[]"], folder)
    with pytest.raises(
        ResumeMismatch, match=r"the callbacks: the file contains resumed_by_user.Killer, the training has nothing"
    ):
        other.run(saved)
    other = make_training([*killed.overrides, "optimizer=sgd"], folder)
    with pytest.raises(ResumeMismatch, match=r"optimizer: "):
        other.run(saved)


def test_a_callback_whose_state_cannot_be_written_fails_the_trial(pair: Pair) -> None:
    trial, _ = pair(f"callbacks={{_target_: {MODULE}.Diary, broken: true}}")
    with pytest.raises(TrialFailed, match=r"resumed_by_user.Diary.get_state\(\): must return a dictionary of plain"):
        trial.run()


LOSSES = [0.9, 0.7, 0.74, 0.69, 0.5, 0.52, 0.51, 0.505, 0.3, 0.31, 0.2, 0.21]
LEARNERS: dict[str, Callable[[], Any]] = {
    "early stopping": lambda: keras.callbacks.EarlyStopping(
        "val_loss", patience=3, min_delta=0.05, restore_best_weights=True
    ),
    "plateau": lambda: keras.callbacks.ReduceLROnPlateau("val_loss", patience=2, cooldown=2, min_delta=0.05),
    "best weights": lambda: BestWeights("val_loss", "min"),
    "reporter": lambda: ObjectiveReporter(lambda epoch, value: epoch == 4, "val_loss"),
    "counter": EpochCounter,
}


@pytest.mark.parametrize("epochs", [1, 4, 7])
@pytest.mark.parametrize("learner", LEARNERS)
def test_a_callback_goes_on_with_what_it_has_learnt(tmp_path: Path, learner: str, epochs: int) -> None:
    def begin() -> tuple[Any, Any]:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse")
        model.optimizer.build(model.trainable_variables)
        callback = LEARNERS[learner]()
        callback.set_model(model)
        callback.on_train_begin()
        return model, callback

    def learn(model: Any, callback: Any, epochs: range) -> list[bool]:
        stops = []
        for epoch in epochs:
            model.layers[0].bias.assign([epoch])
            model.stop_training = False
            callback.on_epoch_end(epoch, {"val_loss": LOSSES[epoch]})
            stops.append(model.stop_training)
        return stops

    whole = begin()
    stops = learn(*whole, range(len(LOSSES)))
    first = begin()
    earlier = learn(*first, range(epochs))
    write_resume_file(tmp_path / "resume.npy", TrainingState("me", 0, [], 0.0, [capture_phase(first[0], [first[1]])]))
    saved = read_resume_file(tmp_path / "resume.npy", "me")
    assert saved is not None
    second = begin()
    restore_phase(saved.phases[0], second[0], [second[1]])
    assert earlier + learn(*second, range(epochs, len(LOSSES))) == stops
    ends = [repr(capture_phase(model, [callback])["callbacks"]) for model, callback in (whole, second)]
    assert ends[0] == ends[1]
    assert float(second[0].optimizer.learning_rate) == float(whole[0].optimizer.learning_rate)


STATE: dict[str, Any] = {
    "plain": [None, True, 3, -0.0, float("inf"), "text", []],
    "arrays": {"f": np.arange(6.0).reshape(2, 3).T, "i": np.int64(2**62), "empty": np.zeros((0, 3), "float32")},
    "half": np.array([1.5, -2.0]).astype("bfloat16"),
    "texts": np.array(["a", "bcd"]),
    "flags": np.array([True, False]),
}


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "resume.npy"
    write_resume_file(file, TrainingState("me", 1, [{"value": 0.5}], 2.5, [STATE]))
    saved = read_resume_file(file, "me")
    assert saved is not None
    assert replace(saved, phases=[]) == TrainingState("me", 1, [{"value": 0.5}], 2.5)
    state = saved.phases[0]
    assert repr(state) == repr(STATE)
    for name, array in STATE["arrays"].items():
        assert type(state["arrays"][name]) is type(array)
        assert state["arrays"][name].dtype == array.dtype
    assert state["half"].dtype == STATE["half"].dtype
    state["flags"][0] = False  # one's own, to be changed in place
    assert list(tmp_path.iterdir()) == [file]


def damage(file: Path, how: str) -> None:
    whole = file.read_bytes()
    at = whole.index(b"text")
    changed = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "a byte": whole[:at] + b"T" + whole[at + 1 :],
        "no npy": b"not at all",
    }
    file.write_bytes(changed[how])


@pytest.mark.parametrize("how", ["cut", "empty", "a byte", "no npy"])
def test_a_damaged_file_is_left_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str) -> None:
    file = tmp_path / "resume.npy"
    write_resume_file(file, TrainingState("me", 0, [], 1.0, [STATE]))
    damage(file, how)
    assert read_resume_file(file, "me") is None
    (record,) = caplog.records
    assert record.name == "mnistsweep"
    assert record.getMessage().startswith(f"{file}: cannot resume from this file: ")


def test_a_file_of_another_training_or_version_is_left_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "resume.npy"
    assert read_resume_file(file, "me") is None
    assert not caplog.records, "no file is the usual case"
    write_resume_file(file, TrainingState("you", 0, [], 1.0))
    assert read_resume_file(file, "me") is None
    monkeypatch.setattr(resume_file, "FORMAT", 2)
    assert read_resume_file(file, "you") is None
    assert [record.getMessage().split(": ")[2] for record in caplog.records] == [
        "it was written for another configuration; the trial restarts from scratch",
        "another version of mnistsweep wrote it; the trial restarts from scratch",
    ]


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "resume.npy"
    write_resume_file(file, TrainingState("me", 0, [], 1.0))
    with pytest.raises(TypeError):
        write_resume_file(file, TrainingState("me", 0, [], 2.0, [{"what": object()}]))
    saved = read_resume_file(file, "me")
    assert saved is not None
    assert saved.seconds == 1.0
    assert list(tmp_path.iterdir()) == [file]


def test_the_sweep_around_a_trial_has_no_part_in_its_identity(tiny_data: list[str]) -> None:
    def name(*overrides: str) -> str:
        return resume_fingerprint(to_config(compose(Recipe((*tiny_data, "model=perceptron", *overrides)))))

    same = ["trials=99", "workers=2", "logs=elsewhere", "trainer.threads=1", "trial.timeout_minutes=9", "oracle=tpe"]
    assert {name(override) for override in same} == {name()}
    others = ["seed=1", "trainer.epochs=6", "model.dropout=0.1", "optimizer=sgd", "data.validation=50"]
    assert len({name(), *map(name, others)}) == 1 + len(others)
