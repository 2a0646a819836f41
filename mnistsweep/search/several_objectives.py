"""Which oracles search for the Pareto front of several objectives."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import FloatDistribution

from mnistsweep.errors import ConfigError
from mnistsweep.search.optuna_sampler import user_sampler
from mnistsweep.search.oracle_factory import PAUSING, USER_SAMPLER

SEVERAL = ("auto", "grid", "random", "quasi_random", "tpe", "nsga2", "gp")
"""Names of the oracles that search for a Pareto front."""


def check_oracle(config: Mapping[str, Any], count: int) -> None:
    """Check that an oracle can search with several objectives.

    Args:
        config: Config group `oracle`.
        count: Number of objectives.

    Raises:
        ConfigError: It compares trials by one objective.
    """
    name, known = str(config.get("name")), ", ".join(SEVERAL)
    if name in PAUSING:
        raise ConfigError(
            f"oracle: {name} pauses and continues trainings by the curve of one objective; received {count}; "
            f"write one of {known}."
        )
    if name == "cmaes":
        raise ConfigError(f"oracle: cmaes has one objective; received {count}; write one of {known}.")
    if name == USER_SAMPLER:
        _check_sampler(config, count)


def _check_sampler(config: Mapping[str, Any], count: int) -> None:
    """Check a sampler of Optuna that the user chooses, by a proposal for a study in memory."""
    sampler = user_sampler(config).make(0)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = optuna.create_study(directions=["minimize"] * count, sampler=sampler)
            study.ask({"x": FloatDistribution(0.0, 1.0), "y": FloatDistribution(0.0, 1.0)})
    except ValueError as error:
        target = config["sampler"]["_target_"]
        reason = " ".join(str(error).split())
        raise ConfigError(f"oracle: {target} does not accept {count} objectives: {reason}") from error
    finally:
        optuna.logging.set_verbosity(verbosity)
