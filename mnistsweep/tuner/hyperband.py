"""The epochs of a trial as a dimension that an oracle of KerasTuner sets, as Hyperband does.

This module does not import KerasTuner, so that a sweep is planned without it.
"""

from __future__ import annotations

from mnistsweep.config.schema import Config
from mnistsweep.dimensions import Int
from mnistsweep.errors import SpaceError
from mnistsweep.search import settings
from mnistsweep.space import SearchSpace

EPOCHS_KEY = "trainer.epochs"


def sets_epochs(config: Config) -> bool:
    """Return whether the oracle sets the epochs of each trial: KerasTuner's Hyperband, or another with `max_epochs`.

    Args:
        config: Configuration of the sweep.

    Example:
        >>> sets_epochs(Config(oracle={"_target_": "keras_tuner.oracles.HyperbandOracle"}))
        True
    """
    return settings.sets_epochs(config.oracle)


def max_epochs(config: Config) -> int:
    """Return the largest number of epochs that the oracle may set: `oracle.max_epochs`, else `trainer.epochs`.

    Args:
        config: Configuration of the sweep.
    """
    return int(config.oracle.get("max_epochs") or config.trainer.epochs)


def with_epochs(config: Config, space: SearchSpace) -> SearchSpace:
    """Return the space with the dimension `trainer.epochs`, if the oracle sets the epochs.

    Args:
        config: Configuration of the sweep.
        space: Search space without the epochs.

    Raises:
        SpaceError: The user sweeps the epochs too.
    """
    if not sets_epochs(config):
        return space
    if EPOCHS_KEY in space.keys:
        raise SpaceError(
            f"{EPOCHS_KEY}: {config.oracle['_target_']} sets the epochs of each trial, up to oracle.max_epochs="
            f"{max_epochs(config)}; they cannot be swept too, received {space[EPOCHS_KEY].describe()}."
        )
    return SearchSpace((*space.dimensions, Int(EPOCHS_KEY, 1, max_epochs(config))))
