"""The typed configuration: the keys that users write, with their types, defaults, limits and roles.

The keys are registered with Hydra, so that a misspelt key is rejected when the configuration is composed. Their types
are checked afterwards (see `structure`), because Hydra stops at the first wrong type, and truncates 2.5 epochs to 2
without a message. The groups (`data`, `model`, `optimizer`, ...) accept any key: a user's function has arguments of its
own.
"""

# ruff: noqa: RUF009  # `sweep_key` and `trial_key` return a dataclass field, as `dataclasses.field` does

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, is_dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from mnistsweep.config.objectives import Objective, objectives_of
from mnistsweep.config.resources import PRIMARY, conf_folder


def sweep_key(
    default: Any,
    *,
    continuable: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
    hint: Any = None,
) -> Any:
    """Declare a key of the sweep itself: it holds for all trials, and cannot be a dimension of the search.

    Args:
        default: Default value, or a function that makes it.
        continuable: Whether the value may change when a sweep is continued: such a key sets how far and where the
            sweep runs, not what it searches.
        minimum: Smallest allowed value of a number; None: no limit.
        maximum: Largest allowed value of a number; None: no limit.
        hint: Type of the value where OmegaConf does not know this type; None: that of the annotation.
    """
    return _key(default, minimum, maximum, sweepable=False, continuable=continuable, hint=hint)


def trial_key(default: Any, *, minimum: float | None = None, maximum: float | None = None) -> Any:
    """Declare a key of a single training, which may be a dimension of the search.

    Args:
        default: Default value, or a function that makes it.
        minimum: Smallest allowed value of a number; None: no limit.
        maximum: Largest allowed value of a number; None: no limit.
    """
    return _key(default, minimum, maximum, sweepable=True, continuable=False)


def _key(
    default: Any, minimum: float | None, maximum: float | None, sweepable: bool, continuable: bool, hint: Any = None
) -> Any:
    metadata = {"limits": (minimum, maximum), "sweepable": sweepable, "continuable": continuable, "hint": hint}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class TrainerConfig:
    """How one model is trained; the comments in ``conf/config.yaml`` explain each key."""

    epochs: int = trial_key(5, minimum=1)
    batch_size: int = trial_key(128, minimum=1)
    loss: str = trial_key("sparse_categorical_crossentropy")
    metrics: list[str] = trial_key(lambda: ["accuracy"])
    patience: int | None = trial_key(None, minimum=1)
    repeats: int = trial_key(1, minimum=1)
    callbacks: list[Any] = trial_key(list)
    deterministic: bool = sweep_key(False)
    threads: int | None = sweep_key(None, minimum=1, maximum=1024)
    class_weight: Any = trial_key(None)
    steps_per_epoch: int | None = trial_key(None, minimum=1)
    stop_after: int | None = trial_key(None, minimum=1)


@dataclass
class TrialConfig:
    """Limits of one trial; a trial that exceeds one of them is recorded as failed."""

    timeout_minutes: float | None = sweep_key(None, minimum=1e-6)
    max_parameters: int | None = sweep_key(None, minimum=1)


@dataclass
class SearchConfig:
    """Limits of the search; the comments in ``conf/config.yaml`` explain each key."""

    checkpoints_gb: float = sweep_key(2.0, minimum=0, maximum=1e6)
    live_models: int = sweep_key(8, minimum=0, maximum=1000)


@dataclass
class ConfirmConfig:
    """Confirmation of the best configurations; the comments in ``conf/config.yaml`` explain each key."""

    top: int = sweep_key(0, minimum=0, maximum=100)
    seeds: int = sweep_key(2, minimum=1, maximum=100)


@dataclass
class NotifyConfig:
    """Who is notified when the sweep ends; the comments in ``conf/config.yaml`` explain each key."""

    command: str | None = sweep_key(None)
    url: str | None = sweep_key(None)
    timeout_seconds: float = sweep_key(20.0, minimum=0.1, maximum=600)


@dataclass
class ReportConfig:
    """What `mnistsweep report` shows; the comments in ``conf/config.yaml`` explain each key."""

    seeds: int = sweep_key(3, minimum=1, maximum=100)
    refit: bool = sweep_key(True)
    top: int = sweep_key(10, minimum=1, maximum=1000)
    top_trials: int = sweep_key(0, minimum=0, maximum=100)
    robustness: bool = sweep_key(True)
    against: str | None = sweep_key(None)
    class_names: list[str] = sweep_key(list)


@dataclass
class CleanConfig:
    """What `mnistsweep clean` does; the comments in ``conf/config.yaml`` explain each key."""

    plant: float = sweep_key(0.0, minimum=0, maximum=0.5)
    folds: int = sweep_key(5, minimum=2, maximum=100)
    seeds: int = sweep_key(3, minimum=1, maximum=100)


@dataclass
class Config:
    """One configuration: that of a sweep, of a trial, or of a single training."""

    name: str | None = sweep_key(None, continuable=True)
    logs: str = sweep_key("logs", continuable=True)
    seed: int = sweep_key(0, minimum=0, maximum=2**32 - 1)
    objective: Any = sweep_key("auto", hint=str | list[str])
    direction: Any = sweep_key("auto", hint=str | list[str])
    constraints: list[Any] = sweep_key(list)
    trials: int | None = sweep_key(20, continuable=True, minimum=1)
    hours: float | None = sweep_key(None, continuable=True, minimum=1e-6)
    total_epochs: int | None = sweep_key(None, continuable=True, minimum=1)
    workers: int = sweep_key(1, continuable=True, minimum=1, maximum=256)
    workers_per_gpu: int | None = sweep_key(None, continuable=True, minimum=1, maximum=64)
    storage: str | None = sweep_key(None)
    enqueue: list[Any] = sweep_key(list)
    warm_start: Any = sweep_key(None)
    conditions: dict[str, Any] = sweep_key(dict)
    zip: list[Any] = sweep_key(list)
    max_consecutive_failed_trials: int = sweep_key(5, continuable=True, minimum=1)
    max_failed_trials: int | None = sweep_key(15, continuable=True, minimum=1)
    failure_window: int = sweep_key(20, continuable=True, minimum=1)
    lease_seconds: float = sweep_key(15.0, continuable=True, minimum=1, maximum=3600)
    worker_memory_gb: float | None = sweep_key(None, continuable=True, minimum=0.1)
    if_running: str = sweep_key("join", continuable=True)
    detach: bool = sweep_key(False, continuable=True)
    notify: NotifyConfig = sweep_key(NotifyConfig, continuable=True)
    search: SearchConfig = sweep_key(SearchConfig, continuable=True)
    confirm: ConfirmConfig = sweep_key(ConfirmConfig, continuable=True)
    trial: TrialConfig = sweep_key(TrialConfig)
    trainer: TrainerConfig = trial_key(TrainerConfig)
    report: ReportConfig = sweep_key(ReportConfig, continuable=True)
    clean: CleanConfig = sweep_key(CleanConfig, continuable=True)
    data: Any = trial_key(None)
    model: Any = trial_key(None)
    optimizer: Any = trial_key(None)
    schedule: Any = trial_key(None)
    oracle: Any = sweep_key(None)
    pruner: Any = sweep_key(None)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All objectives with their directions; the first one is that of each training."""
        return objectives_of(self.objective, self.direction)

    @property
    def first_objective(self) -> str:
        """Name of the first objective, a metric of the logs; it selects the best epoch."""
        return self.objectives[0].name


def _declared_keys(record: Any, prefix: str = "") -> Iterator[tuple[str, Field[Any]]]:
    """All keys of a record with their declarations, those of nested records after the record's own key."""
    for entry in fields(record):
        yield prefix + entry.name, entry
        if is_dataclass(nested := getattr(record, entry.name)):
            yield from _declared_keys(nested, f"{prefix}{entry.name}.")


_KEYS = dict(_declared_keys(Config()))


def _is_sweep_key(key: str, entry: Field[Any]) -> bool:
    """Whether a key cannot be searched; False for a key below another such key, which includes it."""
    section, _, inner = key.partition(".")
    return not entry.metadata["sweepable"] and (not inner or bool(_KEYS[section].metadata["sweepable"]))


# Keys that cannot be dimensions of the search, with the keys below them. `space` and `sweeps` are groups whose content
# goes elsewhere in the configuration.
SWEEP_KEYS = frozenset({"space", "sweeps", *(key for key, entry in _KEYS.items() if _is_sweep_key(key, entry))})

# Keys that may change when a sweep is continued, with the keys below them.
CONTINUABLE_KEYS = frozenset(key for key, entry in _KEYS.items() if entry.metadata["continuable"])

# Smallest and largest allowed value of each number that has a limit; None: no limit on this side.
LIMITS: dict[str, tuple[float | None, float | None]] = {
    key: entry.metadata["limits"] for key, entry in _KEYS.items() if entry.metadata["limits"] != (None, None)
}

# The groups that every configuration contains.
REQUIRED_GROUPS = ("data", "model", "optimizer", "schedule", "oracle", "pruner")

SCHEMA = "mnistsweep_schema"

# Name of the packaged primary configuration in Hydra's store. It differs from all file names, because a trial's own
# file is called config.yaml too.
PACKAGED = "mnistsweep"


def register() -> None:
    """Register the keys and the packaged configuration with Hydra; a repeated call changes nothing."""
    if f"{SCHEMA}.yaml" in ConfigStore.instance().repo:
        return
    keys = OmegaConf.create(OmegaConf.to_container(OmegaConf.structured(Config)))
    OmegaConf.set_struct(keys.conditions, False)  # its keys are those of the user's search space
    ConfigStore.instance().store(name=SCHEMA, node=keys)
    ConfigStore.instance().store(name=PACKAGED, node=OmegaConf.load(conf_folder() / f"{PRIMARY}.yaml"))
