"""Training on data that stream, by one call of `model.fit`.

`fit` reads the datasets as it does for any program: it keeps the place in an infinite dataset from one epoch to the
next, and sends the events of a `PyDataset`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import optree

from mnistsweep.data.streams.batches import decode_texts, unpack_batch
from mnistsweep.data.structure import leaves, map_leaves
from mnistsweep.errors import ConfigError
from mnistsweep.training.callbacks.logs import numbers_in
from mnistsweep.training.engines.announcement import announce_engine
from mnistsweep.training.engines.base import AnySplit, StreamSplit, evaluation_batch_size


def fit_stream(
    model: Any,
    train: StreamSplit,
    validation: AnySplit | None,
    epochs: int,
    batch_size: int,
    steps_per_epoch: int | None,
    callbacks: Sequence[keras.callbacks.Callback],
) -> list[dict[str, float]]:
    """Train a compiled model on data that stream; returns its learning curves, as `loop.fit` does.

    Args:
        model: A compiled Keras model.
        train: Training split.
        validation: Validation split; None for no evaluation.
        epochs: Epoch after which the training ends.
        batch_size: Number of examples in a batch, where a dataset has no batches of its own.
        steps_per_epoch: Number of batches in an epoch of an infinite dataset.
        callbacks: Keras callbacks.
    """
    stream = train.stream
    size = stream.own_batch_size
    batches = f"in batches of {batch_size}" if size is None else f"in its own batches of {size}"
    announce_engine("fit", f"the training data stream: a {stream.kind} {batches}")
    recorder = _Recorder()
    model.fit(
        fit_input(train, batch_size),
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        callbacks=[*callbacks, recorder],
        verbose=0,
        shuffle=stream.kind == "keras.utils.PyDataset",  # Keras draws the order; for others it warns
        **_validation_options(validation, batch_size),
    )
    return recorder.records


def _validation_options(validation: AnySplit | None, batch_size: int) -> dict[str, Any]:
    """Arguments of `model.fit` for the validation split."""
    if validation is None:
        return {}
    if isinstance(validation, StreamSplit):
        return {"validation_data": fit_input(validation, batch_size)}
    return {"validation_data": validation, "validation_batch_size": evaluation_batch_size(validation[0], batch_size)}


def fit_input(split: StreamSplit, batch_size: int) -> Any:
    """The dataset of a split, as `model.fit` takes it: in batches, with the targets that the model gets.

    Args:
        split: Split that streams.
        batch_size: Number of examples in a batch, where the dataset has no batches of its own.

    Raises:
        ConfigError: The targets of a torch `DataLoader` would have to be converted.
    """
    stream, encode = split.stream, split.encode
    dataset = stream.source.batched(batch_size)
    if encode is None:
        return dataset
    if stream.kind == "tf.data.Dataset":
        return _map_tensors(dataset, split)
    if stream.kind == "keras.utils.PyDataset":
        from mnistsweep.data.streams.py_datasets import Converted

        return Converted(dataset, lambda batch: _convert(batch, split))
    raise ConfigError(
        f"data: the targets of a {stream.kind} are not converted, for the loss or by trainer.class_weight; "
        "let it deliver what the loss expects, and sample weights"
    )


class _Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Records the metrics of each epoch; callbacks before it may have added values of any type to the logs."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Record the metrics."""
        self.records.append(numbers_in(logs or {}))


def _convert(batch: Any, split: StreamSplit) -> tuple[Any, ...]:
    """A batch of a `PyDataset` with converted targets and weights."""
    assert split.encode is not None
    x, y, *given = unpack_batch(batch)
    weights = keras.ops.convert_to_numpy(given[0]) if given else None
    targets, weights = split.encode(map_leaves(decode_texts, y), weights)
    return (x, targets) if weights is None else (x, targets, weights)


def _map_tensors(dataset: Any, split: StreamSplit) -> Any:
    """A `tf.data.Dataset` with converted targets and weights; NumPy computes them, so they are those of arrays."""
    import tensorflow as tf

    encode, first = split.encode, split.stream.scan.first
    assert encode is not None
    targets, weights = encode(first.targets, first.weights)
    expected = [*leaves(targets), *([] if weights is None else [weights])]
    form = optree.tree_structure(targets)

    def convert_arrays(*arrays: Any) -> list[Any]:
        given = [decode_texts(array) for array in arrays]
        own = given.pop() if first.weights is not None else None
        y, w = encode(optree.tree_unflatten(optree.tree_structure(first.targets), given), own)
        return [
            np.asarray(array, like.dtype)
            for array, like in zip([*leaves(y), *([] if w is None else [w])], expected, strict=True)
        ]

    def convert(*batch: Any) -> tuple[Any, ...]:
        x, y, *given = batch
        flat = [*optree.tree_leaves(y), *given]
        converted = tf.numpy_function(convert_arrays, flat, [like.dtype for like in expected])
        for tensor, like in zip(converted, expected, strict=True):
            tensor.set_shape((None, *like.shape[1:]))
        y = optree.tree_unflatten(form, converted[: form.num_leaves])
        y = tuple(y) if isinstance(y, list) else y  # `tf.data` takes a list for one tensor
        return (x, y) if weights is None else (x, y, converted[-1])

    return dataset.map(convert, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
