"""Callbacks that the configuration asks for."""

from __future__ import annotations

import keras

from mnistsweep import targets
from mnistsweep.config.schema import Config


def build_user_callbacks(config: Config) -> list[keras.callbacks.Callback]:
    """Create the callbacks that the configuration names under `trainer.callbacks`.

    Args:
        config: Configuration of the trial.

    Returns:
        New objects at each call.

    Raises:
        ConfigError: A class does not exist, or does not accept its arguments.
    """
    callbacks = []
    for index, entry in enumerate(config.trainer.callbacks):
        key = f"trainer.callbacks[{index}]"
        callbacks.append(targets.call(key, targets.resolve(entry["_target_"], f"{key}._target_"), entry, {}))
    return callbacks


def build_early_stopping(config: Config, direction: str) -> list[keras.callbacks.Callback]:
    """Create Keras's `EarlyStopping` for `trainer.patience`.

    Args:
        config: Configuration of the trial.
        direction: ``max`` or ``min``.

    Returns:
        One callback, or none if `trainer.patience` is null.
    """
    if config.trainer.patience is None:
        return []
    return [keras.callbacks.EarlyStopping(config.objective, patience=config.trainer.patience, mode=direction)]
