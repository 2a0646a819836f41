"""The keys of ``hydra.sweeper`` in a program of the user's own, read into the configuration of a sweep.

Keys have the names of mnistsweep, or those of Hydra's Optuna sweeper where these mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import yaml

from mnistsweep.config.checks import check_limits
from mnistsweep.config.former_folders import check_former_folders
from mnistsweep.config.objective import DIRECTIONS, direction_of
from mnistsweep.config.objectives import check_list, texts_in, unknown_directions
from mnistsweep.config.resources import conf_folder
from mnistsweep.config.schema import Config
from mnistsweep.config.start_checks import check_start_keys
from mnistsweep.config.structure import read_config
from mnistsweep.errors import ConfigError, suggest
from mnistsweep.path_texts import name_fault, shown

PREFIX = "hydra.sweeper."

# Names of Hydra's Optuna sweeper for keys of mnistsweep.
SYNONYMS = {"n_trials": "trials", "n_jobs": "workers", "study_name": "name"}

# Keys that have the same name and meaning in the configuration of mnistsweep.
_PLAIN = (
    *(
        "trials",
        "hours",
        "total_epochs",
        "workers",
        "workers_per_gpu",
        "name",
        "storage",
        "seed",
        "objective",
        "enqueue",
        "conditions",
        "zip",
        "warm_start",
        "if_running",
    ),
    *("max_consecutive_failed_trials", "max_failed_trials", "failure_window", "lease_seconds", "worker_memory_gb"),
)

# Keys that a section of the configuration of mnistsweep contains.
_NESTED = {
    **{"timeout_minutes": "trial.timeout_minutes", "threads": "trainer.threads", "epochs": "trainer.epochs"},
    **{"confirm_top": "confirm.top", "confirm_seeds": "confirm.seeds"},
    **{"notify_command": "notify.command", "notify_url": "notify.url"},
    **{"notify_timeout_seconds": "notify.timeout_seconds"},
}

# Keys that are read elsewhere.
_OTHERS = ("direction", "oracle", "sampler", "pruner", "params", "search_space")

KNOWN_KEYS = frozenset((*_PLAIN, *_NESTED, *_OTHERS, *SYNONYMS))

# Keys of Hydra's Optuna sweeper that mean something else here.
_OF_OPTUNAS_SWEEPER = {
    "max_failure_rate": "a failed trial does not end this sweep; write max_failed_trials=N, of failure_window=M trials",
    "custom_search_space": "the space is declared; write hydra.sweeper.params, and hydra.sweeper.conditions",
}

# Oracles in place of samplers of Optuna: a grid and random points need no sampler, and Optuna's CMA-ES keeps pickles in
# the ledger.
_OWN_SAMPLERS = {
    "RandomSampler": "random",
    "GridSampler": "grid",
    "BruteForceSampler": "grid",
    "CmaEsSampler": "cmaes",
}

# Directions by the names that Optuna gives them.
_OPTUNA_DIRECTIONS = {"minimize": "min", "maximize": "max"}

DEFAULT_OBJECTIVE = "objective"
"""Name of the objective of a program that returns a number."""

NO_DIRECTION = (
    "hydra.sweeper.direction: not given, so the objective is minimized, as by Hydra's Optuna sweeper; "
    "hydra.sweeper.direction=max maximizes it."
)


def read_sweeper_keys(sweeper: Mapping[str, Any], job_name: str) -> tuple[Config, list[str]]:
    """Read the keys of the sweeper.

    Args:
        sweeper: Content of ``hydra.sweeper`` as plain values.
        job_name: Name of the sweep where the keys give none.

    Returns:
        Configuration of the sweep, in which the data, the model and the training are left at their defaults; and
        messages about what the user did not choose.

    Raises:
        ConfigError: Every key that is unknown or has a wrong value, a line each.
    """
    given = {key: value for key, value in sweeper.items() if not key.startswith("_") and value is not None}
    faults = [f"{PREFIX}{key}: {_unknown(key)}." for key in given if key not in KNOWN_KEYS]
    given, spelled, found = _without_synonyms(given)
    faults += found
    plain = _plain_config(given, faults)
    warnings = _set_direction(plain, given, faults)
    config, found = read_config(plain)
    found += [*check_limits(config), *check_start_keys(config), *check_former_folders(config.warm_start)]
    faults += [_as_typed(fault, spelled) for fault in found]
    config.name = config.name or job_name
    if fault := name_fault(config.name):
        rule = "must be a folder name that begins with a letter or digit and has no slash"
        faults.append(f"{PREFIX}name: {rule}; received {shown(config.name)}: {fault}; choose another one.")
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    return config, warnings


def keys_of_other_programs(sweeper: Mapping[str, Any]) -> list[str]:
    """A message for each key of the sweeper that only programs of the user's own have.

    In the configuration of mnistsweep itself, these are keys without a prefix.

    Args:
        sweeper: Content of ``hydra.sweeper`` as plain values.
    """
    given = [key for key, value in sweeper.items() if not key.startswith("_") and key != "params" and value is not None]
    if (sweeper.get("sampler") or {}).get("_target_") is None and "sampler" in given:
        given.remove("sampler")
    return [_message_of_other_program(key, sweeper[key]) for key in given]


def _message_of_other_program(key: str, value: Any) -> str:
    if key not in KNOWN_KEYS:
        return f"{PREFIX}{key}: there is no such key; ranges are in {PREFIX}params."
    if key == "sampler":
        return f"{PREFIX}sampler: is for programs of your own; write oracle=NAME in its place."
    if key == "search_space":
        return f"{PREFIX}search_space: is for programs of your own; write {PREFIX}params in its place."
    own = _NESTED.get(key, SYNONYMS.get(key, key))
    return f"{PREFIX}{key}: is for programs of your own; write {own}={value} in its place."


def _unknown(key: str) -> str:
    """Why a key is refused, and what to write in its place."""
    return _OF_OPTUNAS_SWEEPER.get(key) or f"there is no such key; {suggest(key, KNOWN_KEYS)}"


def _without_synonyms(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """The keys by mnistsweep's names; the names that the user wrote, by mnistsweep's; and a message for each clash."""
    keys: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    faults = []
    for key, value in given.items():
        name = SYNONYMS.get(key, key)
        if name in keys and keys[name] != value:
            both = f"{spelled[name]}={keys[name]} and {key}={value}"
            faults.append(f"{PREFIX}{name}: {spelled[name]} and {key} are the same key; received {both}; write one.")
        keys[name], spelled[name] = value, key
    return keys, spelled, faults


def _plain_config(given: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    """The configuration of a sweep as plain values."""
    plain = asdict(Config())
    plain |= {group: {} for group in ("data", "model", "optimizer", "schedule")}
    plain["objective"] = DEFAULT_OBJECTIVE
    plain |= {key: given[key] for key in _PLAIN if key in given}
    if "trials" not in given and ("hours" in given or "total_epochs" in given):
        plain["trials"] = None  # the user has chosen another limit
    for key, path in _NESTED.items():
        if key in given:
            section, _, name = path.partition(".")
            plain[section][name] = given[key]
    sampler = given.get("sampler")
    if isinstance(sampler, Mapping) and sampler.get("seed") is not None and "seed" not in given:
        plain["seed"] = sampler["seed"]  # the only seed that Hydra's Optuna sweeper has
    plain["pruner"] = _preset("pruner", given.get("pruner"), faults)
    plain["oracle"] = _oracle(given, faults)
    if plain["pruner"].get("name") == "hyperband" and "epochs" not in given:
        rule = "hyperband divides the number of steps of a trial among its brackets"
        faults.append(f"{PREFIX}epochs: {rule}; received none; write {PREFIX}epochs=N, the largest number of steps.")
    return plain


def _oracle(given: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    """The oracle of the key `oracle`, or the sampler of Optuna of the key `sampler`."""
    sampler = given.get("sampler")
    if isinstance(sampler, str):
        faults.append(
            f"{PREFIX}sampler: must be keys with values, {{_target_: optuna.samplers.NAME}}; received {sampler!r}; "
            f"hydra/sweeper/sampler={sampler} chooses a sampler by its name."
        )
        sampler = None
    keys = {key: value for key, value in dict(sampler or {}).items() if value is not None and key != "seed"}
    if "_target_" not in keys:
        if keys:
            rule = "the keys of a sampler need its class"
            faults.append(f"{PREFIX}sampler: {rule}; received {', '.join(keys)}; hydra/sweeper/sampler=tpe names it.")
        return _preset("oracle", given.get("oracle"), faults)
    if given.get("oracle") is not None:
        rule = "the sampler is an oracle, and there is one"
        faults.append(f"{PREFIX}oracle: {rule}; received {given['oracle']} and {keys['_target_']}; remove one.")
    module, _, name = str(keys["_target_"]).rpartition(".")
    if not module.startswith("optuna") or name not in _OWN_SAMPLERS:
        return {"name": "optuna", "sampler": keys}
    for key in keys.keys() - {"_target_"}:
        rule = f"the oracle {_OWN_SAMPLERS[name]}, which takes the place of {name}, has no such key"
        faults.append(f"{PREFIX}sampler.{key}: {rule}; received {keys[key]!r}; remove it.")
    return _preset("oracle", _OWN_SAMPLERS[name], faults)


def _preset(group: str, value: Any, faults: list[str]) -> dict[str, Any]:
    """Content of a preset of a config group of mnistsweep, by its name or as keys that replace those of `auto`."""
    names = sorted(file.stem for file in (conf_folder() / group).glob("*.yaml") if file.stem != "kerastuner")
    keys = {"name": value or "auto"} if value is None or isinstance(value, str) else value
    if not isinstance(keys, Mapping) or keys.get("name", "auto") not in names:
        received = keys.get("name") if isinstance(keys, Mapping) else keys
        faults.append(f"{PREFIX}{group}: no {group} is called {received!r}; {suggest(str(received), names)}.")
        return {"name": "auto"}
    name = keys.get("name", "auto")
    preset = yaml.safe_load((conf_folder() / group / f"{name}.yaml").read_text(encoding="utf-8"))
    unknown = [key for key in keys if key not in preset]
    faults += [f"{PREFIX}{group}.{key}: there is no such key; {suggest(key, preset)}." for key in unknown]
    return {**preset, **keys}


def _set_direction(plain: dict[str, Any], given: Mapping[str, Any], faults: list[str]) -> list[str]:
    """Set the direction of the objective; a message where the user has given none."""
    value, names = given.get("direction"), texts_in(plain["objective"])
    if len(names) != 1:
        plain["direction"] = _directions(value, names, faults)
        return []
    if isinstance(value, list | tuple):
        if len(value) != 1:
            rule = f"must be one for the only objective, {names[0]}"
            faults.append(
                f"{PREFIX}direction: {rule}; received {list(value)}; name one, or {PREFIX}objective=[NAME,NAME]."
            )
            return []
        value = value[0]
    direction = _named(value)
    if direction not in (None, *DIRECTIONS):
        known = (*DIRECTIONS, *_OPTUNA_DIRECTIONS)
        faults.append(f"{PREFIX}direction: must be min or max; received {value!r}; {suggest(str(value), known)}.")
        return []
    objective = names[0]
    if direction not in (None, "auto"):
        plain["direction"] = direction
        return []
    plain["direction"] = direction_of(objective) or "min"
    if direction_of(objective) is not None:
        return []
    if objective != DEFAULT_OBJECTIVE:
        rule = f"{objective!r} is not the name of a metric or a loss of Keras, so the better direction is unknown"
        faults.append(f"{PREFIX}direction: {rule}; write {PREFIX}direction=max or {PREFIX}direction=min.")
    return [NO_DIRECTION]


def _directions(value: Any, names: Sequence[str], faults: list[str]) -> Any:
    """The value of the key `direction` for several objectives; none are a fault."""
    if not names:
        faults.append(f"{PREFIX}objective: must name at least one; received []; write {PREFIX}objective=NAME.")
        return "auto"
    directions = [_named(one) for one in (value if isinstance(value, list | tuple) else [value or "auto"])]
    found = check_list(names, directions) or unknown_directions(names, directions)
    faults += [f"{PREFIX}{fault.replace(' direction=', f' {PREFIX}direction=')}" for fault in found]
    return directions if len(directions) == len(names) else "auto"


def _named(direction: Any) -> Any:
    """A direction by our name, where it has the name that Optuna gives it."""
    return _OPTUNA_DIRECTIONS.get(str(direction).rpartition(".")[2].lower(), direction)


def _as_typed(fault: str, spelled: Mapping[str, str]) -> str:
    """The message of a fault with the key as the user wrote it."""
    key, colon, rest = fault.partition(":")
    short = {path: name for name, path in _NESTED.items()}.get(key, key)
    return f"{PREFIX}{spelled.get(short, short)}{colon}{rest}"
