"""The scheduler of a configuration, by the name of its oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mnistsweep.search.oracle_factory import make_oracle
from mnistsweep.search.scheduler import Scheduler
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.space import SearchSpace

PAUSING: frozenset[str] = frozenset()
"""Names of the oracles that pause and continue trials."""


def make_scheduler(
    config: Mapping[str, Any],
    space: SearchSpace,
    seed: int,
    trials: int | None,
    enqueued: Sequence[Mapping[str, Any]] = (),
) -> Scheduler:
    """Return the scheduler of a configuration.

    Args:
        config: Config group `oracle`: the `name` of the oracle and its keys.
        space: Search space of the sweep.
        seed: Seed of the sweep.
        trials: Budget of trials at the first start of the sweep; None: no limit.
        enqueued: Points, in full or in part, that the first trials try.

    Raises:
        ConfigError: The name is unknown, a key has a wrong value, or a library is not installed.
        SpaceError: The oracle cannot search the space.
    """
    return WholeTrials(make_oracle(config, space, seed, trials, enqueued))
