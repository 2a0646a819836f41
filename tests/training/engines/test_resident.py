from __future__ import annotations

import gc
from typing import Any

import keras
import numpy as np
import pytest
from image_training import BATCH, EXAMPLES, TRAIN, VALIDATION, Recorder, arrays, model, options, same_weights

from mnistsweep.training.engines import ResidentEngine, device_data, resident
from mnistsweep.training.loop import fit

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the reference is TensorFlow's fit")


def test_each_step_is_traced_once() -> None:
    tf = pytest.importorskip("tensorflow")
    traced = {True: 0, False: 0}

    class Counting(keras.layers.Layer):
        def call(self, x: Any, training: bool = False) -> Any:
            traced[training] += tf.is_symbolic_tensor(x)
            return x

    built = keras.Sequential([keras.Input((4, 4, 1)), Counting(), keras.layers.Flatten(), keras.layers.Dense(3)])
    built.compile("adam", "mse", metrics=["mae"])
    traced.update({True: 0, False: 0})  # building the model traced it too
    labels = np.zeros((EXAMPLES, 3), np.float32)
    fit(built, (TRAIN[0], labels), (VALIDATION[0], labels[:30]), options(3, engine="resident"))
    assert traced == {True: 1, False: 1}


def test_a_compiled_step_stays_compiled() -> None:
    compiled, plain = model(jit_compile=True), model(jit_compile=False)
    fit(compiled, TRAIN, VALIDATION, options())
    fit(plain, TRAIN, VALIDATION, options())
    same_weights(compiled, plain, tolerance=1e-5)


def test_blocks_grow_but_no_further_than_a_quarter_second(monkeypatch: pytest.MonkeyPatch) -> None:
    built = model()
    engine = ResidentEngine(built, TRAIN, None, 1)
    recorder = Recorder()
    events = keras.callbacks.CallbackList([recorder], model=built)
    built.stop_training = False
    engine.train_epoch(np.tile(np.arange(EXAMPLES), 10), events)
    lasts = [batch for name, batch in recorder.events if name == "batch_end"]
    lengths = np.diff([-1, *lasts])
    assert lengths[0] == 1
    assert lengths.max() == resident.MAX_BLOCK_BATCHES
    monkeypatch.setattr(resident, "MAX_BLOCK_SECONDS", 0.0)
    recorder.events.clear()
    engine.train_epoch(np.tile(np.arange(EXAMPLES), 10), events)
    lasts = [batch for name, batch in recorder.events if name == "batch_end"]
    assert set(np.diff(lasts)) == {1}


def test_constant_arrays_are_copied_once_and_released() -> None:
    x, y = arrays()
    x.setflags(write=False)
    kept = len(device_data._copies)
    first = ResidentEngine(model(), (x, y), None, BATCH)
    second = ResidentEngine(model(), (x, y), None, BATCH)
    assert first._training._x is second._training._x
    assert first._training._rest[0] is not second._training._rest[0]
    assert len(device_data._copies) == kept + 1
    del x, first, second
    gc.collect()
    assert len(device_data._copies) == kept


def test_a_read_only_view_of_a_writable_array_is_not_constant() -> None:
    view = arrays()[0].view()
    view.setflags(write=False)
    assert not device_data.is_constant(view)


def test_floats_are_cast_as_fit_casts_them() -> None:
    doubles = TRAIN[0].astype(np.float64), TRAIN[1].astype(np.uint8)
    one, two = model(), model()
    fit(one, doubles, None, options())
    fit(two, TRAIN, None, options())
    same_weights(one, two)
