"""Source of a user's module with models that Keras cannot read back from a file without the user's help."""

from __future__ import annotations

OWN_MODELS = '''
import keras
import numpy as np
from keras import layers, ops

class Scaled(layers.Layer):
    """A layer that is registered nowhere."""
    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")
        self.factor = self.add_weight(shape=(), initializer="ones", name="factor")
    def call(self, x):
        return ops.matmul(x, self.kernel) * self.factor

class Opaque(layers.Layer):
    """A layer with an object among its arguments: it has no configuration, so Keras cannot save it."""
    def __init__(self, settings):
        super().__init__()
        self.settings, self.dense = settings, layers.Dense(4, "softmax")
    def call(self, x):
        return self.dense(x * self.settings.factor)

class Settings:
    factor = 2.0

class Focal(keras.losses.Loss):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma
    def call(self, y_true, y_pred):
        right = ops.sum(ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), 4) * y_pred, axis=-1)
        return -((1 - right) ** self.gamma) * ops.log(right + 1e-7)

class Hits(keras.metrics.Metric):
    """A metric without a name."""
    def __init__(self):
        super().__init__()
        self.hits = self.add_weight(shape=(), initializer="zeros", name="hits")
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")
    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        self.hits.assign_add(ops.sum(ops.cast(ops.argmax(y_pred, axis=-1) == y_true, "float32")))
        self.count.assign_add(ops.cast(ops.shape(y_true)[0], "float32"))
    def result(self):
        return self.hits / self.count

class Net(keras.Model):
    """A model that creates its variables with the first batch, and has no `get_config`."""
    def __init__(self, classes, hidden):
        super().__init__()
        self.flat, self.drop, self.norm = layers.Flatten(), layers.Dropout(0.2), layers.BatchNormalization()
        self.hidden = [Scaled(units) for units in hidden]
        self.out = layers.Dense(classes, "softmax")
    def call(self, x, training=False):
        x = self.flat(x)
        for layer in self.hidden:
            x = ops.relu(layer(x))
        return self.out(self.drop(self.norm(x, training=training), training=training))

class Stepping(Net):
    """Has a training step of its own, which works with every backend but is written for TensorFlow."""
    def train_step(self, data):
        import tensorflow as tf
        x, y = data
        with tf.GradientTape() as tape:
            predicted = self(x, training=True)
            loss = 2 * self.compute_loss(x, y, predicted)
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        for metric in self.metrics:
            metric.update_state(*((loss,) if metric.name == "loss" else (y, predicted)))
        return {**self.get_metrics_result(), "doubled": loss}

def compiled(model, loss="sparse_categorical_crossentropy", metrics=("accuracy",)):
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=list(metrics))
    return model

def sequential(input_shape, *more):
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), *more])

def layer(input_shape, classes):
    return compiled(sequential(input_shape, Scaled(16), layers.Dense(classes, "softmax")))

def uncompiled(input_shape, classes):
    return sequential(input_shape, Scaled(16), layers.Dense(classes, "softmax"))

def lambdas(input_shape, classes):
    factor = 3.0
    squared = layers.Lambda(lambda x: ops.square(x) * factor)
    return compiled(sequential(input_shape, squared, layers.Dense(classes, "softmax")))

def subclassed(input_shape, classes):
    return compiled(Net(classes, [16, 8]))

def stepping(input_shape, classes):
    return compiled(Stepping(classes, [16]))

def opaque(input_shape, classes):
    return compiled(sequential(input_shape, Opaque(Settings())))

def losses(input_shape, classes):
    return compiled(sequential(input_shape, layers.Dense(classes, "softmax")), Focal(1.5), [Hits()])

def functions(input_shape, classes):
    """A loss and a metric that are functions in a function."""
    def loss(y_true, y_pred):
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred) * classes
    def hits(y_true, y_pred):
        return keras.metrics.sparse_categorical_accuracy(y_true, y_pred)
    return compiled(sequential(input_shape, layers.Dense(classes, "softmax")), loss, [hits])

def normalized(input_shape, classes):
    """A layer that is adapted while the model is built."""
    normal = layers.Normalization(axis=None)
    normal.adapt(np.linspace(0, 1, 50, dtype="float32"))
    return compiled(sequential(input_shape, normal, layers.Dense(classes, "softmax")))

def random_constants(input_shape, classes):
    """Random features: numbers that are no variables, so that a file does not hold them."""
    features = ops.convert_to_tensor(np.random.normal(size=(36, 32)).astype("float32"))
    class Random(layers.Layer):
        def call(self, x):
            return ops.relu(ops.matmul(x, features))
    return compiled(sequential(input_shape, Random(), layers.Dense(classes, "softmax")))
'''
