"""Code of a user whose trainings are killed: models, callbacks and hypermodels that are hard to resume."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import keras
import keras_tuner
import numpy as np
from keras import layers


class Killed(BaseException):
    """Takes the place of a kill signal."""


class Killer(keras.callbacks.Callback):
    """Ends the training within an epoch (from 1), or after the last, if a file asks for it; records the epochs.

    Args:
        folder: Folder of the files: ``started`` lists the epochs; each file ``kill ...`` asks for one kill.
        epoch: Epoch to end within.
        last: Whether to end after the last epoch.
        really: Whether to send SIGKILL to the process instead of raising `Killed`.
    """

    def __init__(self, folder, epoch=3, last=False, really=False):
        super().__init__()
        self.folder, self.at, self.last, self.really = Path(folder), epoch, last, really
        self.now = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch + 1
        with (self.folder / "started").open("a") as file:
            file.write(f"{self.now} ")

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.at and batch > 1:
            self.kill()

    def kill(self):
        self.now = 0
        for flag in sorted(self.folder.glob("kill*"))[:1]:
            flag.unlink()
            if flag.name.endswith("no"):
                return
            if self.really:
                os.kill(os.getpid(), signal.SIGKILL)
            raise Killed

    def on_train_end(self, logs=None):
        if self.last:
            self.kill()
        values = [variable.numpy() for variable in (*self.model.variables, *self.model.optimizer.variables)]
        np.savez(self.folder / "final.npz", *values)


class Dice(keras.callbacks.Callback):
    """Changes the weights by random numbers of Python and numpy, and by values of its own attributes."""

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
    """Has the methods `get_state` and `set_state`."""

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


class Compiling(keras.callbacks.Callback):
    """Compiles the model in its second epoch, and ends the process in the third."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            self.model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        if epoch == 2:
            raise KeyboardInterrupt


@keras.saving.register_keras_serializable()
class TwoRates(keras.Model):
    """Trains with two optimizers; creates its variables with the first batch."""

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
    """Build a model in half precision, with a scaled loss and averaged weights."""
    inputs = x = keras.Input(input_shape)
    x = layers.BatchNormalization(dtype="mixed_float16")(layers.Flatten()(x))
    x = layers.Dense(8, "relu", dtype="bfloat16")(x)
    model = keras.Model(inputs, layers.Dense(classes, "softmax", dtype="float32")(x))
    adam = keras.optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=3)
    model.compile(keras.optimizers.LossScaleOptimizer(adam), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@keras.saving.register_keras_serializable()
class Noise(layers.Layer):
    """Draws random numbers without a seed."""

    def call(self, x, training=False):
        return x + 0.2 * keras.random.normal(keras.ops.shape(x)) if training else x


def noisy(input_shape, classes):
    inputs = keras.Input(input_shape)
    x = layers.Dense(8, "relu")(Noise()(layers.Flatten()(inputs)))
    return keras.Model(inputs, layers.Dense(classes, "softmax")(x))


class Phases(keras_tuner.HyperModel):
    """Its `fit` trains twice: the last layer alone, then all layers; the second training depends on the first."""

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


class Silent(keras_tuner.HyperModel):
    """Its `fit` passes no callback on, and returns a number."""

    def build(self, hp, input_shape, classes):
        model = keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(classes, "softmax")])
        model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, hp, model, x, y, validation_data, epochs, batch_size):
        history = model.fit(x, y, batch_size, epochs, 0, validation_data=validation_data, shuffle=False).history
        return history["val_accuracy"][-1]


class Loop(keras_tuner.HyperModel):
    """Its `fit` is a loop that calls `on_train_begin` and ignores the first epoch that the model asks for."""

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
