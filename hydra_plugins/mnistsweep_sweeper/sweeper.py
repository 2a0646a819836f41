"""``hydra/sweeper=mnistsweep`` on the command line of a program with ``@hydra.main``, started with ``-m``.

`mnistsweep sweep` does not use this sweeper: it plans and runs a sweep directly. In such a program Hydra itself parses
the command line, composes the configuration, and only then calls the sweeper. The sweeper therefore builds the recipe
from what Hydra composed, and plans and runs the sweep in the same way.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


@dataclass
class WorkerSweeperConfig:
    """The configuration of the sweeper; `params` holds ranges, which the command line can replace."""

    _target_: str = "hydra_plugins.mnistsweep_sweeper.sweeper.WorkerSweeper"
    params: dict[str, Any] = field(default_factory=dict)


ConfigStore.instance().store(group="hydra/sweeper", name="mnistsweep", node=WorkerSweeperConfig, provider="mnistsweep")


class WorkerSweeper(Sweeper):
    """Runs a sweep whose jobs are workers, not trials.

    Args:
        params: Value of ``hydra.sweeper.params``; planning reads it from the configuration.
    """

    def __init__(self, params: dict[str, Any] | None = None) -> None:
        self.params = params
        self.config: DictConfig | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep the configuration that Hydra composed; the workers train, not the program's function."""
        self.config = config

    def sweep(self, arguments: list[str]) -> int:
        """Run the sweep.

        Args:
            arguments: Overrides of the command line without Hydra's own.

        Raises:
            SystemExit: The sweep was interrupted, with code 130 or 143.
        """
        from mnistsweep.commands.sweep import run_sweep
        from mnistsweep.config.recipe import Recipe
        from mnistsweep.planning.planner import plan_sweep
        from mnistsweep.workers.launchers import choose_launcher

        assert self.config is not None
        hydra = self.config.hydra
        own: Any = OmegaConf.to_container(hydra.overrides.hydra, resolve=False)
        folders = [
            f"{s.schema}://{s.path}" for s in hydra.runtime.config_sources if s.provider not in ("hydra", "schema")
        ]
        overrides = [text for text in own if not text.startswith("hydra.searchpath=")]
        plan = plan_sweep(Recipe((*overrides, *arguments), str(hydra.job.config_name), tuple(dict.fromkeys(folders))))
        code = run_sweep(plan, choose_launcher(plan))
        if code:
            sys.exit(code)
        return code
