"""How the workers of a sweep are started: as processes of this machine, or as jobs of SLURM or of a Hydra launcher."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistsweep.config import hydra_jobs
from mnistsweep.config.overrides import quoted
from mnistsweep.errors import ConfigError
from mnistsweep.planning.plan import Plan
from mnistsweep.redaction import redact_output
from mnistsweep.workers import supervisor
from mnistsweep.workers.slurm.launch import SlurmLaunch
from mnistsweep.workers.stopping import unresponsive_seconds
from mnistsweep.workers.worker import work_job
from mnistsweep.workers.worker_numbers import worker_numbers

# Runs all workers of a sweep until they have exited; arguments: the plan, the name of this start of the sweep.
# Returns their exit codes, of workers 0, 1, 2, ... or by their numbers.
Launch = Callable[[Plan, str], Sequence[Any] | Mapping[int, Any]]


def choose_launcher(plan: Plan) -> Launch:
    """The launcher that the command line of a plan chooses (``hydra/launcher=...``).

    Raises:
        ConfigError: The launcher cannot run that many workers, or an environment variable is invalid.
    """
    unresponsive_seconds()  # raises for an invalid variable before anything is written
    settings = _settings(plan)
    name = _class_name(settings)
    if name == "SlurmLauncher" and not str(settings["_target_"]).startswith("hydra_plugins.hydra_submitit"):
        slurm = SlurmLaunch(settings)
        slurm.check(plan)
        return slurm
    if plan.config.detach:
        raise ConfigError(
            f"detach: needs a launcher of which the jobs outlive this command; received {_shown(name)}; use "
            "hydra/launcher=slurm, or start this command with nohup."
        )
    if name == "LocalLauncher":
        return launch_processes
    if plan.config.workers_per_gpu is not None:
        raise ConfigError(
            f"workers_per_gpu: counts the GPUs of this machine, so it needs hydra/launcher=local; received "
            f"workers_per_gpu={plan.config.workers_per_gpu} with {_shown(name)}; write workers=N."
        )
    if name == "BasicLauncher" and plan.config.workers > 1:
        raise ConfigError(
            f"workers: hydra/launcher=basic runs its jobs one after another; received workers={plan.config.workers}; "
            "hydra/launcher=local (the default) runs them side by side."
        )
    return launch_hydra_jobs


def launcher_class(plan: Plan) -> str:
    """Name of the class of the launcher that the command line of a plan chooses, such as ``LocalLauncher``."""
    return _class_name(_settings(plan))


def _settings(plan: Plan) -> dict[str, Any]:
    return hydra_jobs.launcher_settings(plan.recipe.with_overrides(*plan.hydra))


def _class_name(settings: Mapping[str, Any]) -> str:
    return str(settings.get("_target_", "")).rpartition(".")[2]


def _shown(launcher: str) -> str:
    """A launcher as it is written on the command line."""
    return f"hydra/launcher={launcher.removesuffix('Launcher').lower()}"


def launch_processes(plan: Plan, session: str) -> dict[int, int]:
    """Run the workers as child processes of this process (``hydra/launcher=local``)."""
    folder, threads = plan.paths.folder.resolve(), plan.config.trainer.threads
    with worker_numbers(plan.paths, plan.config.workers) as numbers:
        return dict(zip(numbers, supervisor.run_workers(folder, numbers, threads, session), strict=True))


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
