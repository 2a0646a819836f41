"""From names to algorithms: which point comes next (oracles), which training is not worth going on with (pruners).

An oracle answers `propose(number, study)` with the point of a trial, or None where the space is used up. Grid, random
and quasi-random search are sequences of the trial's number (see `sequences`); the others are Optuna's samplers, which
learn from the ledger. No oracle proposes a point of the ledger again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mnistsweep.errors import ConfigError, SpaceError, suggest
from mnistsweep.search.distributions import decode, distribution, encode
from mnistsweep.search.oracles import Oracle, Proposal, SequenceOracle
from mnistsweep.search.pruners import PRUNERS, REPEATABLE, make_pruner
from mnistsweep.search.samplers import METHODS, SamplerOracle
from mnistsweep.search.sequences import PointSequence
from mnistsweep.search.settings import whole_number
from mnistsweep.space import SearchSpace

__all__ = [
    "ORACLES", "PRUNERS", "REPEATABLE", "Oracle", "Proposal", "SamplerOracle", "SequenceOracle",
    "decode", "distribution", "encode", "make_oracle", "make_pruner", "resolve_oracle",
]  # fmt: skip

ORACLES = ("auto", "random", "grid", "quasi_random", "tpe", "gp", "cmaes")


def make_oracle(
    config: Mapping[str, Any],
    space: SearchSpace,
    seed: int,
    trials: int | None,
    enqueued: Sequence[Mapping[str, Any]] = (),
) -> Oracle:
    """The oracle of a configuration.

    Args:
        config: The group `oracle`: its `name` and that oracle's keys.
        space: What varies.
        seed: The sweep's.
        trials: The budget of trials, if there is one; `auto` asks whether the whole grid fits it.
        enqueued: Points to try first.

    Raises:
        ConfigError: An unknown name, a wrong key, a library that is not installed.
        SpaceError: A space that the oracle cannot search.
    """
    name = resolve_oracle(config, space, trials)
    if name == "grid":
        list_of_axes = [dimension.grid() for dimension in space.dimensions]  # raises for an interval of real numbers
        size = space.size()
        if size is None:
            raise SpaceError(
                f"oracle: a grid of {' x '.join(str(len(axis)) for axis in list_of_axes)} points is too large."
            )
        in_order = trials is None or trials >= size
        return SequenceOracle(PointSequence(space, "grid" if in_order else "shuffled_grid", seed, enqueued))
    if name in ("random", "quasi_random"):
        return SequenceOracle(PointSequence(space, name, seed, enqueued))
    method = METHODS[name](space)
    startup = whole_number(config, "oracle.startup_results", method.startup_results, least=0)
    return SamplerOracle(PointSequence(space, "random", seed, enqueued), method, startup, seed)


def resolve_oracle(config: Mapping[str, Any], space: SearchSpace, trials: int | None) -> str:
    """The name of the oracle that will search: `auto` becomes `grid` where the whole grid fits the budget."""
    name = str(config.get("name"))
    if name not in ORACLES:
        raise ConfigError(f"oracle.name: no oracle is called {name!r}; {suggest(name, ORACLES)}.")
    if name != "auto":
        return name
    size = space.size()
    return "grid" if size is not None and trials is not None and size <= trials else "auto"
