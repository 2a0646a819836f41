"""``hydra/sweeper=mnistsweep`` on the command line of a program with ``@hydra.main``, started with ``-m``.

In a program of the user's own, the trials are jobs: each runs the program's function with a configuration that Hydra
composes (`mnistsweep.commands.program_sweep`). In a program with the configuration of mnistsweep itself, which then
plays no part, the sweep is that of `mnistsweep sweep`, which does not use this sweeper.
"""

from __future__ import annotations

import sys
from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hydra_plugins.mnistsweep_sweeper.settings import register

register()


class WorkerSweeper(Sweeper):
    """Runs a sweep whose worker processes run trial after trial.

    Args:
        settings: Content of ``hydra.sweeper``; the sweep reads it from the configuration.
    """

    def __init__(self, **settings: Any) -> None:
        self.hydra_context: HydraContext | None = None
        self.task_function: TaskFunction | None = None
        self.config: DictConfig | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra passes to a sweeper."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> Any:
        """Run the sweep, or one of its workers if this process is one.

        Args:
            arguments: Overrides of the command line without Hydra's own.

        Raises:
            SystemExit: The sweep was interrupted or cannot be run, or this process is a worker.
        """
        from mnistsweep.commands.program_sweep import sweep_program
        from mnistsweep.config.program_job import HydraJob

        assert self.hydra_context is not None
        assert self.task_function is not None
        assert self.config is not None
        job = HydraJob(self.hydra_context, self.config, self.task_function, tuple(arguments))
        if code := sweep_program(job):
            sys.exit(code)
