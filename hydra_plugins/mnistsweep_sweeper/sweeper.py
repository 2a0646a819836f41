"""``hydra/sweeper=mnistsweep``: one job a worker, not a trial; a shim over `mnistsweep.commands.sweep`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class WorkerSweeperConfig:
    """The sweeper's configuration; `params` holds ranges, the command line wins over them."""

    _target_: str = "hydra_plugins.mnistsweep_sweeper.sweeper.WorkerSweeper"
    params: dict[str, Any] = field(default_factory=dict)


ConfigStore.instance().store(group="hydra/sweeper", name="mnistsweep", node=WorkerSweeperConfig, provider="mnistsweep")


class WorkerSweeper(Sweeper):
    """Folds the swept overrides into a search space, opens the study, and launches the workers.

    Args:
        params: ``hydra.sweeper.params``; read again from the configuration when the sweep is planned.
    """

    def __init__(self, params: dict[str, Any] | None = None) -> None:
        self.params = params
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Hydra hands over what it has composed."""
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> int:
        """Run the sweep.

        Raises:
            SystemExit: The sweep was interrupted, with code 130 or 143.
        """
        from mnistsweep.commands.sweep import run_sweep

        assert self.config is not None
        code = run_sweep(self.config, arguments, self._launch)
        if code:
            sys.exit(code)
        return code

    def _launch(self, jobs: Sequence[Sequence[str]]) -> list[Any]:
        assert self.launcher is not None
        return [job.return_value for job in self.launcher.launch(jobs, initial_job_idx=0)]
