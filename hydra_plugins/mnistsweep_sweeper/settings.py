"""The configuration of the sweeper in Hydra's store: ``hydra/sweeper=mnistsweep`` and ``hydra/sweeper/sampler=NAME``.

The keys are those of `mnistsweep.config.sweeper_keys`, which this file must not import: it is read whenever any Hydra
program starts. Unknown keys are therefore let through here, and refused by the sweeper with the nearest known key.
"""

from __future__ import annotations

from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

SWEEPER = "hydra_plugins.mnistsweep_sweeper.sweeper.WorkerSweeper"

# Keys of the sweeper, beside `params` and `sampler`; null stands for the default.
KEYS = (
    *(
        "objective",
        "direction",
        "trials",
        "n_trials",
        "workers",
        "workers_per_gpu",
        "n_jobs",
        "hours",
        "name",
        "study_name",
        "storage",
    ),
    *("oracle", "pruner", "seed", "search_space", "enqueue", "conditions", "total_epochs", "epochs", "threads"),
    *("timeout_minutes", "max_consecutive_failed_trials", "max_failed_trials", "failure_window", "lease_seconds"),
    *("worker_memory_gb", "zip", "warm_start", "confirm_top", "confirm_seeds"),
    *("if_running", "notify_command", "notify_url", "notify_timeout_seconds"),
)

# Samplers by the names that Hydra's Optuna sweeper gives them.
SAMPLERS = {
    "auto": None,
    "tpe": "optuna.samplers.TPESampler",
    "random": "optuna.samplers.RandomSampler",
    "grid": "optuna.samplers.GridSampler",
    "cmaes": "optuna.samplers.CmaEsSampler",
    "gp": "optuna.samplers.GPSampler",
    "nsgaii": "optuna.samplers.NSGAIISampler",
    "qmc": "optuna.samplers.QMCSampler",
}


def register() -> None:
    """Add the sweeper and its samplers to Hydra's store; samplers that another plugin has added stay as they are."""
    content: dict[str, Any] = {"defaults": [{"sampler": "auto"}, "_self_"], "_target_": SWEEPER, "_recursive_": False}
    content |= {"params": {}, **dict.fromkeys(KEYS)}
    store = ConfigStore.instance()
    store.store(group="hydra/sweeper", name="mnistsweep", node=_open(content), provider="mnistsweep")
    stored = store.repo["hydra"]["sweeper"].get("sampler", {})
    for name, target in SAMPLERS.items():
        if f"{name}.yaml" not in stored:
            node = _open({"_target_": target, "seed": None})
            store.store(group="hydra/sweeper/sampler", name=name, node=node, provider="mnistsweep")


def _open(content: dict[str, Any]) -> DictConfig:
    """A configuration to which a command line can add keys without a leading ``+``."""
    node = OmegaConf.create(content)
    OmegaConf.set_struct(node, False)
    for child in node.values():
        if isinstance(child, DictConfig):
            OmegaConf.set_struct(child, False)
    return node
