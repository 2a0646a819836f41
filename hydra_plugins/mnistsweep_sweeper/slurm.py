"""``hydra/launcher=slurm``: each worker of a sweep is one job of a SLURM job array.

The keys have the names that they have in hydra-submitit-launcher (``hydra/launcher=submitit_slurm``), so that presets
of a cluster can be reused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from mnistsweep.errors import ConfigError


@dataclass
class SlurmLauncherConfig:
    """The configuration of the launcher: resources of one job, which runs one worker; null: as SLURM decides.

    Attributes:
        partition: Partition of the jobs.
        timeout_min: Time limit of a job in minutes. A job that reaches it is queued again.
        cpus_per_task: CPU cores.
        gpus_per_node: GPUs.
        mem_gb: Memory in GB.
        account: Account that is charged.
        qos: Quality of service.
        array_parallelism: Maximum number of jobs that run at the same time.
        gres: Generic resources, such as ``gpu:a100:1``.
        constraint: Features of the nodes.
        exclude: Nodes that are not used.
        cpus_per_gpu: CPU cores for each GPU.
        gpus_per_task: GPUs, bound to the worker.
        mem_per_gpu: Memory for each GPU, such as ``20G``.
        mem_per_cpu: Memory for each CPU core, such as ``4G``.
        comment: Comment.
        name: Name of the jobs; null: that of the sweep.
        signal_delay_s: Time before the limit at which a worker is asked to stop, in seconds.
        max_num_timeout: Maximum number of times that a job is queued again.
        setup: Lines of a shell that run before the worker, such as ``module load cuda``.
        additional_parameters: Further options of ``sbatch``: ``{mail-user: me@example.org}``.
        python: Command that runs Python on the nodes; null: the interpreter of this process.
    """

    _target_: str = "hydra_plugins.mnistsweep_sweeper.slurm.SlurmLauncher"
    partition: str | None = None
    timeout_min: int = 60
    cpus_per_task: int | None = None
    gpus_per_node: int | None = None
    mem_gb: float | None = None
    account: str | None = None
    qos: str | None = None
    array_parallelism: int = 256
    gres: str | None = None
    constraint: str | None = None
    exclude: str | None = None
    cpus_per_gpu: int | None = None
    gpus_per_task: int | None = None
    mem_per_gpu: str | None = None
    mem_per_cpu: str | None = None
    comment: str | None = None
    name: str | None = None
    signal_delay_s: int = 60
    max_num_timeout: int = 100
    setup: list[str] | None = None
    additional_parameters: dict[str, Any] = field(default_factory=dict)
    python: str | None = None


def _open_config() -> DictConfig:
    """The configuration, to which a command line can add options of `sbatch` without a leading ``+``."""
    config = OmegaConf.structured(SlurmLauncherConfig)
    OmegaConf.set_struct(config.additional_parameters, False)
    return cast(DictConfig, config)


ConfigStore.instance().store(group="hydra/launcher", name="slurm", node=_open_config(), provider="mnistsweep")


class SlurmLauncher(Launcher):
    """Runs any jobs on SLURM, through the launcher of hydra-submitit-launcher, which has the same keys.

    `mnistsweep sweep` does not use it: it submits the jobs of its workers itself (`mnistsweep.workers.slurm`). The
    workers of a Hydra program of the user's own are such jobs, and so are the jobs of other sweepers.

    Args:
        settings: The keys of `SlurmLauncherConfig`.
    """

    def __init__(self, **settings: Any) -> None:
        given = {key: value for key, value in settings.items() if value is not None and key != "python"}
        self._settings = {"name": "mnistsweep", **given}
        self._launcher: Launcher | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Prepare the launcher of hydra-submitit-launcher.

        Raises:
            ConfigError: It is not installed.
        """
        try:
            from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher as Submitit
        except ImportError as error:
            rule = "needs hydra-submitit-launcher, which is not installed; pip install 'mnistsweep[slurm]'"
            raise ConfigError(f"hydra/launcher=slurm: {rule}.") from error
        fixed = {"submitit_folder": f"{config.hydra.sweep.dir}/.submitit/%j", "nodes": 1, "tasks_per_node": 1}
        self._launcher = Submitit(**self._settings, **fixed)
        self._launcher.setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs until they have ended."""
        assert self._launcher is not None
        found: Sequence[JobReturn] = self._launcher.launch(job_overrides, initial_job_idx)
        return found
