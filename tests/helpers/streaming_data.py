"""Loaders and models of a user with data that stream; all have the same examples."""

from __future__ import annotations

import itertools
import os
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import layers

BATCH = 32
NAMES = np.array(["cat", "dog", "owl"])


def arrays():
    """Three classes of points; training, validation and test part."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4)).astype("float32")
    y = (x[:, 0] + x[:, 1] > 0).astype("int64") + (x[:, 2] > 0.5)
    return (x[:200], y[:200]), (x[200:250], y[200:250]), (x[250:], y[250:])


def dataset(*parts, batch=BATCH):
    import tensorflow as tf

    made = tf.data.Dataset.from_tensor_slices(parts)
    return made.batch(batch) if batch else made


class Batches(keras.utils.PyDataset):
    """Batches by number; the instance counts the ends of epochs."""

    def __init__(self, *parts, **options):
        super().__init__(**options)
        self.parts, self.ends = parts, 0

    @property
    def num_batches(self):
        return -(-len(self.parts[0]) // BATCH)

    def __getitem__(self, index):
        return tuple(part[BATCH * index : BATCH * (index + 1)] for part in self.parts)

    def on_epoch_end(self):
        self.ends += 1


class Shuffled(Batches):
    """Another order in each epoch."""

    def on_epoch_end(self):
        order = np.random.default_rng(self.ends).permutation(len(self.parts[0]))
        self.parts, self.ends = tuple(part[order] for part in self.parts), self.ends + 1


def three():
    return tuple(dataset(*part) for part in arrays())


def two(batch=BATCH):
    train, _, test = arrays()
    return dataset(*train, batch=batch), dataset(*test, batch=batch)


def reshuffled():
    return tuple(dataset(*part, batch=0).shuffle(300).batch(BATCH) for part in arrays())


def reshuffled_two():
    train, _, test = reshuffled()
    return train, test


def reshuffled_at_the_end():
    """Only the last part is in another order at each pass."""
    (x, y), _, test = arrays()
    train = dataset(x[:100], y[:100], batch=0).concatenate(dataset(x[100:], y[100:], batch=0).shuffle(100))
    return train.batch(20), dataset(*test)


def distorted():
    """Other values at each reading."""
    import tensorflow as tf

    train, validation, test = three()
    return train.map(lambda x, y: (x + tf.random.normal(tf.shape(x)), y)), validation, test


def split_at_random():
    """Another split in each process, and another order at each pass."""
    (x, y), validation, test = arrays()
    order = np.random.default_rng(os.getpid()).permutation(len(x))[:100]
    return dataset(x[order], y[order], batch=0).shuffle(200).batch(BATCH), dataset(*validation), dataset(*test)


def endless(steps_are_ordered=True):
    train, validation, test = three()
    return train.repeat() if steps_are_ordered else train.shuffle(10).repeat(), validation, test


def endless_validation():
    train, validation, test = three()
    return train, validation.repeat(), test


def weighted():
    """Examples of class 0 do not count."""
    return tuple(dataset(x, y, np.where(y == 0, 0.0, 1.0).astype("float32")) for x, y in arrays())


def texts():
    return tuple(dataset(x, NAMES[y]) for x, y in arrays())


def py_two():
    train, _, test = arrays()
    return Batches(*train), Batches(*test)


def py_three():
    return tuple(Batches(*part) for part in arrays())


def py_shuffled():
    return tuple(Shuffled(*part) for part in arrays())


def py_threads():
    return tuple(Batches(*part, workers=2) for part in arrays())


def torch_three():
    import torch

    def loader(x, y):
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y)), BATCH)

    return tuple(loader(*part) for part in arrays())


def arrays_with_streams():
    train, validation, test = arrays()
    return train, dataset(*validation), dataset(*test)


def stream_with_arrays():
    train, validation, test = arrays()
    return dataset(*train), validation, test


def no_test():
    train, validation, _ = three()
    return train, validation, None


def named():
    """As `image_dataset_from_directory` gives it: class names beside the numbers; the last class is empty."""
    train, validation, test = three()
    train.class_names = ["cat", "dog", "owl", "yak"]
    return train, validation, test


def two_outputs():
    def part(x, y):
        return dataset(x, {"kind": y, "sum": x.sum(axis=1)})

    return tuple(part(*one) for one in arrays())


def generator():
    return (one for one in itertools.repeat(arrays()[0])), arrays()[2]


def missing_values():
    (x, y), validation, test = arrays()
    x[70, 1] = np.nan
    return dataset(x, y), dataset(*validation), dataset(*test)


def inputs_only():
    return tuple(dataset(x).map(lambda one: one) for x, _ in arrays())


def ragged():
    """Rows of token numbers of different lengths; token 7 makes a row positive."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 7, rng.integers(1, 6)).tolist() + [7] * (index % 2) for index in range(96)]
    x, y = tf.ragged.constant(rows, dtype="int32"), np.arange(96) % 2
    whole = tf.data.Dataset.from_tensor_slices((x, y))
    return whole.take(64).batch(16), whole.skip(64).batch(16), whole.take(16).batch(16)


class Means(layers.Layer):
    """Mean over the elements of each row."""

    def call(self, rows):
        import tensorflow as tf

        return tf.reduce_mean(rows, axis=1)

    def compute_output_shape(self, shape):
        return shape[0], shape[2]


def of_rows(input_shape):
    x = layers.Embedding(8, 4)(inputs := keras.Input(input_shape, dtype="int32", ragged=True))
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(Means()(x)))
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return model


def net(input_shape, classes=3, units=8):
    hidden = layers.Dense(units, "relu")
    return keras.Sequential([keras.Input(input_shape), hidden, layers.Dense(classes, "softmax")])


def compiled(input_shape):
    model = net(input_shape)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def with_two_outputs(input_shape):
    x = layers.Dense(8, "relu")(inputs := keras.Input(input_shape))
    outputs = {"kind": layers.Dense(3, "softmax", name="kind")(x), "sum": layers.Dense(1, name="sum")(x)}
    model = keras.Model(inputs, outputs)
    model.compile("adam", {"kind": "sparse_categorical_crossentropy", "sum": "mse"}, metrics={"kind": "accuracy"})
    return model


class OwnFit(keras_tuner.HyperModel):
    def build(self, hp):
        hp.Choice("units", [4, 8])
        return compiled((4,))

    def fit(self, hp: Any, model: Any, *args: Any, **options: Any) -> Any:
        assert len(args) == 1
        assert "batch_size" not in options
        return model.fit(*args, **options)


class NeedsTargets(keras_tuner.HyperModel):
    def build(self, hp):
        hp.Choice("units", [4, 8])
        return compiled((4,))

    def fit(self, hp: Any, model: Any, x: Any, y: Any, **options: Any) -> Any:
        return model.fit(x, y, **options)
