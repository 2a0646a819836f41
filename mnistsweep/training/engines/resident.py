"""The fast engine for TensorFlow: data stays on the device, and one call runs a block of many batches.

`model.fit` returns to Python after each batch, where a small network spends most of its time, and streams its data
through `tf.data`. Here a compiled loop gathers each batch from resident tensors by row number and calls the model's own
`train_step`, so that a model which overrides it is trained as it asks.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mnistsweep.training.engines.base import Arrays, Engine, evaluation_batch_size, scalars

RESIDENT_BYTES = 2 * 2**30
"""Largest data that is kept on the device: a quarter of a GPU of 8 GB, ten times MNIST in single precision."""

BLOCK_BATCHES = 64
"""Batches a call, at the most: a call then costs less than one percent, and 256 measured no faster."""

BLOCK_SECONDS = 0.25
"""Time a call should take, at the most, so that a request to stop is heard well within a second."""


class ResidentEngine(Engine):
    """Trains with one compiled function for training and one for evaluation, each traced once.

    See `obstacle` for what it cannot train. An array that cannot change (``array.flags.writeable`` is false) is copied
    to the device once and found there by the next engine, for as long as the array lives; others are copied each time.
    """

    def __init__(self, model: Any, train: Arrays, validation: Arrays | None, batch_size: int) -> None:
        super().__init__(model, train, validation, batch_size)
        _create_variables(model, train)
        self._training = _Loop(model.train_step, model.jit_compile, train)
        self._testing = _Loop(model.test_step, model.jit_compile, validation) if validation is not None else None

    def train_epoch(
        self, order: NDArray[np.integer[Any]], callbacks: Any, images: NDArray[Any] | None = None
    ) -> dict[str, float]:
        """Train one epoch; see `Engine.train_epoch`."""
        logs: dict[str, float] = {}
        for first, rows in self._training.blocks(order, self.batch_size):
            callbacks.on_train_batch_begin(first)
            logs = self._training.run(rows, images)
            callbacks.on_train_batch_end(first + len(rows) - 1, logs)
            if self.model.stop_training:
                break
        return logs

    def evaluate(self, callbacks: Any) -> dict[str, float]:
        """Evaluate; see `Engine.evaluate`."""
        if self.validation is None or self._testing is None:
            return {}
        images = self.validation[0]
        self.model.stop_evaluating = False
        callbacks.on_test_begin()
        self.model.reset_metrics()
        logs: dict[str, float] = {}
        for first, rows in self._testing.blocks(np.arange(len(images)), evaluation_batch_size(images, self.batch_size)):
            callbacks.on_test_batch_begin(first)
            logs = self._testing.run(rows)
            callbacks.on_test_batch_end(first + len(rows) - 1, logs)
            if self.model.stop_evaluating:
                break
        callbacks.on_test_end(logs)
        return logs


def obstacle(model: Any, splits: Iterable[Arrays | None]) -> str | None:
    """Say why the resident engine cannot train a model, or None where it can.

    Args:
        model: A compiled Keras model.
        splits: The training and the validation split.
    """
    size = sum(array.nbytes for split in splits if split is not None for array in split)
    if keras.backend.backend() != "tensorflow":
        return f"it needs the TensorFlow backend, Keras runs on {keras.backend.backend()!r}"
    if model.run_eagerly:
        return "the model is compiled with run_eagerly=True"
    if type(model).make_train_function is not keras.Model.make_train_function:
        return "the model brings its own make_train_function"
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return "the model is distributed over several devices"
    if size > RESIDENT_BYTES:
        return f"the data takes {size / 2**30:.1f} GiB, more than {RESIDENT_BYTES / 2**30:.0f} GiB"
    return None


def _create_variables(model: Any, split: Arrays) -> None:
    """Create the variables of a fresh model's optimizer and metrics by testing it on one example.

    A function that creates variables while it is traced is traced a second time, which costs a third of a second a
    trial. A model with steps of its own may not be testable so, and one that is continued is left as it was restored.
    """
    own_steps = any(
        getattr(type(model), name) is not getattr(keras.Model, name) for name in ("train_step", "test_step")
    )
    if own_steps or model.optimizer is None or model.optimizer.built:
        return
    x, y = (_copy_to_device(array[:1]) for array in split)
    model.test_step((x, y))
    model.reset_metrics()
    model.optimizer.build(model.trainable_variables)


class _Loop:
    """One compiled step, run over blocks of batches of one split.

    The first block is one batch long; blocks double until one takes `BLOCK_SECONDS` or has `BLOCK_BATCHES`, and shrink
    where steps turn out slower. Their length has no influence on the result.
    """

    def __init__(self, step: Callable[[Any], Any], jit_compile: bool, split: Arrays) -> None:
        self._x, self._y = (_on_device(array) for array in split)
        self._function = _compile(step, jit_compile, self._x, self._y)
        self._num_batches = 1

    def blocks(self, order: NDArray[np.integer[Any]], batch_size: int) -> Iterator[tuple[int, NDArray[np.int32]]]:
        """Yield each block's first batch number and its rows, an array (batches, examples); what is left comes last."""
        whole = len(order) // batch_size
        batches = order[: whole * batch_size].astype(np.int32).reshape(whole, batch_size)
        first = 0
        while first < whole:
            rows = batches[first : first + self._num_batches]
            yield first, rows
            first += len(rows)
        if len(order) > whole * batch_size:
            yield whole, order[whole * batch_size :].astype(np.int32)[None]

    def run(self, rows: NDArray[np.int32], images: NDArray[Any] | None = None) -> dict[str, float]:
        """Run the step on each row of `rows` and return the last result."""
        began = time.perf_counter()
        x = self._x if images is None else _copy_to_device(images)
        logs = scalars(self._function(x, self._y, rows))  # waits for the device, so that the time below is the true one
        affordable = int(BLOCK_SECONDS * len(rows) / max(time.perf_counter() - began, 1e-9))
        self._num_batches = max(1, min(affordable, 2 * self._num_batches, BLOCK_BATCHES))
        return logs


def _compile(step: Callable[[Any], Any], jit_compile: bool, x: Any, y: Any) -> Callable[..., Any]:
    """Compile a loop over blocks of any shape, so that the shorter last batch does not trace it a second time.

    The step is a function of its own because XLA can compile it but not the loop around it, and because it is called in
    two places; AutoGraph leaves it alone, as it does under `model.fit`.
    """
    import tensorflow as tf

    compiled = tf.function(lambda x, y: step((x, y)), autograph=False, reduce_retracing=True, jit_compile=jit_compile)

    def run_block(x: Any, y: Any, rows: Any) -> Any:
        def batch(i: Any) -> Any:
            return compiled(tf.gather(x, rows[i]), tf.gather(y, rows[i]))

        _, logs = tf.while_loop(
            lambda i, _: i < tf.shape(rows)[0], lambda i, _: (i + 1, batch(i)), (tf.constant(1), batch(0))
        )
        return logs

    signature = [
        tf.TensorSpec(x.shape, x.dtype),
        tf.TensorSpec(y.shape, y.dtype),
        tf.TensorSpec([None, None], tf.int32),
    ]
    return tf.function(run_block, autograph=False, input_signature=signature)  # type: ignore[no-any-return]


_resident: dict[int, tuple[weakref.ref[NDArray[Any]], Any]] = {}
"""Tensors on the device by the identity of the array they copy; an entry leaves with its array."""


def _on_device(array: NDArray[Any]) -> Any:
    """Copy an array to the device, or find the copy made before."""
    if not _is_constant(array):
        return _copy_to_device(array)
    key = id(array)
    if key not in _resident:
        reference = weakref.ref(array, lambda _: _resident.pop(key, None))
        _resident[key] = (reference, _copy_to_device(array))
    return _resident[key][1]


def _is_constant(array: NDArray[Any]) -> bool:
    """Whether neither the array nor any array that it is a view of can be written to."""
    base: Any = array
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return False
        base = base.base
    return True


def _copy_to_device(array: NDArray[Any]) -> Any:
    """Copy an array to the device, fractions in Keras's default precision, as `model.fit` does."""
    import tensorflow as tf

    if np.issubdtype(array.dtype, np.floating):
        array = array.astype(keras.config.floatx(), copy=False)
    return tf.constant(array)
