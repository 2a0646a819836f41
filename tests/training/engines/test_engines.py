"""The contract of an engine, run on every engine, and the choice between them."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import image_training
import keras
import numpy as np
import pytest
from image_training import (
    BATCH,
    EXAMPLES,
    TRAIN,
    VALIDATION,
    Recorder,
    model,
    options,
    plain_fit,
    same_weights,
)

from mnistsweep.errors import ConfigError
from mnistsweep.training.engines import PortableEngine, ResidentEngine, choose_engine, resident
from mnistsweep.training.engines.base import evaluation_batch_size
from mnistsweep.training.loop import epoch_order, fit

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the reference is TensorFlow's fit")

ENGINES = ("resident", "portable")


@pytest.mark.parametrize("engine", ENGINES)
class TestEngine:
    """Contract of every engine."""

    def test_trains_and_measures_as_fit_does(self, engine: str) -> None:
        ours, theirs = model(optimizer="adam"), model(optimizer="adam")
        records = fit(ours, TRAIN, VALIDATION, options(engine=engine))
        expected = plain_fit(theirs, 2)
        same_weights(ours, theirs, tolerance=1e-5)
        for record, reference in zip(records, expected, strict=True):
            assert list(record) == list(reference) == ["accuracy", "loss", "val_accuracy", "val_loss"]
            assert all(type(value) is float for value in record.values())
            assert record == pytest.approx(reference, abs=1e-5)

    def test_same_seed_gives_the_same_bits_with_dropout(self, engine: str) -> None:
        one, two = model(dropout=0.5), model(dropout=0.5)
        assert fit(one, TRAIN, VALIDATION, options(engine=engine)) == fit(
            two, TRAIN, VALIDATION, options(engine=engine)
        )
        same_weights(one, two)

    def test_another_seed_gives_other_weights(self, engine: str) -> None:
        one, two = model(), model()
        fit(one, TRAIN, None, options(engine=engine))
        fit(two, TRAIN, None, options(engine=engine, seed=6))
        assert not np.array_equal(one.get_weights()[0], two.get_weights()[0])

    def test_two_halves_are_the_whole(self, engine: str) -> None:
        whole, halves = model(0.5, "adam"), model(0.5, "adam")
        records = fit(whole, TRAIN, VALIDATION, options(4, engine=engine))
        first = fit(halves, TRAIN, VALIDATION, options(2, engine=engine))
        second = fit(halves, TRAIN, VALIDATION, options(4, engine=engine, initial_epoch=2))
        assert first + second == records
        same_weights(whole, halves)

    def test_events_come_in_the_order_of_fit(self, engine: str) -> None:
        recorder = Recorder()
        fit(model(), TRAIN, VALIDATION, options(engine=engine), [recorder])
        events = [event for event in recorder.events if not event[0].startswith("batch")]
        each = [["epoch_begin", "test_begin", "test_end", "epoch_end"]] * 2
        assert [name for name, _ in events] == ["train_begin", *each[0], *each[1], "train_end"]
        assert [epoch for name, epoch in events if name == "epoch_end"] == [0, 1]
        assert events[-1] == ("train_end", ["accuracy", "loss", "val_accuracy", "val_loss"])

    def test_batch_events_cover_the_epoch(self, engine: str) -> None:
        recorder = Recorder()
        fit(model(), TRAIN, None, options(1, engine=engine), [recorder])
        begins = [batch for name, batch in recorder.events if name == "batch_begin"]
        ends = [batch for name, batch in recorder.events if name == "batch_end"]
        assert begins == [0] + [last + 1 for last in ends[:-1]]
        assert ends[-1] == 4

    def test_params_and_history_are_those_of_fit(self, engine: str) -> None:
        recorder, built = Recorder(), model()
        records = fit(built, TRAIN, VALIDATION, options(3, engine=engine), [recorder])
        assert recorder.params == {"verbose": 0, "epochs": 3, "steps": 5}
        assert built.history.history["val_loss"] == [record["val_loss"] for record in records]
        assert built.history.epoch == [0, 1, 2]

    def test_early_stopping_stops_and_restores(self, engine: str) -> None:
        stopping = keras.callbacks.EarlyStopping("val_loss", min_delta=100, patience=2, restore_best_weights=True)
        built = model()
        assert len(fit(built, TRAIN, VALIDATION, options(9, engine=engine), [stopping])) == 3
        one = model()
        fit(one, TRAIN, VALIDATION, options(1, engine=engine))
        same_weights(built, one)

    def test_learning_rate_is_reduced_on_a_plateau(self, engine: str) -> None:
        built = model(optimizer=keras.optimizers.SGD(0.5))
        reducing = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.1, min_delta=100, patience=1)
        fit(built, TRAIN, VALIDATION, options(3, engine=engine), [reducing])
        assert float(built.optimizer.learning_rate) == pytest.approx(0.005)

    def test_an_exception_in_a_batch_ends_the_epoch(self, engine: str) -> None:
        class Stop(Exception):
            pass

        def raise_stop(batch: int, logs: Any) -> None:
            raise Stop

        recorder = Recorder()
        stopping = keras.callbacks.LambdaCallback(on_train_batch_end=raise_stop)
        with pytest.raises(Stop):
            fit(model(), TRAIN, VALIDATION, options(engine=engine), [recorder, stopping])
        assert [name for name, _ in recorder.events] == ["train_begin", "epoch_begin", "batch_begin", "batch_end"]

    def test_stop_training_in_a_batch_ends_the_epoch(self, engine: str) -> None:
        built = model()

        def stop(batch: int, logs: Any) -> None:
            built.stop_training = True

        callback = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
        assert len(fit(built, TRAIN, VALIDATION, options(engine=engine), [callback])) == 1
        assert int(built.optimizer.iterations) == 1

    def test_the_model_s_own_train_step_is_used(self, engine: str) -> None:
        class Halved(keras.Sequential):
            def train_step(self, data: Any) -> Any:
                logs = super().train_step(data)
                return {"loss": logs["loss"], "halved": logs["loss"] / 2}

        records = fit(model(kind=Halved), TRAIN, VALIDATION, options(1, engine=engine))
        assert records[0]["halved"] == pytest.approx(records[0]["loss"] / 2)
        assert "accuracy" not in records[0]
        assert "val_accuracy" in records[0]

    def test_averaged_weights_take_over_at_the_end_only(self, engine: str) -> None:
        def averaging() -> Any:
            return model(optimizer=keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))

        reference, ours = averaging(), averaging()
        fixed = options(3, engine=engine)
        x = np.concatenate([TRAIN[0][epoch_order(EXAMPLES, 5, epoch)] for epoch in range(3)])
        y = np.concatenate([TRAIN[1][epoch_order(EXAMPLES, 5, epoch)] for epoch in range(3)])
        for epoch in range(3):
            part = slice(epoch * EXAMPLES, (epoch + 1) * EXAMPLES)
            for start in range(0, EXAMPLES, BATCH):
                reference.train_on_batch(x[part][start : start + BATCH], y[part][start : start + BATCH])
        reference.optimizer.finalize_variable_values(reference.trainable_weights)
        fit(ours, TRAIN, VALIDATION, fixed)
        same_weights(ours, reference, tolerance=1e-5)

    def test_augmentation_is_drawn_for_each_epoch(self, engine: str) -> None:
        class Shift:
            drawn: list[tuple[int, int]] = []  # noqa: RUF012

            def apply(self, images: np.ndarray, seed: int, epoch: int) -> np.ndarray:
                self.drawn.append((seed, epoch))
                return np.roll(images, epoch, axis=2)

        augmented, reference = model(), model()
        fit(augmented, TRAIN, None, options(2, engine=engine, augmentation=Shift()))
        fit(reference, TRAIN, None, options(1, engine=engine))
        moved = np.roll(TRAIN[0], 1, axis=2), TRAIN[1]
        fit(reference, moved, None, options(2, engine=engine, initial_epoch=1))
        assert Shift.drawn == [(5, 0), (5, 1)]
        same_weights(augmented, reference)

    def test_backup_and_restore_sets_the_first_epoch(self, engine: str, tmp_path: Any) -> None:
        def backup() -> Any:
            return keras.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)

        fit(model(optimizer="adam"), TRAIN, None, options(2, engine=engine), [backup()])
        recorder = Recorder()
        fit(model(optimizer="adam"), TRAIN, None, options(4, engine=engine), [backup(), recorder])
        assert [epoch for name, epoch in recorder.events if name == "epoch_begin"] == [2, 3]

    def test_models_are_released(self, engine: str) -> None:
        models = []
        for _ in range(5 if engine == "resident" else 2):
            built = model()
            fit(built, TRAIN, None, options(1, engine=engine))
            models.append(weakref.ref(built))
        del built
        keras.utils.clear_session()
        gc.collect()
        assert [reference for reference in models if reference() is not None] == []


@pytest.mark.slow  # each of them agrees with `fit`, see above
def test_engines_agree() -> None:
    one, two = model(optimizer="adam"), model(optimizer="adam")
    fit(one, TRAIN, VALIDATION, options(3, engine="resident"))
    fit(two, TRAIN, VALIDATION, options(3, engine="portable"))
    same_weights(one, two, tolerance=1e-5)


def test_engines_agree_on_structures_and_weights() -> None:
    rng = np.random.default_rng(0)
    x = {"a": rng.normal(size=(50, 3)).astype("float32"), "b": rng.normal(size=(50, 2)).astype("float32")}
    y = {"sum": x["a"].sum(axis=1), "sign": (x["b"][:, 0] > 0).astype(int)}
    weights = rng.uniform(0, 3, 50).astype("float32")

    def built() -> Any:
        keras.utils.set_random_seed(1)
        inputs = {name: keras.Input(array.shape[1:], name=name) for name, array in x.items()}
        hidden = keras.layers.Dense(4, "tanh")(keras.layers.Concatenate()(list(inputs.values())))
        outputs = {"sum": keras.layers.Dense(1)(hidden), "sign": keras.layers.Dense(1, "sigmoid")(hidden)}
        network = keras.Model(inputs, outputs)
        losses = {"sum": "mse", "sign": "binary_crossentropy"}
        network.compile("adam", losses, metrics={"sum": "mae", "sign": "accuracy"})
        return network

    one, two = built(), built()
    ours = fit(one, (x, y, weights), (x, y, weights), options(3, engine="resident"))
    theirs = fit(two, (x, y, weights), (x, y, weights), options(3, engine="portable"))
    same_weights(one, two, tolerance=1e-5)
    assert ours[-1] == pytest.approx(theirs[-1], abs=1e-5)
    measured = two.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    assert ours[-1]["val_loss"] == pytest.approx(measured["loss"], abs=1e-5)
    assert ours[-1]["val_loss"] != pytest.approx(two.evaluate(x, y, verbose=0)[0], abs=1e-3)


def test_evaluation_batches_are_large_for_small_images_only() -> None:
    assert evaluation_batch_size(np.zeros((2, 28, 28, 1), np.float32), 32) == 1024
    assert evaluation_batch_size(np.zeros((2, 28, 28, 1), np.float32), 4096) == 4096
    assert evaluation_batch_size(np.zeros((2, 512, 512, 3), np.float32), 8) == 8


def test_the_fast_engine_is_chosen_where_it_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(built: Any, name: Any = "auto") -> type:
        return type(choose_engine(name, built, TRAIN, VALIDATION, BATCH))

    assert chosen(model()) is ResidentEngine
    assert chosen(model(), "portable") is PortableEngine
    assert chosen(model(run_eagerly=True)) is PortableEngine
    monkeypatch.setattr(resident, "MAX_RESIDENT_BYTES", TRAIN[0].nbytes)
    assert chosen(model()) is PortableEngine
    with pytest.raises(ConfigError, match="'resident' cannot be used here: the data takes"):
        chosen(model(), "resident")
    with pytest.raises(ConfigError, match="did you mean 'resident'"):
        chosen(model(), "residant")


def test_a_model_that_is_run_eagerly_is_trained_the_same() -> None:
    eager, compiled = model(run_eagerly=True), model()
    fit(eager, TRAIN, VALIDATION, options(1))
    fit(compiled, TRAIN, VALIDATION, options(1))
    same_weights(eager, compiled, tolerance=1e-5)


OTHER_BACKEND = """
import json, sys
import keras, numpy as np
from mnistsweep.training.loop import FitOptions, fit
from image_training import TRAIN, VALIDATION, Recorder, model, options
built = model(optimizer="adam")
built.set_weights([np.asarray(w, "float32") for w in json.load(sys.stdin)])
recorder = Recorder()
records = fit(built, TRAIN, VALIDATION, options(), [recorder])
print(json.dumps({
    "backend": keras.backend.backend(), "records": records,
    "weights": [w.tolist() for w in built.get_weights()], "events": [name for name, _ in recorder.events]}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_other_backends_train_to_the_same_weights(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    built = model(optimizer="adam")
    start = json.dumps([weights.tolist() for weights in built.get_weights()])
    records = fit(built, TRAIN, VALIDATION, options())
    path = os.pathsep.join([str(Path(image_training.__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", OTHER_BACKEND], env=environment, input=start, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["backend"] == backend
    for record, reference in zip(result["records"], records, strict=True):
        assert record == pytest.approx(reference, abs=1e-4)
    for ours, theirs in zip(result["weights"], built.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert result["events"].count("train_begin") == result["events"].count("train_end") == 1
    assert result["events"].count("batch_end") == 10
