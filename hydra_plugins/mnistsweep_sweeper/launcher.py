"""``hydra/launcher=local``: the workers of a sweep are child processes of this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from mnistsweep.errors import ConfigError


@dataclass
class LocalLauncherConfig:
    """The configuration of the launcher; it has no settings: `workers` is the number of processes."""

    _target_: str = "hydra_plugins.mnistsweep_sweeper.launcher.LocalLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="local", node=LocalLauncherConfig, provider="mnistsweep")


class LocalLauncher(Launcher):
    """The name under which a configuration chooses worker processes; it cannot run the jobs of other sweepers.

    A sweep starts its worker processes itself (`mnistsweep.workers.launchers`).
    """

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Refuse the jobs of another sweeper: they are trials, not workers.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(
            f"hydra/launcher: local runs the workers of hydra/sweeper=mnistsweep; received "
            f"{config.hydra.sweeper.get('_target_')}; use hydra/launcher=basic with that sweeper."
        )

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Never called: `setup` refuses."""
        raise NotImplementedError
