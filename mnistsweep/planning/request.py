"""Step 1 of planning: parse the command line and compose what holds for every trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import compose_shared, drop_invalid_overrides, to_plain
from mnistsweep.config.overrides import GROUPS, Override, last_of_each_key, parse_overrides, parse_params, texts_of
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.sweeper_keys import keys_of_other_programs
from mnistsweep.planning.user_zips import check_listed_once

DEFAULT_NAME = "sweep"
"""Name of a sweep that has none."""


@dataclass(frozen=True)
class Request:
    """What a command line asks for.

    Attributes:
        recipe: Recipe without overrides.
        fixed: Overrides that hold for every trial.
        ranges: Ranges to search, in the order given; those of a space or a named sweep come first.
        hydra: Hydra's own overrides, such as ``hydra/launcher=joblib``.
        typed: Keys of the command line; the other keys come from a space or a named sweep.
    """

    recipe: Recipe
    fixed: tuple[Override, ...]
    ranges: tuple[Override, ...]
    hydra: tuple[Override, ...]
    typed: frozenset[str]

    @property
    def added(self) -> frozenset[str]:
        """Swept keys that the configuration need not contain (leading ``+``)."""
        return frozenset(override.key for override in self.ranges if override.is_added)

    @property
    def named_sweep(self) -> str | None:
        """The name of a sweep in ``sweeps/``, such as ``+sweeps=quickstart``."""
        names = [override.value for override in self.fixed if override.key == "sweeps"]
        return names[-1] if names and isinstance(names[-1], str) else None


def read_request(recipe: Recipe, texts: Sequence[str], faults: Faults) -> Request:
    """Read a command line and the ranges that its spaces and named sweep bring (``hydra.sweeper.params``).

    An override of the command line replaces the entry of ``hydra.sweeper.params`` with the same key.

    Args:
        recipe: Recipe of the command line; its overrides may be ranges.
        texts: More overrides.
        faults: Collects what is wrong; an override that is invalid is left out of the request.

    Raises:
        ConfigError: Nothing can be composed.
    """
    bare = replace(recipe, overrides=())
    parsed, found = parse_overrides((*recipe.overrides, *texts), bare.options, may_repeat=True)
    faults.add(found)
    typed = last_of_each_key(parsed)
    outer = [o for o in typed if o.is_hydra or not (o.is_range or o.group in GROUPS)]
    with faults.raising():
        valid, found = drop_invalid_overrides(bare, outer)
        faults.add(found)
        composed = compose_shared(bare.with_overrides(*texts_of(valid)))
        listed = _listed_ranges(composed.hydra.sweeper, bare, faults)
    left = [override for override in typed if override in valid or override not in outer]
    merged = last_of_each_key([*listed, *left])
    chosen = composed.get("zip")
    check_listed_once(merged, OmegaConf.to_container(chosen) if isinstance(chosen, ListConfig) else None, faults)
    return Request(
        bare,
        tuple(override for override in merged if not (override.is_range or override.is_hydra)),
        tuple(override for override in merged if override.is_range),
        tuple(override for override in valid if override.is_hydra),
        frozenset(override.key for override in typed),
    )


def _listed_ranges(sweeper: DictConfig, recipe: Recipe, faults: Faults) -> list[Override]:
    """The ranges of ``hydra.sweeper.params``; other keys of the sweeper are faults.

    Raises:
        ConfigError: Hydra's grammar does not allow an entry.
    """
    faults.add(_wrong_sweeper(str(sweeper.get("_target_"))))
    plain: Any = OmegaConf.to_container(sweeper)
    faults.add(keys_of_other_programs(plain))
    params = sweeper.get("params")
    return parse_params(to_plain(params) if params else {}, recipe.options, may_repeat=True)


def _wrong_sweeper(target: str) -> list[str]:
    if target.endswith(".WorkerSweeper"):
        return []
    return [f"hydra/sweeper: mnistsweep sweep runs its own sweeper; received {target}; use hydra/sweeper=mnistsweep."]
