"""How the workers of a sweep are started: as processes of this machine, or as jobs of a Hydra launcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistsweep.config import hydra_jobs
from mnistsweep.config.overrides import quoted
from mnistsweep.errors import ConfigError
from mnistsweep.planning.plan import Plan
from mnistsweep.redaction import redact_output
from mnistsweep.workers import supervisor
from mnistsweep.workers.stopping import unresponsive_seconds
from mnistsweep.workers.worker import work_job

# Runs all workers of a sweep until they have exited; arguments: the plan, the name of this start of the sweep.
# Returns their exit codes.
Launch = Callable[[Plan, str], Sequence[Any]]


def choose_launcher(plan: Plan) -> Launch:
    """The launcher that the command line of a plan chooses (``hydra/launcher=...``).

    Raises:
        ConfigError: The launcher cannot run that many workers, or an environment variable is invalid.
    """
    unresponsive_seconds()  # raises for an invalid variable before anything is written
    name = hydra_jobs.launcher_class(plan.recipe.with_overrides(*plan.hydra)).rpartition(".")[2]
    if name == "LocalLauncher":
        return launch_processes
    if name == "BasicLauncher" and plan.config.workers > 1:
        raise ConfigError(
            f"workers: hydra/launcher=basic runs its jobs one after another; received workers={plan.config.workers}; "
            "hydra/launcher=local (the default) runs them side by side."
        )
    return launch_hydra_jobs


def launch_processes(plan: Plan, session: str) -> list[int]:
    """Run the workers as child processes of this process (``hydra/launcher=local``)."""
    workers, threads = range(plan.config.workers), plan.config.trainer.threads
    return supervisor.run_workers(plan.paths.folder.resolve(), workers, threads, session)


def launch_hydra_jobs(plan: Plan, session: str) -> list[Any]:
    """Run each worker as a job of the Hydra launcher of the plan's command line."""
    folder = plan.paths.folder.resolve()
    job = plan.recipe.with_overrides(f"name={quoted(folder.name)}", f"logs={quoted(str(folder.parent))}")
    launcher = job.with_overrides(*plan.hydra)
    return hydra_jobs.launch_jobs(launcher, job.overrides, plan.config.workers, WorkerJob(folder, session))


@dataclass(frozen=True)
class WorkerJob:
    """The function that a Hydra launcher runs in each job: one worker, with the job's index.

    Args:
        folder: Absolute path of the sweep's folder.
        session: Name of this start of the sweep.
    """

    folder: Path
    session: str

    def __call__(self, config: Any) -> int:
        """Run the worker; the configuration of the job is not used: the worker reads the plan in the folder."""
        redact_output()  # the process of a job may be new
        return work_job(self.folder, hydra_jobs.job_index(), self.session)
