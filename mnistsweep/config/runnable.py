"""A trial's configuration as a file that Hydra composes again: ``trials/0007/config.yaml`` and ``best.yaml``.

``mnistsweep train --config-dir DIR --config-name best`` trains it; every group and key can still be overridden.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mnistsweep.config.compose import PRIMARY, conf_folder

# What makes a training; the rest of the configuration is about the sweep around it.
GROUPS = ("data", "model", "optimizer", "schedule")
KEYS = ("seed", "objective", "direction", "trainer")


def runnable(config: DictConfig, choices: Mapping[str, Any], threads: int | None) -> dict[str, Any]:
    """The file's content.

    Args:
        config: The trial's configuration.
        choices: Which preset each group has.
        threads: CPU threads of the training: another number of threads adds up floats in another order.
    """
    plain: Any = OmegaConf.to_container(config, resolve=True)
    presets = [{f"override {group}": _preset(group, choices.get(group), plain[group])} for group in GROUPS]
    content: dict[str, Any] = {"defaults": [PRIMARY, *presets, "_self_"]}
    content |= {key: plain[key] for key in (*KEYS, *GROUPS)}
    content["trainer"] = {**plain["trainer"], "threads": plain["trainer"]["threads"] or threads}
    return content


def _preset(group: str, choice: Any, config: Mapping[str, Any]) -> str | None:
    """The preset to start from; None where it is not one of the package's, or its `_target_` was replaced."""
    file = conf_folder() / group / f"{choice}.yaml"
    if not choice or not file.is_file():
        return None
    return str(choice) if OmegaConf.load(file).get("_target_") == config.get("_target_") else None
