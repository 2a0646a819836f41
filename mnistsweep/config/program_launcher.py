"""Launchers of Hydra (joblib, submitit, ...) for the workers of a user's own program: each worker is a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from omegaconf import DictConfig, open_dict, read_write

from mnistsweep.config.hydra_jobs import launch
from mnistsweep.config.hydra_private import hydra_context
from mnistsweep.config.overrides import quoted
from mnistsweep.config.program_job import HydraJob

# Launchers that run jobs on this machine one after another; worker processes take their place.
_LOCAL = ("BasicLauncher", "LocalLauncher")

# Folder of the job of a worker, below that of the sweep: the folders of the trials' jobs are beside it.
_FOLDER = "workers/job-${hydra.job.num}"


def uses_launcher(job: HydraJob) -> bool:
    """Whether the program chooses a launcher that runs its jobs side by side (``hydra/launcher=joblib``).

    Args:
        job: The program.
    """
    target = str(job.config.hydra.launcher.get("_target_"))
    return target.rpartition(".")[2] not in _LOCAL


def launch_workers(
    job: HydraJob, overrides: Sequence[str], folder: str, num_workers: int, task: Callable[[DictConfig], Any]
) -> list[Any]:
    """Run the same function as several jobs of the program's launcher.

    Args:
        job: The program.
        overrides: Overrides with which a job can be composed; the configuration is not used.
        folder: Absolute path of the sweep's folder.
        num_workers: Number of jobs.
        task: Function of the composed configuration; a launcher may pickle it.

    Returns:
        Return value of the function in each job.
    """
    config = job.config.copy()
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.sweep.dir = folder
    # The program's callbacks are called for the jobs of the trials, not for those of the workers.
    context = hydra_context(job.context.config_loader)
    own = [*overrides, f"hydra.sweep.dir={quoted(folder)}", f"hydra.sweep.subdir={quoted(_FOLDER)}"]
    return launch(context, config, own, num_workers, task)
