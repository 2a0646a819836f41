"""The fast engine for TensorFlow: the data stays on the device, and one call runs a block of many batches.

`model.fit` returns to Python after each batch, where a small network spends most of its time, and streams its data
through `tf.data`. Here, a compiled loop gathers each batch from tensors on the device by row number and calls the
model's own `train_step`, so that a model that overrides it is trained by its own step.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Set
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.structure import Structure, leaves, map_leaves, num_examples
from mnistsweep.training.building import has_fixed_batches, has_own_step
from mnistsweep.training.engines.base import Engine, Split, evaluation_batch_size, to_floats
from mnistsweep.training.engines.device_data import copy_to_device, on_device
from mnistsweep.training.keras_internals import compilation_of

MAX_RESIDENT_BYTES = 2 * 2**30
"""Maximum size of the data on the device: a quarter of a GPU of 8 GB, ten times MNIST in single precision."""

MAX_BLOCK_BATCHES = 64
"""Maximum number of batches in a call. The overhead of a call is then below one percent; 256 batches are no faster."""

MAX_BLOCK_SECONDS = 0.25
"""Target for the maximum duration of a call, so that a stop request takes effect well within a second."""

_PYTHON_OPERATIONS = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


class ResidentEngine(Engine):
    """Trains with one compiled function for training and one for evaluation; each is traced once.

    `find_obstacle` names what it cannot train. See `device_data.on_device` for which arrays share a copy on the device.
    """

    name = "resident"

    def __init__(self, model: Any, train: Split, validation: Split | None, batch_size: int) -> None:
        super().__init__(model, train, validation, batch_size)
        self._compile()

    def _compile(self) -> None:
        model, validation = self.model, self.validation
        _create_variables(model, self.train)
        self._compilation = (compilation_of(model), model.train_function)
        self._training = _Loop(model.train_step, model.jit_compile, self.train)
        self._testing = _Loop(model.test_step, model.jit_compile, validation) if validation is not None else None

    def _follow_model(self) -> None:
        """Compile the steps again after a callback has compiled the model, or has forced a new training function."""
        now = (compilation_of(self.model), self.model.train_function)
        if any(one is not other for one, other in zip(now, self._compilation, strict=True)):
            self._compile()

    def train_epoch(
        self, order: NDArray[np.integer[Any]], callbacks: Any, images: NDArray[Any] | None = None
    ) -> dict[str, float]:
        """Train one epoch; see `Engine.train_epoch`."""
        logs: dict[str, float] = {}
        self._follow_model()
        for first, rows in self._training.blocks(order, self.batch_size):
            callbacks.on_train_batch_begin(first)
            logs = self._training.run(rows, images)
            callbacks.on_train_batch_end(first + len(rows) - 1, logs)
            if self.model.stop_training:
                break
        return logs

    def evaluate(self, callbacks: Any) -> dict[str, float]:
        """Evaluate; see `Engine.evaluate`."""
        self._follow_model()
        if self.validation is None or self._testing is None:
            return {}
        inputs = self.validation[0]
        count, batch_size = num_examples(inputs), evaluation_batch_size(inputs, self.batch_size)
        self.model.stop_evaluating = False
        callbacks.on_test_begin()
        self.model.reset_metrics()
        logs: dict[str, float] = {}
        for first, rows in self._testing.blocks(np.arange(count), batch_size):
            callbacks.on_test_batch_begin(first)
            logs = self._testing.run(rows)
            callbacks.on_test_batch_end(first + len(rows) - 1, logs)
            if self.model.stop_evaluating:
                break
        callbacks.on_test_end(logs)
        return logs

    def depends_only_on(self, variables: Iterable[Any], tables: Iterable[Any]) -> bool:
        """Whether its functions use no other state; see `Engine.depends_only_on`. They must have been traced."""
        known = {id(variable.value.handle) for variable in variables}
        known |= {id(getattr(table, "resource_handle", None)) for table in tables}
        return all(loop.depends_only_on(known) for loop in (self._training, self._testing) if loop is not None)


def find_obstacle(model: Any, splits: Iterable[Split | None]) -> str | None:
    """Return why the resident engine cannot train a model; None if it can.

    Args:
        model: A compiled Keras model.
        splits: Training split and validation split (or None).
    """
    size = sum(array.nbytes for split in splits if split is not None for array in leaves(list(split)))
    backend, own_function = keras.backend.backend(), type(model).make_train_function
    obstacles: dict[str, Callable[[], bool]] = {
        f"it needs the TensorFlow backend, but Keras uses {backend!r}": lambda: backend != "tensorflow",
        "the model is compiled with run_eagerly=True": lambda: model.run_eagerly,
        "every batch of the model must have the same size": lambda: has_fixed_batches(model),
        "the model overrides make_train_function": lambda: own_function is not keras.Model.make_train_function,
        "the model is distributed over several devices": lambda: model.distribute_strategy.num_replicas_in_sync > 1,
        f"the data takes {size / 2**30:.1f} GiB, more than {MAX_RESIDENT_BYTES / 2**30:.0f} GiB": (
            lambda: size > MAX_RESIDENT_BYTES
        ),
    }
    return next((reason for reason, is_met in obstacles.items() if is_met()), None)


def _create_variables(model: Any, split: Split) -> None:
    """Create the variables of a new model's optimizer and metrics by a test step on one example.

    A function that creates variables while it is traced is traced a second time, which takes a third of a second a
    trial. The function skips models with their own steps, which may not accept such a test, and resumed models, which
    must stay as they were restored.
    """
    has_own_steps = has_own_step(model) or has_own_step(model, "test_step")
    if has_own_steps or model.optimizer is None or model.optimizer.built:
        return
    model.test_step(map_leaves(lambda array: copy_to_device(array[:1]), tuple(split)))
    model.reset_metrics()
    model.optimizer.build(model.trainable_variables)


class _Loop:
    """A compiled step that runs over blocks of batches of one split.

    The first block has one batch. The number of batches doubles until a block takes `MAX_BLOCK_SECONDS` or has
    `MAX_BLOCK_BATCHES`, and shrinks if the steps get slower. It has no influence on the result.
    """

    def __init__(self, step: Callable[[Any], Any], jit_compile: bool, split: Split) -> None:
        x, *rest = split
        self._x, self._rest = map_leaves(on_device, x), map_leaves(on_device, tuple(rest))
        self._function = _compile(step, jit_compile, self._x, self._rest)
        self._num_batches = 1

    def blocks(self, order: NDArray[np.integer[Any]], batch_size: int) -> Iterator[tuple[int, NDArray[np.int32]]]:
        """Yield the first batch number and the rows (batches, examples) of each block; the smaller batch comes last."""
        num_full = len(order) // batch_size
        batches = order[: num_full * batch_size].astype(np.int32).reshape(num_full, batch_size)
        first = 0
        while first < num_full:
            rows = batches[first : first + self._num_batches]
            yield first, rows
            first += len(rows)
        if len(order) > num_full * batch_size:
            yield num_full, order[num_full * batch_size :].astype(np.int32)[None]

    def run(self, rows: NDArray[np.int32], images: NDArray[Any] | None = None) -> dict[str, float]:
        """Run the step on each row of `rows` and return the last result."""
        start = time.perf_counter()
        x = self._x if images is None else copy_to_device(images)
        logs = to_floats(self._function(x, self._rest, rows))  # waits for the device, so that the time is correct
        affordable = int(MAX_BLOCK_SECONDS * len(rows) / max(time.perf_counter() - start, 1e-9))
        self._num_batches = max(1, min(affordable, 2 * self._num_batches, MAX_BLOCK_BATCHES))
        return logs

    def depends_only_on(self, known: Set[int]) -> bool:
        """Whether the traced function uses no other variables and tables, random numbers of TensorFlow or Python code.

        Operations that draw random numbers keep a state of their own, and have a second seed; `keras.random` does not
        use them. Python code (`tf.numpy_function`) may have any state.

        Args:
            known: The `id` of each handle.
        """
        import tensorflow as tf

        traced = self._function.get_concrete_function()
        if any(tensor.dtype == tf.resource and id(tensor) not in known for tensor in traced.captured_inputs):
            return False
        graph = traced.graph.as_graph_def()
        nodes = itertools.chain(graph.node, *(function.node_def for function in graph.library.function))
        return not any("seed2" in node.attr or node.op in _PYTHON_OPERATIONS for node in nodes)


def _compile(step: Callable[[Any], Any], jit_compile: bool, x: Structure, rest: Structure) -> Any:
    """Compile a loop over blocks of any shape, so that the smaller last batch does not trace it a second time.

    The step is a separate function because XLA can compile it but not the loop around it, and because the loop calls it
    in two places. AutoGraph does not convert it, as under `model.fit`.

    Args:
        step: `train_step` or `test_step` of the model.
        jit_compile: Whether XLA compiles the step.
        x: Inputs on the device.
        rest: Targets, and perhaps weights, on the device: a tuple.
    """
    import tensorflow as tf

    compiled = tf.function(
        lambda x, rest: step((x, *rest)), autograph=False, reduce_retracing=True, jit_compile=jit_compile
    )

    def run_block(x: Any, rest: Any, rows: Any) -> Any:
        def batch(i: Any) -> Any:
            examples = map_leaves(lambda array: tf.gather(array, rows[i]), (x, rest))
            return compiled(*examples)

        _, logs = tf.while_loop(
            lambda i, _: i < tf.shape(rows)[0], lambda i, _: (i + 1, batch(i)), (tf.constant(1), batch(0))
        )
        return logs

    signature = map_leaves(lambda array: tf.TensorSpec(array.shape, array.dtype), (x, rest))
    return tf.function(run_block, autograph=False, input_signature=[*signature, tf.TensorSpec([None, None], tf.int32)])
