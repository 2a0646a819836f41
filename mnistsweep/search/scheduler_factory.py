"""The scheduler of a configuration, by the name of its oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mnistsweep.search.oracle_factory import make_oracle
from mnistsweep.search.scheduler import LAST_EPOCH, Scheduler
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.space import Point, SearchSpace

PAUSING: frozenset[str] = frozenset()
"""Names of the oracles that pause and continue trials."""


def make_scheduler(
    config: Mapping[str, Any],
    space: SearchSpace,
    seed: int,
    trials: int | None,
    enqueued: Sequence[Mapping[str, Any]] = (),
    *,
    direction: str = "max",
    epochs_of: Callable[[Point], int] = lambda _point: LAST_EPOCH,
    can_pause: Callable[[], bool] = lambda: False,
) -> Scheduler:
    """Return the scheduler of a configuration.

    Args:
        config: Config group `oracle`: the `name` of the oracle and its keys.
        space: Search space of the sweep.
        seed: Seed of the sweep.
        trials: Budget of trials at the first start of the sweep; None: no limit.
        enqueued: Points, in full or in part, that the first trials try.
        direction: Direction of the objective: ``max`` or ``min``.
        epochs_of: Function from a point to the number of epochs of its whole training.
        can_pause: Function that returns whether the trials can be paused: each is a single Keras training that reports
            its epochs. It may import the user's model, so it is called only where the answer matters.

    Raises:
        ConfigError: The name is unknown, a key has a wrong value, or a library is not installed.
        SpaceError: The oracle cannot search the space.
    """
    return WholeTrials(make_oracle(config, space, seed, trials, enqueued))
