"""All methods by name: ours and the peers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import RandomSampler, TPESampler

from helpers.search.one_epoch import OneEpoch
from helpers.search.optuna_peers import OptunaSearch
from helpers.search.scheduled import ours
from helpers.search.simulation import Method, Search, Settings
from mnistsweep.devices import quiet_start

Make = Callable[[Search, int, Settings], Method]


@dataclass(frozen=True)
class Named:
    """A method with what a reader needs to know.

    Attributes:
        make: Function of the search, the seed and the settings that makes the method.
        label: Name in tables.
        is_ours: Whether it is ours; the others are peers.
        is_planned: Whether its decisions depend on the budget: then each budget is a search of its own.
        is_anytime: Whether the beginning of a search is one of use: by time, and in the plot, the search with the
            largest budget stands for all.
    """

    make: Make
    label: str
    is_ours: bool = False
    is_planned: bool = False
    is_anytime: bool = True


def _ours(name: str) -> Make:
    def make(search: Search, seed: int, settings: Settings) -> Method:
        return ours(search, name, seed)

    return make


def _optuna(sampler: Callable[[int], Any], pruner: Callable[[int], Any]) -> Make:
    def make(search: Search, seed: int, settings: Settings) -> Method:
        return OptunaSearch(search, sampler(seed), pruner(max(search.table.max_epochs)))

    return make


def _kerastuner(oracle: str) -> Make:
    def make(search: Search, seed: int, settings: Settings) -> Method:
        with quiet_start():  # KerasTuner imports TensorFlow
            from helpers.search import kerastuner_peers
        return kerastuner_peers.KerasTunerSearch(search, getattr(kerastuner_peers, oracle), seed)

    return make


def _halving(longest: int) -> SuccessiveHalvingPruner:
    return SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)


def _hyperband(longest: int) -> HyperbandPruner:
    return HyperbandPruner(min_resource=1, max_resource=longest, reduction_factor=3)


METHODS: Mapping[str, Named] = {
    "freeze_thaw": Named(_ours("freeze_thaw"), "freeze_thaw", is_ours=True, is_planned=True),
    "asha": Named(_ours("asha"), "asha", is_ours=True),
    "stopping": Named(_ours("auto"), "random, then tpe; halving (0.1)", is_ours=True),
    "tpe": Named(_ours("tpe"), "tpe, halving", is_ours=True),
    "gp": Named(_ours("gp"), "gp, halving", is_ours=True),
    "cmaes": Named(_ours("cmaes"), "cmaes, halving", is_ours=True),
    "quasi_random": Named(_ours("quasi_random"), "quasi_random", is_ours=True),
    "random": Named(_ours("random"), "random", is_ours=True),
    "optuna_random": Named(_optuna(lambda seed: RandomSampler(seed=seed), lambda _: NopPruner()), "Optuna random"),
    "optuna_default": Named(
        _optuna(lambda seed: TPESampler(seed=seed), lambda _: MedianPruner()), "Optuna default: TPE, median"
    ),
    "optuna_tpe_hyperband": Named(
        _optuna(lambda seed: TPESampler(seed=seed), _hyperband), "Optuna TPE, Hyperband"
    ),
    "optuna_random_halving": Named(
        _optuna(lambda seed: RandomSampler(seed=seed), _halving), "Optuna random, halving"
    ),
    "kerastuner_random": Named(_kerastuner("random_search"), "KerasTuner RandomSearch"),
    "kerastuner_bayesian": Named(_kerastuner("bayesian"), "KerasTuner BayesianOptimization"),
    "kerastuner_hyperband": Named(_kerastuner("hyperband"), "KerasTuner Hyperband"),
    "one_epoch": Named(
        lambda search, seed, settings: OneEpoch(seed, settings.total_epochs),
        "one epoch each, then the best few", is_planned=True, is_anytime=False,
    ),
}  # fmt: skip

DEFAULT = "freeze_thaw"
"""The method that ``oracle=auto`` stands for where each epoch is reported."""
