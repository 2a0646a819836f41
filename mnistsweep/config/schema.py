"""The typed configuration: the keys that users write, their types, and the limits of their values.

The keys are registered with Hydra, so that a misspelt one is refused when the configuration is composed. Their types
are checked afterwards (see `checks`): Hydra would stop at the first wrong one, and cut 2.5 epochs down to 2 without a
word. The groups (`data`, `model`, `optimizer`, ...) stay open: a user's own function brings keys of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from mnistsweep.config.resources import PRIMARY, conf_folder


@dataclass
class TrainerConfig:
    """How one model is trained; the comments in ``conf/config.yaml`` say what each key means."""

    epochs: int = 5
    batch_size: int = 128
    loss: str = "sparse_categorical_crossentropy"
    metrics: list[str] = field(default_factory=lambda: ["accuracy"])
    patience: int | None = None
    repeats: int = 1
    callbacks: list[Any] = field(default_factory=list)
    deterministic: bool = False
    threads: int | None = None


@dataclass
class TrialConfig:
    """Limits of one trial; past one of them it is recorded as failed."""

    timeout_minutes: float | None = None
    max_parameters: int | None = None


@dataclass
class ReportConfig:
    """What `mnistsweep report` does; the comments in ``conf/config.yaml`` say what each key means."""

    seeds: int = 3
    refit: bool = True
    top: int = 10
    top_trials: int = 0
    robustness: bool = True
    against: str | None = None
    class_names: list[str] = field(default_factory=list)


@dataclass
class CleanConfig:
    """What `mnistsweep clean` does."""

    plant: float = 0.0
    folds: int = 5
    seeds: int = 3


@dataclass
class Config:
    """One configuration: of a sweep, of a trial, or of a single training."""

    name: str | None = None
    logs: str = "logs"
    seed: int = 0
    objective: str = "val_accuracy"
    direction: str = "auto"
    trials: int | None = 20
    hours: float | None = None
    total_epochs: int | None = None
    workers: int = 1
    storage: str | None = None
    enqueue: list[Any] = field(default_factory=list)
    conditions: dict[str, Any] = field(default_factory=dict)
    max_consecutive_failed_trials: int = 5
    max_failed_trials: int | None = 15
    failure_window: int = 20
    lease_seconds: float = 15.0
    worker_memory_gb: float | None = None
    trial: TrialConfig = field(default_factory=TrialConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    clean: CleanConfig = field(default_factory=CleanConfig)
    data: Any = None
    model: Any = None
    optimizer: Any = None
    schedule: Any = None
    oracle: Any = None
    pruner: Any = None
    worker: int | None = None
    session: str | None = None


# Keys of the sweep itself: they hold for all trials and cannot be dimensions of the search.
SWEEP_KEYS = frozenset(
    {
        *("name", "logs", "seed", "objective", "direction", "trials", "hours", "total_epochs", "workers", "storage"),
        *("enqueue", "conditions", "max_consecutive_failed_trials", "oracle", "pruner", "space", "sweeps"),
        *("max_failed_trials", "failure_window", "lease_seconds", "worker_memory_gb"),
        *("worker", "session", "trial", "trainer.threads", "trainer.deterministic", "report", "clean"),
    }
)

# Keys that may change when a sweep is continued: they say how far and where it runs, not what is searched.
CONTINUABLE_KEYS = frozenset(
    {
        *("logs", "name", "trials", "hours", "total_epochs", "workers", "max_consecutive_failed_trials"),
        *("max_failed_trials", "failure_window", "lease_seconds", "worker_memory_gb"),
        *("worker", "session", "report", "clean"),
    }
)

# Smallest and largest value of a number, both allowed; None: no limit.
LIMITS: dict[str, tuple[float | None, float | None]] = {
    "seed": (0, 2**32 - 1),
    "trials": (1, None),
    "hours": (1e-6, None),
    "total_epochs": (1, None),
    "workers": (1, 256),
    "max_consecutive_failed_trials": (1, None),
    "max_failed_trials": (1, None),
    "failure_window": (1, None),
    "lease_seconds": (1, 3600),
    "worker_memory_gb": (0.1, None),
    "trial.timeout_minutes": (1e-6, None),
    "trial.max_parameters": (1, None),
    "trainer.epochs": (1, None),
    "trainer.batch_size": (1, None),
    "trainer.patience": (1, None),
    "trainer.repeats": (1, None),
    "trainer.threads": (1, None),
    "report.seeds": (1, 100),
    "report.top": (1, 1000),
    "report.top_trials": (0, 100),
    "clean.plant": (0, 0.5),
    "clean.folds": (2, 100),
    "clean.seeds": (1, 100),
}

# The groups that every configuration has.
REQUIRED_GROUPS = ("data", "model", "optimizer", "schedule", "oracle", "pruner")

SCHEMA = "mnistsweep_schema"

# The packaged primary configuration under a name that no file has: a trial's own file is called config.yaml too.
PACKAGED = "mnistsweep"


def register() -> None:
    """Make the keys, and the packaged configuration, known to Hydra; calling it again does no harm."""
    if f"{SCHEMA}.yaml" in ConfigStore.instance().repo:
        return
    keys = OmegaConf.create(OmegaConf.to_container(OmegaConf.structured(Config)))
    keys._get_node("conditions")._set_flag("struct", False)  # type: ignore[union-attr, arg-type]  # their keys are the user's
    ConfigStore.instance().store(name=SCHEMA, node=keys)
    ConfigStore.instance().store(name=PACKAGED, node=OmegaConf.load(conf_folder() / f"{PRIMARY}.yaml"))
