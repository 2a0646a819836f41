"""Jobs that Hydra runs: one in this process, or several through a launcher plugin (basic, joblib, ...)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import run_job
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mnistsweep.config.hydra_private import hydra_context
from mnistsweep.config.recipe import Recipe, compose_raw, initialized_hydra
from mnistsweep.errors import ConfigError, SweepStopped, translate_os_errors
from mnistsweep.user_code import explained


def launcher_settings(recipe: Recipe) -> dict[str, Any]:
    """The keys of the launcher that a recipe chooses (``hydra/launcher=...``); ``_target_`` names its class.

    Raises:
        ConfigError: A key refers to something that does not exist.
    """
    try:
        found: Any = OmegaConf.to_container(compose_raw(recipe).hydra.launcher, resolve=True, enum_to_str=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"hydra.launcher: {str(error).splitlines()[0]}.") from error
    return dict(found)


def launch_jobs(
    recipe: Recipe, overrides: Sequence[str], num_jobs: int, task: Callable[[DictConfig], Any]
) -> list[Any]:
    """Run the same function as several jobs of Hydra's launcher.

    Args:
        recipe: Recipe that chooses the launcher and its settings.
        overrides: Overrides of each job; they are the same for all jobs. A job gets its index from `job_index`.
        num_jobs: Number of jobs.
        task: Function of the composed configuration; a launcher may pickle it.

    Returns:
        Return value of the function in each job.
    """
    config = compose_raw(recipe).copy()
    with initialized_hydra(recipe) as hydra:
        return launch(hydra_context(hydra.config_loader(), config), config, overrides, num_jobs, task)


def launch(
    context: HydraContext,
    config: DictConfig,
    overrides: Sequence[str],
    num_jobs: int,
    task: Callable[[DictConfig], Any],
) -> list[Any]:
    """Run the same function as several jobs of the launcher of a configuration.

    Args:
        context: What Hydra passes to its plugins.
        config: Configuration with Hydra's own part under ``hydra``.
        overrides: Overrides of each job.
        num_jobs: Number of jobs.
        task: Function of the composed configuration; a launcher may pickle it.

    Returns:
        Return value of the function in each job.

    Raises:
        SweepStopped: The launcher cannot run the jobs: its package or its cluster is missing, or it lost one of them.
        Exception: What the function raised in a job.
    """
    with explained(partial(_not_launched, str(config.hydra.launcher.get("_target_")))):
        launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=task, config=config)
        jobs = launcher.launch([list(overrides) for _ in range(num_jobs)], initial_job_idx=0)
    return [job.return_value for job in jobs]


def _not_launched(launcher: str, reason: str) -> SweepStopped:
    name = launcher.rpartition(".")[2]
    return SweepStopped(
        f"hydra/launcher: {name} could not run the workers: {reason}; the same command continues the sweep, also with "
        "hydra/launcher=local, which needs no other package."
    )


def job_index() -> int:
    """The index of the job that this process runs, counted from 0."""
    return int(HydraConfig.get().job.num)


def run_single_job(recipe: Recipe, config: DictConfig, task: Callable[[DictConfig], Any]) -> Any:
    """Run a function as the only job, in this process.

    Hydra's settings take effect as in any program with ``@hydra.main``: `${hydra:...}` is resolved, and
    ``hydra.run.dir``, ``hydra.output_subdir``, ``hydra.job.chdir``, ``hydra.job.env_set``, ``hydra.job_logging`` and
    ``hydra.callbacks`` apply.

    Args:
        recipe: Recipe of the configuration.
        config: Configuration with Hydra's own part under ``hydra``.
        task: Function of the configuration without Hydra's own part.

    Raises:
        Exception: What the function raised.
    """
    raised: list[Exception] = []

    def guarded(composed: DictConfig) -> Any:
        try:
            with translate_os_errors("the output"):
                return task(composed)
        except Exception as error:  # Hydra would print lines of its own
            raised.append(error)

    with initialized_hydra(recipe) as hydra:
        context, name = hydra_context(hydra.config_loader(), config), recipe.config_name
        context.callbacks.on_run_start(config=config, config_name=name)
        job = run_job(guarded, config, "hydra.run.dir", None, context)
        context.callbacks.on_run_end(config=config, config_name=name, job_return=job)
    for error in raised:
        raise error
    return job.return_value
