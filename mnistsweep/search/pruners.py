"""Which training is not worth going on with: Optuna's pruners by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner

from mnistsweep.errors import ConfigError, suggest
from mnistsweep.search.settings import whole_number

PRUNERS = ("auto", "none", "median", "successive_halving", "hyperband")

# The table of these is promised to be the same with any number of workers; pruning depends on who finishes first.
REPEATABLE = ("grid", "random", "quasi_random")


def make_pruner(config: Mapping[str, Any], oracle: str, most_epochs: int) -> BasePruner:
    """The pruner of a configuration; its rungs count the same epochs that trials are trained for.

    Args:
        config: The group `pruner`: its `name` and that pruner's keys.
        oracle: The resolved name of the oracle; `auto` prunes only where no repeatable table is promised.
        most_epochs: The largest number of epochs that a trial may have: the budget that Hyperband divides.
    """
    name = str(config.get("name"))
    if name not in PRUNERS:
        raise ConfigError(f"pruner.name: no pruner is called {name!r}; {suggest(name, PRUNERS)}.")
    if name == "auto":
        name = "none" if oracle in REPEATABLE else "successive_halving"
    first = whole_number(config, "pruner.first_rung", 1, least=1)
    factor = whole_number(config, "pruner.reduction_factor", 3, least=2)
    if name == "median":
        startup = whole_number(config, "pruner.startup_trials", 5, least=0)
        return MedianPruner(n_startup_trials=startup, n_warmup_steps=first)
    if name == "successive_halving":
        return SuccessiveHalvingPruner(min_resource=first, reduction_factor=factor)
    if name == "hyperband":
        return HyperbandPruner(min_resource=first, max_resource=max(most_epochs, first), reduction_factor=factor)
    return NopPruner()
