"""``hydra/launcher=local``: each job is a worker process here; a shim over `mnistsweep.workers.supervisor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from mnistsweep.errors import ConfigError


@dataclass
class LocalLauncherConfig:
    """The launcher's configuration: there is nothing to set; `workers` says how many processes there are."""

    _target_: str = "hydra_plugins.mnistsweep_sweeper.launcher.LocalLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="local", node=LocalLauncherConfig, provider="mnistsweep")


class LocalLauncher(Launcher):
    """Runs the workers of a sweep as child processes, each with its share of the cores or its GPU."""

    def __init__(self) -> None:
        self.hydra_context: HydraContext | None = None
        self.config: DictConfig | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Hydra hands over what it has composed.

        Raises:
            ConfigError: The sweeper is another: its jobs are trials, not workers.
        """
        sweeper = str(config.hydra.sweeper.get("_target_"))
        if not sweeper.endswith(".WorkerSweeper"):
            raise ConfigError(
                f"hydra/launcher: local runs the workers of hydra/sweeper=mnistsweep, received {sweeper}; "
                "with that one take hydra/launcher=basic."
            )
        self.hydra_context = hydra_context
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run one worker for each job; returns when all of them have ended, with their exit codes."""
        from mnistsweep.workers.supervisor import run_workers

        assert self.hydra_context is not None
        assert self.config is not None
        loader = self.hydra_context.config_loader
        jobs = [loader.load_sweep_config(self.config, list(overrides)) for overrides in job_overrides]
        first = jobs[0]
        codes = run_workers(
            Path(str(first.logs)) / str(first.name),
            [job.worker for job in jobs],
            first.trainer.threads,
            str(first.session),
        )
        return [
            JobReturn(overrides=list(overrides), cfg=job, status=JobStatus.COMPLETED, _return_value=code)
            for overrides, job, code in zip(job_overrides, jobs, codes, strict=True)
        ]
