"""The training loop: as `model.fit`, with epochs that are pure functions of (seed, epoch) and a faster engine.

`model.fit` shuffles by a generator whose state is lost with the process. Here the order of epoch k is drawn from
(seed, k) alone, so a trial that is killed and continued sees the same batches as one that is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from mnistsweep.errors import ConfigError, DataError
from mnistsweep.seeds import epoch_generator
from mnistsweep.training.engines import Arrays, Engine, EngineName, choose_engine


class Augmentation(Protocol):
    """Draws a variant of the training images for each epoch."""

    def apply(self, images: NDArray[Any], seed: int, epoch: int) -> NDArray[Any]:
        """Return images of the same shape, a pure function of the arguments."""


@dataclass(frozen=True)
class FitOptions:
    """How to train.

    Args:
        epochs: The epoch to stop after, counted from the first training ever, as `model.fit` counts.
        batch_size: Examples a training step; what is left at the end of an epoch makes a smaller batch.
        seed: Determines the order of the examples and their augmentation in each epoch. The model's own randomness
            (initial weights, dropout) is not drawn here: call `keras.utils.set_random_seed` before building it.
        initial_epoch: Epochs already trained, 0 for a fresh model.
        augmentation: Applied to the training images at the start of each epoch.
        engine: `auto` for the fastest that can train the model, or `resident` or `portable`.
    """

    epochs: int
    batch_size: int
    seed: int
    initial_epoch: int = 0
    augmentation: Augmentation | None = None
    engine: EngineName = "auto"

    def __post_init__(self) -> None:
        least = {"epochs": 1, "batch_size": 1, "seed": 0, "initial_epoch": 0}
        for key, bound in least.items():
            if getattr(self, key) < bound:
                raise ConfigError(f"{key}: must be at least {bound}, received {getattr(self, key)}")


def fit(
    model: Any,
    train: Arrays,
    validation: Arrays | None,
    options: FitOptions,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[dict[str, float]]:
    """Train a compiled model and return its learning curves.

    Args:
        model: A compiled Keras model; trained in place. A `train_step` or `test_step` of its own is respected.
        train: Images (example, ...) and labels (example, ...) to train on.
        validation: The same to evaluate on after each epoch, or None.
        options: Epochs, batch size and seed.
        callbacks: Keras callbacks, called as by `model.fit`; batch events come once a block of batches, with the number
            of its last batch.

    Returns:
        For each epoch trained here, its metrics by name; those of the validation split begin with ``val_``.

    Raises:
        ConfigError: The model is not compiled.
        DataError: Images and labels differ in length, or there are none.

    Example:
        ``fit(model, (x, y), (x_val, y_val), FitOptions(epochs=3, batch_size=128, seed=0))[-1]["val_accuracy"]``
    """
    _check(model, train, validation)
    engine = choose_engine(options.engine, model, train, validation, options.batch_size)
    events = keras.callbacks.CallbackList(
        list(callbacks), add_history=True, model=model, verbose=0, epochs=options.epochs, steps=engine.num_batches
    )
    model.stop_training = False
    events.on_train_begin()
    records: list[dict[str, float]] = []
    for epoch in range(_first_epoch(model, options), options.epochs):
        records.append(_run_epoch(engine, events, epoch, options))
        if model.stop_training:
            break
    if isinstance(model.optimizer, keras.optimizers.Optimizer):
        model.optimizer.finalize_variable_values(model.trainable_weights)
    events.on_train_end(records[-1] if records else None)
    return records


def epoch_order(num_examples: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Draw the order in which an epoch sees the training examples, from the seed and the epoch (from 0) alone.

    Example:
        >>> bool((epoch_order(100, 7, 2) == epoch_order(100, 7, 2)).all())
        True
    """
    return epoch_generator(seed, epoch).permutation(num_examples)


def _run_epoch(engine: Engine, events: Any, epoch: int, options: FitOptions) -> dict[str, float]:
    """Train and evaluate one epoch between its two events."""
    engine.model.reset_metrics()
    events.on_epoch_begin(epoch)
    images = _augmented(engine.train[0], options, epoch)
    logs = engine.train_epoch(epoch_order(len(engine.train[0]), options.seed, epoch), events, images)
    logs |= {f"val_{name}": value for name, value in engine.evaluate(events).items()}
    events.on_epoch_end(epoch, logs)
    return dict(sorted(logs.items()))  # as in the history that `model.fit` returns


def _augmented(images: NDArray[Any], options: FitOptions, epoch: int) -> NDArray[Any] | None:
    if options.augmentation is None:
        return None
    result = options.augmentation.apply(images, options.seed, epoch)
    if result.shape != images.shape:
        raise DataError(f"augmentation: must keep the shape {images.shape} of the images, returned {result.shape}")
    return result


def _first_epoch(model: Any, options: FitOptions) -> int:
    """Ask for the epoch to start with, which Keras's BackupAndRestore leaves on the model as training begins."""
    restored = getattr(model, "_initial_epoch", None)
    if restored is not None:
        model._initial_epoch = None
    return restored or options.initial_epoch


def _check(model: Any, train: Arrays, validation: Arrays | None) -> None:
    """Raise where the model or the data cannot be trained on."""
    if not model.compiled:
        raise ConfigError(f"model: {model.name!r} is not compiled; its builder must call model.compile(...)")
    for name, split in (("train", train), ("validation", validation)):
        if split is None:
            continue
        images, labels = split
        if len(images) != len(labels):
            raise DataError(f"{name}: {len(images)} images and {len(labels)} labels; there must be one label an image")
        if not len(images):
            raise DataError(f"{name}: holds no example")
