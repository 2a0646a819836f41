"""Hypermodels of a user with a `fit` of their own, as in KerasTuner's guides; each records what its `fit` returns."""

from __future__ import annotations

import functools

import keras
import keras_tuner
import numpy as np
import tensorflow as tf
from keras import layers

returned = []


def plain(input_shape, classes):
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(classes, "softmax")])


def record(value):
    returned.append(value)
    return value


class Classifier(keras_tuner.HyperModel):
    """Builds and compiles a classifier; the classes below it have a `fit`."""

    def build(self, hp):
        model = keras.Sequential([layers.Flatten(), layers.Dense(hp.Int("units", 2, 6)), layers.Dense(4, "softmax")])
        model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model


class Number(Classifier):
    """Returns a single number to minimize, and passes the callbacks on without validation data."""

    def fit(self, hp, model, x, y, validation_data, **kwargs):
        model.fit(x, y, **kwargs)
        x_val, y_val = validation_data
        probabilities = model.predict(x_val, verbose=0)
        return record(np.mean(1 - probabilities[np.arange(len(y_val)), y_val]))


class Dictionary(Classifier):
    """Returns two metrics, and passes no callback on."""

    def fit(self, hp, model, x, y, validation_data, epochs):
        model.fit(x, y, epochs=epochs, verbose=0)
        loss, accuracy = model.evaluate(*validation_data, verbose=0)
        return record({"metric_a": -loss, "metric_b": accuracy})


class Constant(Classifier):
    """Logs the validation accuracy of each epoch, and returns another number."""

    def fit(self, hp, model, *args, **kwargs):
        model.fit(*args, **kwargs)
        return 0.125


class Passing(Classifier):
    """Passes everything on, and returns the History."""

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, **kwargs)


class Silent(Classifier):
    """Passes no callback on, and returns the History, or nothing."""

    def __init__(self, kind="history"):
        super().__init__()
        self.kind = kind

    def fit(self, hp, model, x, y, validation_data, epochs):
        history = model.fit(x, y, validation_data=validation_data, epochs=epochs, verbose=0)
        record(history.history["val_accuracy"])
        return history if self.kind == "history" else None


class Outside(Classifier):
    """Trains another model than the built one."""

    def fit(self, hp, model, x, y, validation_data, epochs):
        outer = keras.Sequential([layers.Rescaling(2.0), model])
        outer.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = outer.fit(x, y, validation_data=validation_data, epochs=epochs, verbose=0)
        record(history.history["val_accuracy"])
        return history


class CustomLoop(keras_tuner.HyperModel):
    """The custom training loop of KerasTuner's guide, with a smaller model: it ignores requests to stop."""

    def build(self, hp):
        inputs = keras.Input(shape=(6, 6, 1))
        x = layers.Flatten()(inputs)
        x = layers.Dense(units=hp.Choice("units", [4, 8]), activation="relu")(x)
        return keras.Model(inputs=inputs, outputs=layers.Dense(4)(x))

    def fit(self, hp, model, x, y, validation_data, callbacks=None, **kwargs):
        batch_size = hp.Int("batch_size", 32, 128, step=32, default=64)
        train_ds = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size)
        validation_data = tf.data.Dataset.from_tensor_slices(validation_data).batch(batch_size)
        optimizer = keras.optimizers.Adam(hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3))
        loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        epoch_loss_metric = keras.metrics.Mean()

        def run_train_step(images, labels):
            with tf.GradientTape() as tape:
                loss = loss_fn(labels, model(images))
            optimizer.apply_gradients(
                zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
            )

        for callback in callbacks:
            callback.set_model(model)
        best_epoch_loss = float("inf")
        for epoch in range(2):
            for images, labels in train_ds:
                run_train_step(images, labels)
            for images, labels in validation_data:
                epoch_loss_metric.update_state(loss_fn(labels, model(images)))
            epoch_loss = float(epoch_loss_metric.result().numpy())
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"my_metric": epoch_loss})
            epoch_loss_metric.reset_state()
            best_epoch_loss = min(best_epoch_loss, epoch_loss)
        return record(best_epoch_loss)


class OwnTuner(keras_tuner.Tuner):
    def run_trial(self, trial, *args, **kwargs):
        return trial.hyperparameters.Float("x", -1.0, 1.0) ** 2


def named_hparams(hparams, input_shape, classes):
    hparams.Int("units", 2, 4)
    return plain(input_shape, classes)


class Callable:
    def __call__(self, hyperparameters, input_shape, classes):
        return named_hparams(hyperparameters, input_shape, classes)


callable_object = Callable()


def with_width(hp, width, input_shape, classes):
    hp.Int("units", 2, width)
    return plain(input_shape, classes)


partial = functools.partial(with_width, width=4)


def needs_width(width, input_shape, classes):
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(width), layers.Dense(classes)])


def dependent(hp, input_shape, classes):
    a = hp.Int("a", 14, 28)
    hp.Int("b", int(0.6 * a), a)
    return plain(input_shape, classes)


def jointly_dependent(hp, input_shape, classes):
    a, b = hp.Boolean("a"), hp.Boolean("b")
    hp.Choice("c", [1, 2, 3] if a and b else [1, 2])
    return plain(input_shape, classes)


def none_in_choice(hp, input_shape, classes):
    hp.Choice("norm", [None, "l2"])
    return plain(input_shape, classes)


def mixed_later(hp, input_shape, classes):
    if hp.Boolean("deep"):
        hp.Choice("width", [1, "two"])
    return plain(input_shape, classes)
