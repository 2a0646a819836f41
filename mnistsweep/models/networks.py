"""The built-in image classifiers, one builder for each preset in `conf/model/`.

A builder takes ``(input_shape, classes)`` and, as keywords, exactly the keys of its preset. It returns a
`keras.Model`, not compiled, that ends in a softmax over the classes. Keras is imported inside the builders, so that
their signatures can be read in milliseconds. `mnistsweep.models.builders` calls them by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnistsweep.errors import ConfigError

if TYPE_CHECKING:
    import keras

Shape = tuple[int, ...]
"""The shape of one example, without the batch: for images (height, width, channels)."""


def conv_dense(
    input_shape: Shape,
    classes: int,
    *,
    conv_layers: int,
    filters: int,
    kernel_size: int,
    dense_layers: int,
    layer_size: int,
    dropout: float,
    activation: str,
) -> keras.Model:
    """Build convolutions of equal width without pooling, then dense layers with dropout after each.

    Args:
        input_shape: Height, width and, if not 1, channels of an image.
        classes: Width of the softmax.
        conv_layers: Number of convolutions; each reduces height and width by `kernel_size` - 1.
        filters: Filters of each convolution.
        kernel_size: Side of the square kernels, in pixels.
        dense_layers: Number of dense layers before the softmax.
        layer_size: Units of each dense layer.
        dropout: Fraction of units dropped after each dense layer, from 0 up to but not including 1.
        activation: Activation of every layer but the last.

    Example:
        >>> keys = {"conv_layers": 1, "filters": 25, "kernel_size": 3, "dense_layers": 3, "layer_size": 128}
        >>> conv_dense((28, 28, 1), 10, **keys, dropout=0.2, activation="relu").count_params()
        2197892
    """
    import keras

    convolutions = [
        keras.layers.Conv2D(filters, kernel_size, activation=activation, name=f"conv_{number}")
        for number in range(1, conv_layers + 1)
    ]
    dense = _dense(dense_layers, layer_size, dropout, activation)
    return _classifier("conv_dense", _image(input_shape), [*convolutions, *dense], classes)


def deep_conv(
    input_shape: Shape,
    classes: int,
    *,
    filters: Sequence[int],
    kernel_sizes: Sequence[int],
    pool_sizes: Sequence[int],
    conv_dropout: float,
    layer_size: int,
    dropout: float,
    last_layer_size: int,
    l1: float,
    activation: str,
) -> keras.Model:
    """Build a deeper convolutional network with an L1 penalty on its last dense layer.

    Args:
        input_shape: Height, width and, if not 1, channels of an image.
        classes: Width of the softmax.
        filters: Filters of each convolution.
        kernel_sizes: Side of each convolution's kernels, in pixels.
        pool_sizes: Side of the max pooling after each convolution, in pixels; 1 means none.
        conv_dropout: Fraction of the features dropped after the last convolution and its pooling.
        layer_size: Units of the first dense layer.
        dropout: Fraction of units dropped between the two dense layers.
        last_layer_size: Units of the second dense layer.
        l1: Weight of the sum of the second dense layer's absolute kernel values in the loss.
        activation: Activation of every layer but the last.

    Raises:
        ConfigError: The three lists differ in length.
    """
    import keras

    layers = _convolutions(filters, kernel_sizes, pool_sizes, activation)
    layers += _dropout(conv_dropout, "conv_dropout")
    layers += _dense(1, layer_size, dropout, activation)
    penalty = keras.regularizers.L1(l1) if l1 else None
    last = keras.layers.Dense(last_layer_size, activation=activation, kernel_regularizer=penalty, name="dense_last")
    return _classifier("deep_conv", _image(input_shape), [*layers, last], classes)


def _convolutions(
    filters: Sequence[int], kernel_sizes: Sequence[int], pool_sizes: Sequence[int], activation: str
) -> list[Any]:
    """Convolutions of different sizes, each followed by its pooling.

    Raises:
        ConfigError: The three lists differ in length.
    """
    import keras

    if not len(filters) == len(kernel_sizes) == len(pool_sizes):
        lengths = f"{len(filters)}, {len(kernel_sizes)} and {len(pool_sizes)}"
        rule = "model.filters, model.kernel_sizes and model.pool_sizes must have an entry for each convolution"
        raise ConfigError(f"{rule}; received {lengths} entries")
    layers = []
    for number, (width, kernel, pool) in enumerate(zip(filters, kernel_sizes, pool_sizes, strict=True), start=1):
        layers.append(keras.layers.Conv2D(width, kernel, activation=activation, name=f"conv_{number}"))
        layers += _pooling(number, pool)
    return layers


def perceptron(
    input_shape: Shape, classes: int, *, dense_layers: int, layer_size: int, dropout: float, activation: str
) -> keras.Model:
    """Build a multilayer perceptron over the flattened input, which may have any shape.

    Args:
        input_shape: Shape of one example.
        classes: Width of the softmax.
        dense_layers: Number of hidden layers.
        layer_size: Units of each hidden layer.
        dropout: Fraction of units dropped after each hidden layer, from 0 up to but not including 1.
        activation: Activation of the hidden layers.
    """
    import keras

    hidden = _dense(dense_layers, layer_size, dropout, activation)
    return _classifier("perceptron", [keras.Input(tuple(input_shape), name="input")], hidden, classes)


def tiny_conv(
    input_shape: Shape,
    classes: int,
    *,
    filters: int,
    kernel_size: int,
    dense_layers: int,
    layer_size: int,
    dropout: float,
    activation: str,
) -> keras.Model:
    """Build one small convolution without pooling and small dense layers, to try things out.

    Args:
        input_shape: Height, width and, if not 1, channels of an image.
        classes: Width of the softmax.
        filters: Filters of the convolution.
        kernel_size: Side of the square kernels, in pixels.
        dense_layers: Number of dense layers before the softmax.
        layer_size: Units of each dense layer.
        dropout: Fraction of units dropped after each dense layer, from 0 up to but not including 1.
        activation: Activation of every layer but the last.
    """
    import keras

    convolution = keras.layers.Conv2D(filters, kernel_size, activation=activation, name="conv_1")
    dense = _dense(dense_layers, layer_size, dropout, activation)
    return _classifier("tiny_conv", _image(input_shape), [convolution, *dense], classes)


def fast_conv(
    input_shape: Shape,
    classes: int,
    *,
    conv_layers: int,
    filters: int,
    kernel_size: int,
    pool_size: int,
    dense_layers: int,
    layer_size: int,
    dropout: float,
    activation: str,
) -> keras.Model:
    """Build convolutions that double their filters, each followed by max pooling, then dense layers: the default.

    Args:
        input_shape: Height, width and, if not 1, channels of an image.
        classes: Width of the softmax.
        conv_layers: Number of convolutions, each with its pooling.
        filters: Filters of the first convolution; each further one has twice as many.
        kernel_size: Side of the square kernels, in pixels.
        pool_size: Side of the max pooling, in pixels; 1 means none.
        dense_layers: Number of dense layers before the softmax.
        layer_size: Units of each dense layer.
        dropout: Fraction of units dropped after each dense layer, from 0 up to but not including 1.
        activation: Activation of every layer but the last.
    """
    import keras

    layers = []
    for number in range(1, conv_layers + 1):
        width = filters * 2 ** (number - 1)
        layers.append(keras.layers.Conv2D(width, kernel_size, activation=activation, name=f"conv_{number}"))
        layers += _pooling(number, pool_size)
    layers += _dense(dense_layers, layer_size, dropout, activation)
    return _classifier("fast_conv", _image(input_shape), layers, classes)


def _image(input_shape: Shape) -> list[Any]:
    """First layers of a model of images: the input, and a channel axis where the shape has none."""
    import keras

    shape = tuple(input_shape)
    if len(shape) not in (2, 3):
        raise ConfigError(
            f"a convolution needs images of shape (height, width) or (height, width, channels); received {shape}; "
            "for other data choose 'model=perceptron'"
        )
    channel = [] if len(shape) == 3 else [keras.layers.Reshape((*shape, 1), name="channel")]
    return [keras.Input(shape, name="input"), *channel]


def _pooling(number: int, size: int) -> list[Any]:
    import keras

    return [keras.layers.MaxPooling2D(size, name=f"pool_{number}")] if size > 1 else []


def _dropout(rate: float, name: str) -> list[Any]:
    import keras

    return [keras.layers.Dropout(rate, name=name)] if rate else []


def _dense(count: int, size: int, dropout: float, activation: str) -> list[Any]:
    """Flatten, then `count` dense layers of equal size, each followed by dropout."""
    import keras

    layers = [keras.layers.Flatten(name="flatten")]
    for number in range(1, count + 1):
        layers.append(keras.layers.Dense(size, activation=activation, name=f"dense_{number}"))
        layers += _dropout(dropout, f"dense_{number}_dropout")
    return layers


def _classifier(name: str, first: list[Any], layers: list[Any], classes: int) -> keras.Model:
    """Model that ends in a softmax, in float32 so that it stays exact under mixed precision."""
    import keras

    predictions = keras.layers.Dense(classes, activation="softmax", dtype="float32", name="predictions")
    return keras.Sequential([*first, *layers, predictions], name=name)
