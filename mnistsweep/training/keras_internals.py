"""The uses of Keras's private attributes and modules; checked against Keras 3.15.

Keras has no public interface for any of them. `tests/training/test_keras_internals.py` fails when one of them changes.
"""

from __future__ import annotations

from typing import Any

from keras.src.backend.common.global_state import get_global_attribute
from keras.src.random.seed_generator import global_seed_generator

# Name under which Keras 3.15 stores the generator of `keras.random` for calls without a seed.
_GLOBAL_SEED_GENERATOR = "global_seed_generator"


def find_global_seed_generator() -> Any | None:
    """Return Keras's generator for random numbers that are drawn without a seed; None if nothing was drawn yet.

    `keras.src.random.seed_generator.global_seed_generator` would create the generator, so this function reads the
    global attribute instead (checked against Keras 3.15).
    """
    return get_global_attribute(_GLOBAL_SEED_GENERATOR)


def create_global_seed_generator() -> Any:
    """Return Keras's generator for random numbers that are drawn without a seed, created if it does not exist.

    Uses `keras.src.random.seed_generator.global_seed_generator` (checked against Keras 3.15).
    """
    return global_seed_generator()


def trained_variables(optimizer: Any) -> list[Any]:
    """Return the variables that an optimizer trains; empty before it is built.

    Uses `Optimizer._trainable_variables` (checked against Keras 3.15).
    """
    return list(getattr(optimizer, "_trainable_variables", None) or [])


def set_initial_epoch(model: Any, epoch: int | None) -> None:
    """Set the epoch with which the next `model.fit` starts; None for the default.

    Uses `Model._initial_epoch`, as `keras.callbacks.BackupAndRestore` does (checked against Keras 3.15).

    Args:
        model: A Keras model.
        epoch: Index of the epoch, from 0.
    """
    model._initial_epoch = epoch


def pop_initial_epoch(model: Any) -> int | None:
    """Return the epoch with which a training should start and reset it; None if no callback set one.

    Uses `Model._initial_epoch`, which `keras.callbacks.BackupAndRestore` sets in `on_train_begin` (checked against
    Keras 3.15).
    """
    epoch: int | None = getattr(model, "_initial_epoch", None)
    if epoch is not None:
        model._initial_epoch = None
    return epoch
