"""Plan of a sweep of a user's own Hydra program: from ``hydra.sweeper`` and the overrides of its command line."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import without_hydra
from mnistsweep.config.job_overrides import JobOverrides
from mnistsweep.config.program_job import HYDRAS_FOLDER, HydraJob
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.schema import Config
from mnistsweep.config.secret_values import with_references
from mnistsweep.config.sweeper_keys import KNOWN_KEYS, PREFIX, read_sweeper_keys
from mnistsweep.planning.folders import check_database, check_sweep_folder
from mnistsweep.planning.hydra_keys import resolve_keys
from mnistsweep.planning.hydra_request import read_overrides
from mnistsweep.planning.plan import Plan, first_budget
from mnistsweep.planning.probes import probes
from mnistsweep.planning.search_checks import check_search
from mnistsweep.planning.user_conditions import with_explicit_conditions
from mnistsweep.planning.user_zips import with_zips
from mnistsweep.planning.warm_start import with_warm_start
from mnistsweep.redaction import mask_values
from mnistsweep.space import SearchSpace

# Folder of the sweeps of programs that choose none.
DEFAULT_FOLDER = Path("multirun")

# Number of points whose configurations are composed before the start; one takes about 20 to 100 ms.
MAX_COMPOSED = 50

# What follows the key of the sweeper at the beginning of a message.
_KEY = re.compile(r"[:.\[=]")

# URL of a SQLite file by a relative path, before and after which other parts of the URL may stand.
_RELATIVE_FILE = re.compile(r"^(sqlite(?:\+\w+)?:///)([^/?:][^?]*)(.*)$")


def plan_hydra_program(job: HydraJob, factory: str, command: str) -> Plan:
    """Plan the sweep of a program.

    Args:
        job: What Hydra has passed to the sweeper.
        factory: Dotted path of the class that runs the trials (`workers.hydra_function`).
        command: Command line of the program without its arguments, such as ``python train.py``.

    Raises:
        ConfigError: Every fault that can be found before the start.
    """
    faults = Faults()
    with faults.raising():
        config, notes = read_sweeper_keys(job.sweeper, str(job.config.hydra.job.name))
    _set_folder(job, config, faults)
    config.storage = _absolute(config.storage)
    fixed, ranges = read_overrides(job, faults)
    faults.raise_any()
    dimensions, overrides = resolve_keys(job, fixed, ranges, faults)
    if not ranges and not faults.any:
        faults.add([f"nothing is swept: give a key a range ('lr=tag(log,interval(1e-4,1e-1))'), or {PREFIX}params."])
    faults.raise_any()
    here = Faults()
    with here.collecting():
        listed = {override.key: override.listed for override in ranges}
        space = SearchSpace(with_zips(with_explicit_conditions(dimensions, config.conditions), config.zip, listed))
    faults.add(_prefixed(here.config))
    faults.raise_any()
    _check_jobs(job, space, overrides, faults)
    config_of_program = _recorded(job.config, overrides, space)
    program = {
        "_target_": factory,
        "command": command,
        "key_prefix": PREFIX,
        "overrides": overrides.to_json(),
        "config": config_of_program,
    }
    plan = Plan(
        Recipe(),
        frozenset(),
        space,
        config,
        first_budget(config, space),
        references=_references(config),
        program=program,
    )
    _check_plan(plan, faults)
    faults.raise_any()
    here = Faults()
    plan = with_warm_start(plan, here)
    faults.add(_prefixed(here.config))
    faults.raise_any()
    return replace(plan, warnings=tuple(dict.fromkeys([*notes, *faults.warnings])))


def _set_folder(job: HydraJob, config: Config, faults: Faults) -> None:
    """Set the folder of the sweep: that of Hydra's multirun, but without the time, so that the same command continues.

    A name that the user gives is a folder in it.
    """
    is_named = any(job.sweeper.get(key) is not None for key in ("name", "study_name"))
    if job.written_folder == HYDRAS_FOLDER:
        config.logs = str(DEFAULT_FOLDER)
        return
    folder = Path(str(job.config.hydra.sweep.dir)).absolute()
    if is_named:
        config.logs = str(folder)
    else:
        config.logs, config.name = str(folder.parent), folder.name
    if "${now:" in job.written_folder:
        again = f"hydra.sweep.dir={folder} continues this one"
        faults.warn([f"hydra.sweep.dir: contains the time, so each start of this command is a new sweep; {again}."])


def _absolute(storage: str | None) -> str | None:
    """URL of a database with an absolute path to a SQLite file: a job may have another working directory."""
    found = _RELATIVE_FILE.match(storage or "")
    return f"{found[1]}{Path.cwd() / found[2]}{found[3]}" if found else storage


def _check_jobs(job: HydraJob, space: SearchSpace, overrides: JobOverrides, faults: Faults) -> None:
    """Compose the configurations of points that cover the search space."""
    for point in itertools.islice(probes(space, faults), MAX_COMPOSED):
        with faults.collecting():
            job.compose(overrides.at(point))


def _check_plan(plan: Plan, faults: Faults) -> None:
    """Check the folder, the database and how the space is searched; messages name the keys of the sweeper."""
    here = Faults()
    folder = [f"hydra.sweep.dir:{fault.partition(':')[2]}" for fault in check_sweep_folder(plan.config)]
    here.add(check_database(plan.config.storage))
    check_search(plan, here)
    faults.add(folder, _prefixed(here.config))


def _prefixed(messages: Iterable[str]) -> list[str]:
    """Messages about keys of the sweeper with the names that these keys have in a Hydra program."""
    return [f"{PREFIX}{text}" if _KEY.split(text, maxsplit=1)[0] in KNOWN_KEYS else text for text in messages]


def _references(config: Config) -> dict[tuple[str | int, ...], str]:
    """The references in place of the password of the database and of the secrets of the notification."""
    values = {"storage": config.storage, "notify.command": config.notify.command, "notify.url": config.notify.url}
    safe = {key: with_references(key, value) for key, value in values.items()}
    return {tuple(key.split(".")): text for key, text in safe.items() if text != values[key]}


def _recorded(config: DictConfig, overrides: JobOverrides, space: SearchSpace) -> dict[str, Any]:
    """The program's configuration without secrets and without what is swept: it identifies the search."""
    plain: Any = OmegaConf.to_container(without_hydra(config), resolve=False, enum_to_str=True)
    for key in space.keys:
        path = key.partition("@")[0].replace("/", ".") if key in overrides.groups else key
        _remove(plain, path.split("."))
    return {str(key): _plain(mask_values(value, str(key))) for key, value in plain.items()}


def _remove(plain: Any, path: Sequence[str]) -> None:
    """Remove a value from nested dictionaries; one in a list stays."""
    for part in path[:-1]:
        plain = plain.get(part) if isinstance(plain, dict) else None
    if isinstance(plain, dict):
        plain.pop(path[-1], None)


def _plain(value: Any) -> Any:
    """A value with plain dictionaries and lists; what YAML cannot hold as a text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
