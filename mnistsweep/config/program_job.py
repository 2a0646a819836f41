"""A program of the user's own with ``@hydra.main``, as its sweeper sees it: composes and runs a job for each trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import run_job
from hydra.errors import MissingConfigException
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from mnistsweep.config.hydra_errors import describe_missing_preset, known_keys, refused_key
from mnistsweep.config.hydra_private import hydra_context
from mnistsweep.config.recipe import HYDRA_ERRORS
from mnistsweep.errors import ConfigError, suggest

# Folder of a multirun where the user chooses none: it contains the time, so that each start has a new one.
HYDRAS_FOLDER = "multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}"

# Keys by which the configuration of mnistsweep itself is known.
_OWN_KEYS = frozenset({"data", "model", "optimizer", "schedule", "oracle", "pruner", "trainer", "max_failed_trials"})


@dataclass(frozen=True)
class HydraJob:
    """What Hydra passes to the sweeper of a program.

    Args:
        context: Hydra's loader of configurations, and the callbacks of the program.
        config: Configuration of the sweep with Hydra's own part, composed from all overrides that are no ranges.
        task_function: Function of the program; it returns the objective.
        arguments: Overrides of the command line without Hydra's own.
    """

    context: HydraContext
    config: DictConfig
    task_function: TaskFunction
    arguments: tuple[str, ...]
    _kept: dict[tuple[str, ...], DictConfig] = field(default_factory=dict, init=False, compare=False)

    @property
    def _loader(self) -> ConfigLoader:
        return self.context.config_loader

    @property
    def is_of_mnistsweep(self) -> bool:
        """Whether the configuration is that of mnistsweep, so that its trials are trained without the program."""
        return {str(key) for key in self.config} >= _OWN_KEYS

    @property
    def config_name(self) -> str | None:
        """Name of the primary configuration; None for a program without one."""
        name = self.config.hydra.job.config_name
        return None if name is None else str(name).removesuffix(".yaml")

    @cached_property
    def sweeper(self) -> dict[str, Any]:
        """Content of ``hydra.sweeper`` as plain values.

        Raises:
            ConfigError: An interpolation refers to a key that does not exist.
        """
        try:
            plain: Any = OmegaConf.to_container(self.config.hydra.sweeper, resolve=True)
        except OmegaConfBaseException as error:
            raise ConfigError(f"hydra.sweeper: {str(error).splitlines()[0]}.") from error
        return dict(plain)

    @property
    def hydra_overrides(self) -> tuple[str, ...]:
        """Hydra's own overrides of the command line."""
        texts: Any = OmegaConf.to_container(self.config.hydra.overrides.hydra)
        return tuple(map(str, texts))

    @property
    def written_folder(self) -> str:
        """Value of ``hydra.sweep.dir`` as written, with its interpolations."""
        raw: Any = OmegaConf.to_container(self.config.hydra.sweep, resolve=False)
        return str(raw["dir"])

    def options(self, group: str) -> list[str]:
        """The presets of a config group; empty for another key.

        Args:
            group: Name of the group, which a package may follow: ``db@backup``.
        """
        name = group.partition("@")[0].replace(".", "/")
        return list(self._loader.get_group_options(name)) if name and "." not in group else []

    def compose(self, overrides: Sequence[str]) -> DictConfig:
        """Compose the configuration of a job, with Hydra's own part under ``hydra``.

        Args:
            overrides: Overrides of the job, no ranges among them.

        Raises:
            ConfigError: An override cannot be applied, or a file is wrong.
        """
        try:
            return self._loader.load_sweep_config(self.config, list(overrides))
        except HYDRA_ERRORS as error:
            raise ConfigError(self._describe(error)) from error

    def compose_once(self, overrides: tuple[str, ...]) -> DictConfig:
        """The result of `compose`, kept for the next call with the same overrides; it must not be changed.

        Args:
            overrides: Overrides of the job, no ranges among them.
        """
        if overrides not in self._kept:
            self._kept[overrides] = self.compose(overrides)
        return self._kept[overrides]

    def run(self, config: DictConfig, folder: str, number: int) -> Any:
        """Run the function of the program as a job of Hydra, as its own launchers do.

        The job has a folder, a log file, ``.hydra/`` and callbacks as the program configures them.

        Args:
            config: Result of `compose`, which is changed.
            folder: Absolute path of the sweep's folder, for ``hydra.sweep.dir``.
            number: Number of the job.

        Returns:
            What the function returned.

        Raises:
            Exception: What the function raised.
        """
        with read_write(config.hydra), open_dict(config.hydra):
            config.hydra.sweep.dir = folder
            config.hydra.job.id = config.hydra.job.num = number
        ended = run_job(
            task_function=self.task_function,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=self.context,
        )
        return ended.return_value

    def with_callbacks(self, left_out: Sequence[str]) -> HydraJob:
        """The same job with the callbacks that overrides of a worker's command line have left out.

        Args:
            left_out: Overrides that the program's command line does not have.
        """
        if not left_out:
            return self
        kept = [text for text in (*self.hydra_overrides, *self.arguments) if text not in left_out]
        config = self._loader.load_configuration(self.config.hydra.job.config_name, kept, RunMode.MULTIRUN)
        OmegaConf.copy_cache(from_config=self.config, to_config=config)
        return replace(self, config=config, context=hydra_context(self._loader, config))

    def _describe(self, error: Exception) -> str:
        """One of Hydra's errors in one line."""
        first = str(error).splitlines()[0].rstrip(".")
        if isinstance(error, MissingConfigException):
            return describe_missing_preset(error, self.options)
        key = refused_key(error)
        if first.startswith("Could not override") and key is not None:
            if self.options(key):
                return f"{key}: a config group that is not in the defaults list; write +{key}=... to add it."
            return unknown_key(key, self.config)
        cause = error.__cause__
        detail = str(cause).splitlines()[0] if cause is not None and str(cause) else ""
        if first.startswith("Error merging override") and key is not None and detail:
            return f"{key}: {detail[0].lower()}{detail[1:]}; received {first.removeprefix('Error merging override ')}."
        return f"{first}{f': {detail}' if detail else ''}."


def unknown_key(key: str, *configs: DictConfig) -> str:
    """The message for a key that no configuration has.

    Args:
        key: Dotted key that the user typed.
        configs: Composed configurations.
    """
    known = sorted({name for config in configs for name in known_keys(config)})
    return f"{key}: there is no such key; {suggest(key, known)}. (A new key is added with +{key}=...)"
