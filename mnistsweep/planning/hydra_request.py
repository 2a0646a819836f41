"""What the command line and the configuration of a program of the user's own ask for: fixed values and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnistsweep.config.checks import Faults
from mnistsweep.config.overrides import Override, last_of_each_key, parse_overrides, parse_params
from mnistsweep.config.program_job import HydraJob
from mnistsweep.dimensions import Choice, Column, Float, Int
from mnistsweep.errors import ConfigError, SpaceError, suggest
from mnistsweep.planning.user_zips import check_listed_once

_KEYS = ("type", "low", "high", "step", "log", "choices")


def read_overrides(job: HydraJob, faults: Faults) -> tuple[list[Override], list[Override]]:
    """Read the overrides of the command line, and the ranges of ``hydra.sweeper.params``; the command line wins.

    Args:
        job: The program.
        faults: Collects what is wrong.

    Returns:
        The fixed overrides, and the ranges.
    """
    typed, found = parse_overrides(job.arguments, job.options, may_repeat=True)
    faults.add(found)
    listed = list[Override]()
    for name in ("search_space", "params"):
        given = job.sweeper.get(name) or {}
        if not isinstance(given, Mapping):
            faults.add([f"hydra.sweeper.{name}: must be keys with ranges, {{key: range}}; received {given!r}."])
            continue
        for key, value in given.items():
            with faults.collecting():
                listed.append(_listed(name, str(key), value, job))
                faults.warn(_end_of_range(str(key), value))
    overrides = last_of_each_key([*listed, *typed])
    ranges = [override for override in overrides if override.is_range]
    check_listed_once(ranges, job.sweeper.get("zip"), faults)
    return [override for override in overrides if not override.is_range], ranges


def _listed(name: str, key: str, value: Any, job: HydraJob) -> Override:
    """An entry of a mapping of ranges; a mapping with a type is a distribution as earlier Optuna sweepers wrote it."""
    if isinstance(value, Mapping) and "type" in value:
        dimension = _distribution(f"{name}.{key}", key, value)
        choices = value.get("choices") or ()  # in the order given, which a zip keeps; a step gives them in order
        values = tuple(choices or dimension.values) if isinstance(dimension, Choice) else None
        return Override(f"{key}={value['type']}", key.lstrip("+"), dimension=dimension, listed=values)
    try:
        override = parse_params({key: value}, job.options, may_repeat=True)[0]
    except ConfigError as error:
        lines = (f"hydra.sweeper.{name}: {line}" for line in str(error).splitlines())
        raise ConfigError("\n".join(lines)) from error
    if override.is_hydra:
        raise ConfigError(f"hydra.sweeper.{name}: Hydra's own keys cannot be swept; received {key!r}.")
    return override


def _end_of_range(key: str, value: Any) -> list[str]:
    """A message about a range of whole numbers: its end is read in two ways."""
    if not isinstance(value, str) or not value.strip().startswith("range("):
        return []
    end = "ends before its last number, as everywhere in Hydra; Hydra's Optuna sweeper includes that number"
    return [f"{key}: {value} {end}."]


def _distribution(where: str, key: str, value: Mapping[str, Any]) -> Column:
    """A dimension of ``{type: float, low: 0, high: 1}``; both bounds are included."""
    key = key.lstrip("+")
    where = f"hydra.sweeper.{where}"
    unknown = [name for name in value if name not in _KEYS]
    if unknown:
        raise SpaceError(f"{where}: there is no key {unknown[0]!r}; {suggest(str(unknown[0]), _KEYS)}.")
    kind, step, low, high = (value.get(name) for name in ("type", "step", "low", "high"))
    if kind == "categorical":
        return Choice(key, tuple(value.get("choices") or ()))
    if kind not in ("int", "float"):
        raise SpaceError(f"{where}.type: must be int, float or categorical; received {kind!r}.")
    numbers = [low, high] if step is None else [low, high, step]
    for bound in numbers:
        if isinstance(bound, bool) or not isinstance(bound, int if kind == "int" else int | float):
            rule = "whole numbers" if kind == "int" else "numbers"
            raise SpaceError(f"{where}: low, high and step must be {rule}; received {bound!r}.")
    if step is not None and not (step == 1 and kind == "int"):
        return _stepped(where, key, value)
    bounds: Any = {"low": low, "high": high}
    return (Int if kind == "int" else Float)(key=key, **bounds, log=bool(value.get("log")))


def _stepped(where: str, key: str, value: Mapping[str, Any]) -> Choice:
    """The values from a bound to the other in steps, the end included."""
    from decimal import Decimal

    low, high, step = (Decimal(repr(value[name])) for name in ("low", "high", "step"))
    if step <= 0 or value.get("log"):
        raise SpaceError(f"{where}: a step must be greater than 0, and excludes log; received {dict(value)}.")
    kind = int if value["type"] == "int" else float
    return Choice(key, tuple(kind(low + index * step) for index in range(int((high - low) / step) + 1)))
