"""What Hyperband of KerasTuner needs of a sweep: the epochs of a trial as a dimension, set by the oracle.

Imports no KerasTuner, so that a sweep is planned without it.
"""

from __future__ import annotations

from mnistsweep.config.schema import Config
from mnistsweep.dimensions import Int
from mnistsweep.errors import SpaceError
from mnistsweep.space import SearchSpace

EPOCHS_KEY = "trainer.epochs"


def sets_epochs(config: Config) -> bool:
    """Whether the oracle decides the epochs of each trial: KerasTuner's Hyperband, or another with `max_epochs`.

    Example:
        >>> sets_epochs(Config(oracle={"_target_": "keras_tuner.oracles.HyperbandOracle"}))
        True
    """
    target = config.oracle.get("_target_")
    return target is not None and (str(target).endswith("HyperbandOracle") or "max_epochs" in config.oracle)


def max_epochs(config: Config) -> int:
    """The most epochs that such an oracle gives a trial: `oracle.max_epochs`, else `trainer.epochs`."""
    return int(config.oracle.get("max_epochs") or config.trainer.epochs)


def with_epochs(config: Config, space: SearchSpace) -> SearchSpace:
    """The space with the dimension that the oracle sets by itself, where it does.

    Raises:
        SpaceError: The same dimension is swept.
    """
    if not sets_epochs(config):
        return space
    if EPOCHS_KEY in space.keys:
        raise SpaceError(
            f"{EPOCHS_KEY}: {config.oracle['_target_']} sets the epochs of each trial, up to oracle.max_epochs="
            f"{max_epochs(config)}; they cannot be swept too, received {space[EPOCHS_KEY].describe()}."
        )
    return SearchSpace((*space.dimensions, Int(EPOCHS_KEY, 1, max_epochs(config))))
