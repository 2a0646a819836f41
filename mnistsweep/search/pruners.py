"""Optuna's pruners by name: they decide after which epoch an unpromising training is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner

from mnistsweep.errors import ConfigError, suggest
from mnistsweep.search.settings import int_setting

PRUNERS = ("auto", "none", "median", "successive_halving", "hyperband")

# With these oracles the table of results does not depend on the number of workers. A pruner would make it depend on
# which trial finishes first.
REPRODUCIBLE_ORACLES = ("grid", "random", "quasi_random")


def make_pruner(config: Mapping[str, Any], oracle: str, max_epochs: int) -> BasePruner:
    """Return the pruner of a configuration. Its rungs are numbers of epochs.

    Args:
        config: Config group `pruner`: the `name` of the pruner and its keys.
        oracle: Resolved name of the oracle; the pruner `auto` prunes only with oracles that are not reproducible.
        max_epochs: Largest number of epochs of a trial: the budget that Hyperband divides among its brackets.

    Raises:
        ConfigError: The name is unknown, or a key has a wrong value.
    """
    name = str(config.get("name"))
    if name not in PRUNERS:
        raise ConfigError(f"pruner.name: no pruner is called {name!r}; {suggest(name, PRUNERS)}.")
    if name == "auto":
        name = "none" if oracle in REPRODUCIBLE_ORACLES else "successive_halving"
    first = int_setting(config, "pruner.first_rung", 1, minimum=1)
    factor = int_setting(config, "pruner.reduction_factor", 3, minimum=2)
    if name == "median":
        startup = int_setting(config, "pruner.startup_trials", 5, minimum=0)
        return MedianPruner(n_startup_trials=startup, n_warmup_steps=first)
    if name == "successive_halving":
        return SuccessiveHalvingPruner(min_resource=first, reduction_factor=factor)
    if name == "hyperband":
        return HyperbandPruner(min_resource=first, max_resource=max(max_epochs, first), reduction_factor=factor)
    return NopPruner()
