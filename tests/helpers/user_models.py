"""Source of a user's module with models, as in KerasTuner's documentation."""

from __future__ import annotations

USER_MODULE = '''
import keras
import keras_tuner
import tensorflow as tf
from keras import layers

ACCURACY = dict(loss="sparse_categorical_crossentropy", metrics=["accuracy"])

def plain(input_shape, classes, width=3, activation=None):
    hidden = layers.Dense(width, activation)
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), hidden, layers.Dense(classes, "softmax")])

def layered(hp):
    """The first example of KerasTuner's guide: layers in a loop, compiled with a rate of its own."""
    model = keras.Sequential()
    model.add(layers.Flatten())
    for i in range(hp.Int("num_layers", 1, 3)):
        units = hp.Int(f"units_{i}", min_value=4, max_value=16, step=4)
        model.add(layers.Dense(units, activation=hp.Choice("activation", ["relu", "tanh"])))
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(rate=hp.Float("rate", 0.1, 0.3, step=0.1)))
    model.add(layers.Dense(4, activation="softmax"))
    rate = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
    model.compile(keras.optimizers.Adam(rate), **ACCURACY)
    return model

def scoped(hp, input_shape, classes):
    """Conditional scopes, one in the other."""
    kind = hp.Choice("model type", ["mlp", "wide", "linear"])
    inputs = x = keras.Input(input_shape)
    x = layers.Flatten()(x)
    with hp.conditional_scope("model type", ["mlp", "wide"]):
        if kind in ("mlp", "wide"):
            x = layers.Dense(hp.Int("mlp/units", 2, 64, sampling="log"))(x)
            norm = hp.Boolean("mlp/norm", default=True)
            with hp.conditional_scope("mlp/norm", [True]):
                if norm:
                    x = layers.BatchNormalization(momentum=hp.Float("mlp/momentum", 0.5, 0.99))(x)
    hp.Fixed("version", 3)
    with hp.conditional_scope("version", [3]):
        hp.Choice("always", [1, 2])
    with hp.conditional_scope("version", [4]):
        hp.Choice("never", [1, 2])
    hp.Int("only one", 5, 5)
    return keras.Model(inputs, layers.Dense(classes, "softmax")(x))

def steps(hp):
    hp.Int("int", 2, 9, step=3)
    hp.Int("int log", 2, 32, step=2, sampling="log")
    hp.Float("float", 0, 0.5, step=0.1)
    hp.Float("float log", 1e-3, 10, step=10, sampling="log")
    hp.Float("float reverse", 1, 4, step=2, sampling="reverse_log")
    hp.Float("reverse", 1, 4, sampling="reverse_log")
    hp.Choice("text", ["b", "a"], default="a")
    hp.Choice("numbers", [3, 1, 2])
    return layered(hp)

class Built(keras_tuner.HyperModel):
    def __init__(self, classes, activation="relu"):
        super().__init__()
        self.classes, self.activation = classes, activation
    def build(self, hp, input_shape):
        return plain(input_shape, self.classes, hp.Int("units", 4, 12, step=4), self.activation)

class Fitted(keras_tuner.HyperModel):
    """As in the guide: `fit` declares hyperparameters of its own. The object that builds is the one that fits."""
    def build(self, hp):
        self.units = hp.Int("units", 4, 12, step=4)
        model = keras.Sequential([layers.Flatten(), layers.Dense(self.units, "relu"), layers.Dense(4, "softmax")])
        model.compile(keras.optimizers.Adam(0.01), **ACCURACY)
        return model
    def fit(self, hp, model, x, y, **kwargs):
        assert self.units == hp.get("units")
        if hp.Boolean("normalize"):
            x = x - x.mean()
            kwargs["batch_size"] = hp.Choice("size", [16, 32])
        return model.fit(x, y, shuffle=hp.Boolean("shuffle"), epochs=hp.Int("epochs", 1, 3), **kwargs)

class Loop(keras_tuner.HyperModel):
    """A loop of its own, as in the guide to custom training: it calls the callbacks and returns a number."""
    def build(self, hp):
        hidden = layers.Dense(hp.Int("units", 4, 8), "relu")
        return keras.Sequential([keras.Input((6, 6, 1)), layers.Flatten(), hidden, layers.Dense(4)])
    def fit(self, hp, model, x, y, validation_data, callbacks=None, **kwargs):
        batch_size = hp.Int("batch_size", 20, 60, step=20)
        batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size)
        optimizer = keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-1, sampling="log", default=1e-2))
        loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        mean = keras.metrics.Mean()
        for callback in callbacks:
            callback.set_model(model)
        best = float("inf")
        for epoch in range(2):
            for images, labels in batches:
                with tf.GradientTape() as tape:
                    loss = loss_fn(labels, model(images))
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
                mean.update_state(loss)
            epoch_loss = float(mean.result())
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"my_metric": epoch_loss})
            mean.reset_state()
            best = min(best, epoch_loss)
        return best

class Catches(Fitted):
    def fit(self, hp, model, *args, **kwargs):
        try:
            return model.fit(*args, shuffle=hp.Boolean("shuffle"), **kwargs)
        except Exception:
            hp.Int("after", 1, 2)
            raise

def broken(hp):
    hp.Int("units", 1, 4)
    raise RuntimeError("no weights\\nat hand")

def breaks_later(hp, input_shape, classes):
    if hp.Choice("units", [4, 8]) == 8:
        raise RuntimeError("too wide")
    return plain(input_shape, classes)

def declares_twice(hp, input_shape, classes):
    kind = hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        hp.Int("units", 1, 4)
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("units", 8, 9)
    return plain(input_shape, classes)
'''
