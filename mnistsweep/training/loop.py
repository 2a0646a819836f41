"""The training loop: like `model.fit`, with a faster engine and epochs that depend on (seed, epoch) only.

`model.fit` shuffles with a generator whose state is lost when the process ends. Here, the order of the examples in
epoch k is derived from (seed, k), so a trial that is killed and resumed sees the same batches as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.structure import leaves, num_examples
from mnistsweep.errors import ConfigError, DataError
from mnistsweep.seeds import epoch_generator
from mnistsweep.training.engines import AnySplit, Engine, EngineName, EngineSlot, Split, StreamSplit, choose_engine
from mnistsweep.training.engines.announcement import announce_engine
from mnistsweep.training.engines.streams import fit_stream
from mnistsweep.training.keras_internals import pop_initial_epoch


class Augmentation(Protocol):
    """Random changes of the training images, drawn for each epoch."""

    def apply(self, images: NDArray[Any], seed: int, epoch: int) -> NDArray[Any]:
        """Return changed images of the same shape; the result depends on the arguments only."""


@dataclass(frozen=True)
class FitOptions:
    """Options of `fit`.

    Attributes:
        epochs: Epoch after which the training ends. As in `model.fit`, the count includes `initial_epoch`.
        batch_size: Number of examples in a training step. The last batch of an epoch may be smaller.
        seed: Seed of the order of the examples and of the augmentation. Initial weights and dropout do not depend on
            it: call `keras.utils.set_random_seed` before you build the model.
        initial_epoch: Number of epochs that the model was trained for before; 0 for a new model.
        augmentation: Augmentation of the training images at the start of each epoch; None for none.
        engine: `resident`, `portable`, or `auto` for the fastest engine that can train the model. Data that stream are
            trained on by `model.fit`.
        steps_per_epoch: Number of batches in an epoch of a dataset that never ends; None for any other data.
        slot: Place of the engine. If it holds the engine of an earlier training of the same model on the same data,
            this one is used.

    Raises:
        ConfigError: A number is too small.
    """

    epochs: int
    batch_size: int
    seed: int
    initial_epoch: int = 0
    augmentation: Augmentation | None = None
    engine: EngineName = "auto"
    steps_per_epoch: int | None = None
    slot: EngineSlot | None = None

    def __post_init__(self) -> None:
        minimums = {"epochs": 1, "batch_size": 1, "seed": 0, "initial_epoch": 0}
        for key, minimum in minimums.items():
            if getattr(self, key) < minimum:
                raise ConfigError(f"{key}: must be at least {minimum}, received {getattr(self, key)}")


def fit(
    model: Any,
    train: AnySplit,
    validation: AnySplit | None,
    options: FitOptions,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[dict[str, float]]:
    """Train a compiled model and return its learning curves.

    Args:
        model: A compiled Keras model; it is trained in place, with its own `train_step` and `test_step` if it has them.
        train: Inputs, targets and perhaps sample weights to train on: arrays or structures of arrays, or a stream.
        validation: The same to evaluate on after each epoch; None for no evaluation. It streams only if `train` does.
        options: Epochs, batch size and seed.
        callbacks: Keras callbacks, called as by `model.fit`, except that batch events come once a block of batches,
            with the number of its last batch.

    Returns:
        For each epoch of this call, the metrics by name. The metrics of the validation split start with ``val_``.

    Raises:
        ConfigError: The model is not compiled.
        DataError: A split has no example, or different numbers of inputs and targets.

    Example:
        ``fit(model, (x, y), (x_val, y_val), FitOptions(epochs=3, batch_size=128, seed=0))[-1]["val_accuracy"]``
    """
    if not model.compiled:
        raise ConfigError(f"model: {model.name!r} is not compiled; its builder must call model.compile(...)")
    if isinstance(train, StreamSplit):
        steps = options.steps_per_epoch
        return fit_stream(model, train, validation, options.epochs, options.batch_size, steps, callbacks)
    if isinstance(validation, StreamSplit):
        raise DataError("validation: streams only if the training data do")
    _check(train, validation)
    slot = options.slot or EngineSlot()
    slot.engine = slot.engine or choose_engine(options.engine, model, train, validation, options.batch_size)
    engine = slot.engine
    announce_engine(engine.name, engine.reason)
    return _train(engine, options, callbacks)


def _train(
    engine: Engine, options: FitOptions, callbacks: Sequence[keras.callbacks.Callback]
) -> list[dict[str, float]]:
    """Run all epochs between the events of the begin and the end of a training."""
    model = engine.model
    events = keras.callbacks.CallbackList(
        list(callbacks), add_history=True, model=model, verbose=0, epochs=options.epochs, steps=engine.num_batches
    )
    model.stop_training = False
    events.on_train_begin()
    records = _run_epochs(engine, events, options)
    if isinstance(model.optimizer, keras.optimizers.Optimizer):
        model.optimizer.finalize_variable_values(model.trainable_weights)
    events.on_train_end(records[-1] if records else None)
    return records


def epoch_order(num_examples: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order of the training examples in an epoch, which depends on the arguments only.

    Args:
        num_examples: Number of training examples.
        seed: Seed of the training.
        epoch: Index of the epoch, from 0.

    Example:
        >>> bool((epoch_order(100, 7, 2) == epoch_order(100, 7, 2)).all())
        True
    """
    return epoch_generator(seed, epoch).permutation(num_examples)


def _run_epochs(engine: Engine, events: Any, options: FitOptions) -> list[dict[str, float]]:
    """Train until the last epoch, or until a callback stops the training."""
    records: list[dict[str, float]] = []
    for epoch in range(pop_initial_epoch(engine.model) or options.initial_epoch, options.epochs):
        records.append(_run_epoch(engine, events, epoch, options))
        if engine.model.stop_training:
            break
    return records


def _run_epoch(engine: Engine, events: Any, epoch: int, options: FitOptions) -> dict[str, float]:
    """Train and evaluate one epoch, between the events of its begin and its end."""
    engine.model.reset_metrics()
    events.on_epoch_begin(epoch)
    inputs = engine.train[0]
    images = _augmented(inputs, options, epoch)
    logs = engine.train_epoch(epoch_order(num_examples(inputs), options.seed, epoch), events, images)
    logs |= {f"val_{name}": value for name, value in engine.evaluate(events).items()}
    events.on_epoch_end(epoch, logs)
    return dict(sorted(logs.items()))  # the order of the history that `model.fit` returns


def _augmented(images: Any, options: FitOptions, epoch: int) -> NDArray[Any] | None:
    """Return the augmented images of an epoch; None without augmentation."""
    if options.augmentation is None:
        return None
    result = options.augmentation.apply(images, options.seed, epoch)
    if result.shape != images.shape:
        raise DataError(f"augmentation: must keep the shape {images.shape} of the images, returned {result.shape}")
    return result


def _check(train: Split, validation: Split | None) -> None:
    """Raise an error if the data cannot be used for training."""
    for name, split in (("train", train), ("validation", validation)):
        if split is None:
            continue
        counts = sorted({len(array) for array in leaves(list(split))})
        if len(counts) > 1:
            raise DataError(f"{name}: must have one target for each input; received {' and '.join(map(str, counts))}")
        if not counts or not counts[0]:
            raise DataError(f"{name}: must have at least one example; received none")
