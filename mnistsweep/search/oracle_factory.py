"""The oracle of a configuration, by its name.

Grid, random and quasi-random search are functions of the trial's number (`sequences`). The other oracles are Optuna's
samplers, which learn from the results in the ledger (`samplers`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mnistsweep.errors import ConfigError, SpaceError, suggest
from mnistsweep.search.former import FormerTrial
from mnistsweep.search.optuna_sampler import UserSamplerOracle
from mnistsweep.search.oracle import Oracle
from mnistsweep.search.sampler_oracle import SamplerOracle
from mnistsweep.search.samplers import SAMPLERS
from mnistsweep.search.sequences import PointSequence, SequenceOracle
from mnistsweep.search.settings import int_setting
from mnistsweep.space import SearchSpace

ORACLES = ("auto", "random", "grid", "quasi_random", "tpe", "gp", "cmaes", "nsga2")

PAUSING = ("freeze_thaw", "asha")
"""Names of the oracles that pause and continue trials; `scheduler_factory` makes them."""

USER_SAMPLER = "optuna"
"""Name of the oracle that proposes with a sampler which the user chooses by its class."""


def make_oracle(
    config: Mapping[str, Any],
    space: SearchSpace,
    seed: int,
    trials: int | None,
    enqueued: Sequence[Mapping[str, Any]] = (),
    former: Sequence[FormerTrial] = (),
) -> Oracle:
    """Return the oracle of a configuration.

    Args:
        config: Config group `oracle`: the `name` of the oracle and its keys.
        space: Search space of the sweep.
        seed: Seed of the sweep.
        trials: Budget of trials; None: no limit. `auto` is the grid if the whole grid fits the budget.
        enqueued: Points, in full or in part, that the first trials try.
        former: Trials of former sweeps, which a sampler learns from; other oracles do not learn.

    Raises:
        ConfigError: The name is unknown, a key has a wrong value, or a library is not installed.
        SpaceError: The oracle cannot search the space.
    """
    name = resolve_oracle(config, space, trials)
    if name == "grid":
        return SequenceOracle(PointSequence(space, _grid_order(space, trials), seed, enqueued))
    if name in ("random", "quasi_random"):
        return SequenceOracle(PointSequence(space, name, seed, enqueued))
    if name == USER_SAMPLER:
        return UserSamplerOracle(PointSequence(space, "random", seed, enqueued), config, seed, former)
    if name == "nsga2":
        size = int_setting(config, "oracle.population_size", 20, minimum=2)
        sampler_keys = {"_target_": "optuna.samplers.NSGAIISampler", "population_size": size}
        return UserSamplerOracle(PointSequence(space, "random", seed, enqueued), {"sampler": sampler_keys}, seed)
    sampler = SAMPLERS[name](space)
    startup = int_setting(config, "oracle.startup_results", sampler.startup_results, minimum=0)
    return SamplerOracle(PointSequence(space, "random", seed, enqueued), sampler, startup, seed, former)


def resolve_oracle(config: Mapping[str, Any], space: SearchSpace, trials: int | None) -> str:
    """Return the name of the oracle that searches: `auto` becomes `grid` if the whole grid fits the budget.

    Args:
        config: Config group `oracle`.
        space: Search space of the sweep.
        trials: Budget of trials; None: no limit.

    Raises:
        ConfigError: The name is unknown.
    """
    name = str(config.get("name"))
    if name not in (*ORACLES, *PAUSING, USER_SAMPLER):
        raise ConfigError(f"oracle.name: no oracle is called {name!r}; {suggest(name, (*ORACLES, *PAUSING))}.")
    if name != "auto":
        return name
    size = space.size()
    return "grid" if size is not None and trials is not None and size <= trials else "auto"


def _grid_order(space: SearchSpace, trials: int | None) -> str:
    """Return the kind of the sequence: in order if the budget holds the whole grid, otherwise shuffled.

    Raises:
        SpaceError: A dimension is an interval of real numbers, or the grid has too many points.
    """
    axes = [dimension.grid() for dimension in space.dimensions]
    size = space.size()
    if size is None:
        raise SpaceError(
            f"oracle: a grid of {' x '.join(str(len(axis)) for axis in axes)} points is too large; "
            "use another oracle or fewer values."
        )
    return "grid" if trials is None or trials >= size else "shuffled_grid"
