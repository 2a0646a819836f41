"""Trainings in one process that keeps the models of paused ones, as a worker does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pandas as pd

from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.paths import TrialPaths
from mnistsweep.training.compiled_model import CompiledModel
from mnistsweep.training.live_models import LiveModels
from mnistsweep.training.outcome import Outcome
from mnistsweep.training.resume_file import TrainingState, read_resume_file, resume_fingerprint
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.dataset_cache import DatasetCache
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel
from mnistsweep.tuner.hypermodel_training import make_training

GENERATED_NAME = "mean_io_u"


class Noise(keras.layers.Layer):  # type: ignore[misc]
    """Adds random numbers of Keras's generator without a seed."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs with noise, in the training."""
        return inputs + keras.random.normal(keras.ops.shape(inputs), stddev=0.2) if training else inputs


OWN = {"Noise": Noise}


def noisy(input_shape: Sequence[int], classes: int) -> Any:
    """A model with many random numbers; Keras numbers the name of its metric."""
    keras.metrics.MeanIoU(classes)  # so that the other one is called mean_io_u_1
    model = keras.Sequential([
        keras.Input(input_shape), keras.layers.Flatten(), Noise(), keras.layers.Dense(8, "relu"),
        keras.layers.BatchNormalization(), keras.layers.Dropout(0.3), keras.layers.Dense(classes, "softmax"),
    ])  # fmt: skip
    metric = keras.metrics.MeanIoU(classes, sparse_y_pred=False)
    model.compile(keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9), LOSS, metrics=[metric])
    return model


LOSS = "sparse_categorical_crossentropy"


class Shared:
    """A layer that several models use, and a model that a builder returns again and again."""

    layer: Any = None
    model: Any = None


def sharing(input_shape: Sequence[int], classes: int, trainable: bool = False) -> Any:
    """A model with a layer that the next model has, too."""
    if Shared.layer is None:
        Shared.layer = keras.layers.Dense(4, name="shared", trainable=trainable)
    return keras.Sequential([
        keras.Input(input_shape), keras.layers.Flatten(), Shared.layer, keras.layers.Dense(classes, "softmax"),
    ])  # fmt: skip


def returned_again(input_shape: Sequence[int], classes: int) -> Any:
    """The same model in each call."""
    if Shared.model is None:
        Shared.model = half_precision(input_shape, classes)
    return Shared.model


def half_precision(input_shape: Sequence[int], classes: int) -> Any:
    """A model whose optimizer scales the loss, and has a variable that Keras does not track."""
    inputs = x = keras.Input(input_shape)
    x = keras.layers.Dense(8, "relu", dtype="mixed_float16")(keras.layers.Flatten()(x))
    x = keras.layers.BatchNormalization(dtype="mixed_float16")(x)
    model = keras.Model(inputs, keras.layers.Dense(classes, "softmax")(x))
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Nadam(0.01), dynamic_growth_steps=5)
    model.compile(scaled, LOSS, metrics=["accuracy"])
    return model


class Counting(keras.Model):  # type: ignore[misc]
    """A model with a variable that Keras does not know."""

    def __init__(self, classes: int) -> None:
        import tensorflow as tf

        super().__init__()
        self.flatten, self.dense = keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")
        self.hidden = {"steps": tf.Variable(0.0, trainable=False)}.__getitem__

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the outputs, which depend on the number of steps."""
        if training:
            self.hidden("steps").assign_add(1.0)
        return self.dense(self.flatten(inputs) * (1.0 + 0.01 * self.hidden("steps")))


def counting(input_shape: Sequence[int], classes: int) -> Any:
    """A model with a variable that Keras does not know."""
    return Counting(classes)


class TensorFlowNoise(keras.layers.Layer):  # type: ignore[misc]
    """Adds random numbers of TensorFlow's generator, the state of which is no variable."""

    def call(self, inputs: Any) -> Any:
        """Return the inputs with noise."""
        import tensorflow as tf

        return inputs + tf.random.normal(tf.shape(inputs), stddev=0.1)


def of_tensorflow(input_shape: Sequence[int], classes: int) -> Any:
    """A model with random numbers of TensorFlow."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input(input_shape), layers.Flatten(), TensorFlowNoise(), layers.Dense(classes, "softmax")
    ])  # fmt: skip


class PythonNoise(keras.layers.Layer):  # type: ignore[misc]
    """Adds random numbers of a generator of its own, which runs in Python."""

    def __init__(self) -> None:
        super().__init__()
        self._generator = np.random.default_rng(1)

    def call(self, inputs: Any) -> Any:
        """Return the inputs with noise."""
        import tensorflow as tf

        noise = tf.numpy_function(lambda: np.float32(self._generator.normal()), [], tf.float32)
        return inputs + tf.reshape(noise, ())


def of_python(input_shape: Sequence[int], classes: int) -> Any:
    """A model with code that runs in Python."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input(input_shape), layers.Flatten(), PythonNoise(), layers.Dense(classes, "softmax")
    ])  # fmt: skip


def half(input_shape: Sequence[int], classes: int) -> Any:
    """A model whose builder changes a setting of the process."""
    keras.config.set_epsilon(1e-3)
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")])


class Own(keras.callbacks.Callback):  # type: ignore[misc]
    """A callback of the user."""


class LiveWorker:
    """Trains trials in jobs, in a folder of its own.

    Attributes:
        live: Models of paused trials.
        builds: Numbers of the trials whose models were built, in order.
    """

    def __init__(self, folder: Path, overrides: Sequence[str], maximum: int = 4, **options: Any) -> None:
        folder.mkdir(parents=True)
        self.live = LiveModels(maximum, **options)
        self.builds: list[int] = []
        self._folder = folder
        self._overrides = list(overrides)
        self._datasets = DatasetCache()

    def config(self, number: int) -> Any:
        """Configuration of a trial."""
        overrides = ["objective=val_accuracy", *self._overrides, f"seed={number + 3}"]
        return to_config(compose(Recipe(tuple(overrides))))

    def paths(self, number: int) -> TrialPaths:
        """Files of a trial."""
        return TrialPaths(self._folder / str(number))

    def state(self, number: int) -> TrainingState | None:
        """The state in the resume file of a trial."""
        return read_resume_file(self.paths(number).resume, resume_fingerprint(self.config(number)))

    def run(self, number: int, until: int | None = None) -> Outcome:
        """Run a job of a trial."""
        config, paths = self.config(number), self.paths(number)
        paths.folder.mkdir(exist_ok=True)
        hypermodel = ConfiguredHyperModel(config, self._datasets.load(config.data))
        training = make_training(
            hypermodel, keras_tuner.HyperParameters(), "max", paths, Hooks(), paths.resume, until, self.live, number
        )

        def build() -> Any:
            self.builds.append(number)
            return training.build()

        return replace(training, build=build).run(self.state(number))

    def models(self) -> list[CompiledModel]:
        """The models in memory."""
        return list(self.live._models.values())


def assert_same(one: LiveWorker, other: LiveWorker, number: int) -> None:
    """Two workers have trained a trial with the same results, to the last bit."""
    curves = [pd.read_csv(worker.paths(number).history, dtype=str).drop(columns="seconds") for worker in (one, other)]
    pd.testing.assert_frame_equal(*curves, check_exact=True)
    states = [worker.state(number) for worker in (one, other)]
    phases = [{**state.phases[-1], "callbacks": []} for state in states if state is not None]  # they measure times
    found, expected = map(list, map(_arrays, phases))
    assert len(found) == len(expected) > 10
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    files = [worker.paths(number).model for worker in (one, other)]
    models = [keras.models.load_model(file, compile=False, custom_objects=OWN) for file in files]
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        assert a.tobytes() == b.tobytes()


def _arrays(value: Any) -> Any:
    """All arrays and numbers in a state, in order."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, list | tuple):
        for one in value:
            yield from _arrays(one)
    elif isinstance(value, int | float | str | bool | np.ndarray) and not isinstance(value, str):
        yield np.asarray(value)
